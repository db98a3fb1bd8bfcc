/* SPDX-License-Identifier: MIT */
/* call: a message to an extension, and its answer. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"

#define HEX_TEXT (2 * PLINTH_CALL_BYTES + 1)

struct message {
	uint8_t bytes[PLINTH_CALL_BYTES + 1]; /* one more than can be sent tells that there are too many */
	size_t n;
};

struct options {
	const char *name;
	char **words; /* behind the name: hexadecimal digits, or one file */
	int n_words;
	uint32_t cpu;
	bool hex, json;
};

static const struct argp_option option_list[] = {
	{"cpu", 'c', "N", 0, "have it answered on this CPU (default: the one that the command runs on)", 0},
	{"hex", 'x', NULL, 0, "the message is given, and the answer printed, as hexadecimal digits", 0},
	{"json", 'j', NULL, 0, "print JSON, errors too", 0},
	{0},
};

static error_t parse(int key, char *word, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c': options->cpu = (uint32_t)options_cpu(state, word); return 0;
	case 'x': options->hex = true; return 0;
	case ARGP_KEY_ARG:
		if (options->name)
			return ARGP_ERR_UNKNOWN;
		options->name = word;
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->n_words = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (!options->name)
			argp_error(state, "which extension?");
		else if (!*options->name || strlen(options->name) >= PLINTH_CALL_NAME)
			argp_error(state, "\"%s\": names have 1 to %u characters", options->name,
				   PLINTH_CALL_NAME - 1);
		if (!options->hex && options->n_words > 1)
			argp_error(state, "one file at a time, but there is \"%s\"", options->words[1]);
		return 0;
	default: return options_usual(key, word, state, &options->json);
	}
}

/* -- the message ------------------------------------------------------------------------ */

static int too_many(const char *where)
{
	error_line("call: %s has more than %u bytes: no message can be longer", where, PLINTH_CALL_BYTES);
	return -1;
}

static int digit_of(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int add_digits(struct message *message, const char *word)
{
	for (const char *at = word; *at; at += 2) {
		const int high = digit_of(at[0]), low = high < 0 ? -1 : digit_of(at[1]);

		if (low < 0) {
			error_line("call: \"%s\": wants two hexadecimal digits for each byte", word);
			return -1;
		}
		if (message->n == PLINTH_CALL_BYTES)
			return too_many("the message");
		message->bytes[message->n++] = (uint8_t)(high << 4 | low);
	}
	return 0;
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

static int get_message(struct message *message, const struct options *options)
{
	int err = 0;

	if (!options->hex)
		return options->n_words ? read_named(message, options->words[0]) : 0;
	for (int i = 0; i < options->n_words && !err; i++)
		err = add_digits(message, options->words[i]);
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

static void print_answer(const struct message *answer, const struct options *options)
{
	char text[HEX_TEXT];

	if (options->json) {
		struct json_object *document = json_object_new_object();

		json_object_object_add(document, "answer", json_object_new_string(hex_of(answer, text)));
		print_json(document);
	} else if (options->hex) {
		puts(hex_of(answer, text));
	} else {
		fwrite(answer->bytes, 1, answer->n, stdout);
	}
}

static int send_message(const struct message *message, struct message *answer, const struct options *options)
{
	struct plinth_ctl_call call = {
		.size = sizeof(call),
		.cpu = options->cpu,
		.in = (uintptr_t)message->bytes,
		.in_bytes = message->n,
		.out = (uintptr_t)answer->bytes,
		.room = PLINTH_CALL_BYTES,
	};
	int device = device_open(), status = EXIT_OK;

	if (device < 0)
		return EXIT_FAILED;
	memcpy(call.name, options->name, strlen(options->name));
	if (device_call(device, PLINTH_CTL_CALL, &call))
		status = device_failed(device, "call");
	close(device);
	answer->n = call.out_bytes;
	return status;
}

int cmd_call(int argc, char **argv)
{
	static struct message message, answer;
	struct options options = {.cpu = PLINTH_CALL_HERE};
	const struct argp argp = {
		.options = option_list,
		.parser = parse,
		.args_doc = "NAME [FILE]\nNAME --hex [BYTES...]",
		.doc = "Send a message to an extension that answers to NAME, and print the answer: bytes as "
		       "they are, or with "
		       "--hex as digits. The message is what FILE holds (-: standard input), or the BYTES; "
		       "with neither "
		       "it is empty.",
	};
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (get_message(&message, &options))
		return EXIT_FAILED;
	status = send_message(&message, &answer, &options);
	if (status == EXIT_OK)
		print_answer(&answer, &options);
	return status;
}
