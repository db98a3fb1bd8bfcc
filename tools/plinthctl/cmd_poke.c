/* SPDX-License-Identifier: MIT */
/* poke: change memory of a process, of the kernel or of the machine. */
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "hex_word.h"
#include "options.h"
#include "target.h"

static struct {
	struct plinth_target target;
	struct option_words words;
	uint64_t address;
	uint8_t bytes[PLINTH_PEEK_BYTES];
	size_t n;
	bool json;
} options;

static const struct option_row rows[] = {
	TARGET_PID(&options.target),
	TARGET_PHYSICAL(&options.target),
	{"json", 'j', NULL, "print errors as JSON", option_json, &options.json, 0},
	{0},
};

static void judge_poke(void)
{
	options.address = target_address(options.words.list[0]);
	for (int i = 1; i < options.words.n; i++)
		if (!hex_word_add(options.words.list[i], options.bytes, sizeof(options.bytes), &options.n))
			usage_error("\"%s\": " HEX_WORD_WANTS, options.words.list[i]);
	if (!options.n || options.n > PLINTH_PEEK_BYTES)
		usage_error("wants 1 to %u BYTES", PLINTH_PEEK_BYTES);
}

int cmd_poke(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Write BYTES, two hexadecimal digits each, to memory from ADDR on, all or none: the "
			 "kernel's, a process's, or the machine's. What is read-only is refused, and what is "
			 "shared until it is written to; a page that others have, too, changes for them. "
			 "Wants "
			 "the extension introspection.",
		.rows = rows,
		.words_about = "ADDR BYTES...",
		.words = &options.words,
		.no_words = "where, and what?",
		.judge = judge_poke,
	};
	int device, err;

	options_take(argc, argv, &table);
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	err = plinth_poke(device, &options.target, options.address, options.bytes, options.n);
	if (err)
		target_failed(device);
	close(device);
	return err ? EXIT_FAILED : EXIT_OK;
}
