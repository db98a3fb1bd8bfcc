/* SPDX-License-Identifier: MIT */
/* call: a message to an extension, and its answer. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "device.h"
#include "hex_word.h"
#include "options.h"
#include "output.h"

#define HEX_TEXT (2 * PLINTH_CALL_BYTES + 1)

struct message {
	uint8_t bytes[PLINTH_CALL_BYTES + 1]; /* one more than can be sent tells that there are too many */
	size_t n;
};

static struct {
	const char *name;
	struct option_words words; /* with the name; then hexadecimal digits, or one file */
	int cpu;
	bool hex, json;
} options = {.cpu = -1};

static const struct option_row rows[] = {
	{"cpu", 'c', "N", "have it answered on this CPU (default: the one that the command runs on)",
	 option_cpu, &options.cpu, 0},
	{"hex", 'x', NULL, "the message is given, and the answer printed, as hexadecimal digits", option_flag,
	 &options.hex, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

static void judge_call(void)
{
	options.name = options.words.list[0];
	if (!*options.name || strlen(options.name) >= PLINTH_CALL_NAME)
		usage_error("\"%s\": names have 1 to %u characters", options.name, PLINTH_CALL_NAME - 1);
	if (!options.hex && options.words.n > 2)
		usage_error("one file at a time, but there is \"%s\"", options.words.list[2]);
}

/* -- the message ------------------------------------------------------------------------ */

static int too_many(const char *where)
{
	error_line("call: %s has more than %u bytes: no message can be longer", where, PLINTH_CALL_BYTES);
	return -1;
}

static int add_digits(struct message *message, const char *word)
{
	if (!hex_word_add(word, message->bytes, PLINTH_CALL_BYTES, &message->n)) {
		error_line("call: \"%s\": " HEX_WORD_WANTS, word);
		return -1;
	}
	return message->n > PLINTH_CALL_BYTES ? too_many("the message") : 0;
}

static int read_stream(struct message *message, FILE *from, const char *name)
{
	message->n = fread(message->bytes, 1, sizeof(message->bytes), from);
	if (ferror(from)) {
		error_line("call: %s: cannot be read: %s", name, strerror(errno));
		return -1;
	}
	return message->n > PLINTH_CALL_BYTES ? too_many(name) : 0;
}

static int read_named(struct message *message, const char *path)
{
	FILE *from;
	int err;

	if (!strcmp(path, "-"))
		return read_stream(message, stdin, "standard input");
	from = fopen(path, "re");
	if (!from) {
		error_line("call: %s: cannot be opened: %s", path, strerror(errno));
		return -1;
	}
	err = read_stream(message, from, path);
	fclose(from);
	return err;
}

static int get_message(struct message *message)
{
	int err = 0;

	if (!options.hex)
		return options.words.n > 1 ? read_named(message, options.words.list[1]) : 0;
	for (int i = 1; i < options.words.n && !err; i++)
		err = add_digits(message, options.words.list[i]);
	return err;
}

/* -- the answer --------------------------------------------------------------------------- */

static const char *hex_of(const struct message *message, char text[HEX_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < message->n; i++)
		snprintf(text + 2 * i, 3, "%02x", message->bytes[i]);
	return text;
}

static void print_answer(const struct message *answer)
{
	char text[HEX_TEXT];

	if (options.json) {
		struct json_object *document = json_object_new_object();

		json_add_text(document, "answer", hex_of(answer, text));
		print_json(document);
	} else if (options.hex) {
		puts(hex_of(answer, text));
	} else {
		fwrite(answer->bytes, 1, answer->n, stdout);
	}
}

static int send_message(const struct message *message, struct message *answer)
{
	struct plinth_ctl_call call = {
		.size = sizeof(call),
		.cpu = options.cpu < 0 ? PLINTH_CALL_HERE : (uint32_t)options.cpu,
		.in = (uintptr_t)message->bytes,
		.in_bytes = message->n,
		.out = (uintptr_t)answer->bytes,
		.room = PLINTH_CALL_BYTES,
	};
	int err;

	memcpy(call.name, options.name, strlen(options.name));
	err = device_call("call", PLINTH_CTL_CALL, &call);
	answer->n = call.out_bytes;
	return err;
}

int cmd_call(int argc, char **argv)
{
	static struct message message, answer;
	const struct option_table table = {
		.about = "Send a message to an extension that answers to NAME, and print the answer: bytes "
			 "as they are, or with --hex as digits. The message is what FILE holds (-: standard "
			 "input), or the BYTES; with neither it is empty.",
		.rows = rows,
		.words_about = "NAME [FILE]\nNAME --hex [BYTES...]",
		.words = &options.words,
		.no_words = "which extension?",
		.judge = judge_call,
	};

	options_take(argc, argv, &table);
	if (get_message(&message) || send_message(&message, &answer))
		return EXIT_FAILED;
	print_answer(&answer);
	return EXIT_OK;
}
