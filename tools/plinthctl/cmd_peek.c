/* SPDX-License-Identifier: MIT */
/* peek: memory of a process, of the kernel or of the machine, as it is now. */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "output.h"
#include "target.h"

#define LINE	16u
#define AT_ONCE 65536u /* bytes that are read before they are printed */
#define MOST	(1ull << 30)

static struct {
	struct plinth_target target;
	struct option_words words;
	uint64_t address, bytes;
	bool raw, json;
} options;

static const struct option_row rows[] = {
	TARGET_PID(&options.target),
	TARGET_PHYSICAL(&options.target),
	{"raw", 'r', NULL, "print the bytes themselves", option_flag, &options.raw, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

static void judge_peek(void)
{
	if (options.words.n != 2)
		usage_error("wants ADDR and LEN");
	if (options.raw && options.json)
		usage_error("--raw and --json do not go together");
	options.address = target_address(options.words.list[0]);
	options.bytes = target_bytes(options.words.list[1], options.json ? AT_ONCE : MOST);
	if (options.address + (options.bytes - 1) < options.address)
		usage_error("so many bytes go beyond the last address");
}

/* As hexdump -C has it; addresses are those in memory. */
static void print_line(uint64_t address, const uint8_t *bytes, size_t n)
{
	printf("%016llx ", (unsigned long long)address);
	for (size_t i = 0; i < LINE; i++)
		printf(i < n ? "%s%02x" : "%s  ", i == LINE / 2 ? "  " : " ", i < n ? bytes[i] : 0u);
	fputs("  |", stdout);
	for (size_t i = 0; i < n; i++)
		putchar(isprint(bytes[i]) ? bytes[i] : '.');
	puts("|");
}

static void print_dump(uint64_t address, const uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n; at += LINE)
		print_line(address + at, bytes + at, n - at < LINE ? n - at : LINE);
}

static void print_bytes_json(uint64_t address, const uint8_t *bytes, size_t n)
{
	static char text[2 * AT_ONCE + 1];
	struct json_object *document = json_object_new_object();

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	json_add_address(document, "address", address);
	json_add_text(document, "bytes", text);
	print_json(document);
}

static void print_bytes(uint64_t address, const uint8_t *bytes, size_t n)
{
	if (options.json)
		print_bytes_json(address, bytes, n);
	else if (options.raw)
		fwrite(bytes, 1, n, stdout);
	else
		print_dump(address, bytes, n);
}

static int peek_on(int device)
{
	static uint8_t bytes[AT_ONCE];
	uint64_t done, n;

	for (done = 0; done < options.bytes; done += n) {
		n = options.bytes - done < AT_ONCE ? options.bytes - done : AT_ONCE;
		if (plinth_peek(device, &options.target, options.address + done, bytes, n)) {
			target_failed(device);
			return -1;
		}
		print_bytes(options.address + done, bytes, n);
	}
	return 0;
}

int cmd_peek(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Show LEN bytes of memory from ADDR on, as they are now: the kernel's, a process's, "
			 "or "
			 "the machine's. Nothing is fetched for it: what is swapped out or not there yet is "
			 "refused. Wants the extension introspection.",
		.rows = rows,
		.words_about = "ADDR LEN",
		.words = &options.words,
		.no_words = "where, and how much?",
		.judge = judge_peek,
	};
	int device, err;

	options_take(argc, argv, &table);
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	err = peek_on(device);
	close(device);
	return err ? EXIT_FAILED : EXIT_OK;
}
