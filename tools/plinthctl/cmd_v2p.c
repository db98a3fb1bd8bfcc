/* SPDX-License-Identifier: MIT */
/* v2p: where an address of a process or of the kernel lies in the machine's memory. */
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "output.h"
#include "target.h"

static struct {
	struct plinth_target target;
	struct option_words words;
	uint64_t address;
	bool json;
} options;

static const struct option_row rows[] = {
	TARGET_PID(&options.target),
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

static void judge_v2p(void)
{
	if (options.words.n != 1)
		usage_error("one address at a time, but there is \"%s\"", options.words.list[1]);
	options.address = target_address(options.words.list[0]);
}

static void print_physical(uint64_t physical)
{
	struct json_object *document;

	if (!options.json) {
		printf("0x%llx\n", (unsigned long long)physical);
		return;
	}
	document = json_object_new_object();
	json_add_address(document, "address", options.address);
	json_add_address(document, "physical", physical);
	print_json(document);
}

int cmd_v2p(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Print the physical address behind ADDR, by the page tables of the kernel or of a "
			 "process. Wants the extension introspection.",
		.rows = rows,
		.words_about = "ADDR",
		.words = &options.words,
		.no_words = "which address?",
		.judge = judge_v2p,
	};
	uint64_t physical;
	int device, err;

	options_take(argc, argv, &table);
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	err = plinth_locate(device, &options.target, options.address, &physical);
	if (err)
		target_failed(device);
	else
		print_physical(physical);
	close(device);
	return err ? EXIT_FAILED : EXIT_OK;
}
