/* SPDX-License-Identifier: MIT */
/* debug: ask the module debug_fault for a crash. The hypercall is made right here, in user mode. */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include <plinth/debug_fault.h>

#include "commands.h"
#include "error_line.h"
#include "options.h"
#include "output.h"

static const char *const kinds[DEBUG_FAULT_COUNT] = {
#define DEBUG_FAULT_NAME(name, text) text,
	DEBUG_FAULT_KINDS(DEBUG_FAULT_NAME)
#undef DEBUG_FAULT_NAME
};

static struct {
	struct option_words words;
	int kind, cpu;
	bool json;
} options;

static const struct option_row rows[] = {
	{"cpu", 'c', "N", "the CPU to crash on (default: 0)", option_cpu, &options.cpu, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

static int kind_of(const char *word)
{
	char all[256] = "";

	for (int i = 0; i < DEBUG_FAULT_COUNT; i++) {
		if (!strcmp(word, kinds[i]))
			return i;
		strcat(strcat(all, " "), kinds[i]);
	}
	usage_error("no fault \"%s\"; there are:%s", word, all);
}

static void judge_debug(void)
{
	char **words = options.words.list;

	if (strcmp(words[0], "fault"))
		usage_error("\"%s\": only faults can be asked for", words[0]);
	if (options.words.n < 2)
		usage_error("which fault?");
	if (options.words.n > 2)
		usage_error("one fault at a time, but there is \"%s\"", words[2]);
	options.kind = kind_of(words[1]);
}

static sigjmp_buf refused;

static void on_refusal(int signal_number)
{
	siglongjmp(refused, signal_number);
}

static long hypercall(long number, long argument)
{
	long result = number;

	__asm__ volatile("vmcall" : "+a"(result) : "c"(argument) : "memory");
	return result;
}

static int go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return 0;
	error_line("debug: CPU %d: %s", cpu, strerror(errno));
	return -1;
}

static void print_done(void)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "fault", kinds[options.kind]);
	json_add_number(o, "cpu", (uint64_t)options.cpu);
	print_json(o);
}

/* After a crash the instruction is tried again, by a CPU that knows no VMM any more. */
static int ask_for_fault(void)
{
	struct sigaction action = {.sa_handler = on_refusal};

	sigaction(SIGILL, &action, NULL);
	if (sigsetjmp(refused, 1)) {
		error_line("debug: nobody answered on CPU %d: the VMM crashed, or is not running with "
			   "debug_fault",
			   options.cpu);
		return EXIT_FAILED;
	}
	if (!hypercall((long)DEBUG_FAULT_HYPERCALL, options.kind)) {
		if (options.json)
			print_done();
		return EXIT_OK;
	}
	error_line("debug: the module does not know this fault");
	return EXIT_FAILED;
}

int cmd_debug(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Make the VMM crash on purpose; wants the module debug_fault (load --add).",
		.rows = rows,
		.words_about = "fault KIND",
		.words = &options.words,
		.no_words = "which fault?",
		.judge = judge_debug,
	};

	options_take(argc, argv, &table);
	return go_to(options.cpu) ? EXIT_FAILED : ask_for_fault();
}
