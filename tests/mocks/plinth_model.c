/* SPDX-License-Identifier: MIT */
/*
 * plinth-model: the installed modules, and those of a module's author among them, on the model CPU.
 * Loads, starts, asks what CPUID says, stops and unloads; and does it again for every call that can
 * fail. No root, no driver, no VT-x.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"

#define MAX_CHANGES 3u /* modules that are replaced, or added; the machine has room for so many */
#define MAX_LEAVES  8u
#define UART	    0x3f8u
#define GUEST_RIP   0xffffffff81000000ull

static struct {
	uint32_t n_cpus, n_replaced, n_added, n_leaves;
	char *replaced[MAX_CHANGES], *with[MAX_CHANGES], *added[MAX_CHANGES];
	uint32_t leaves[MAX_LEAVES];
	bool faults, log;
} options = {.n_cpus = 1};

static bool failed;

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	failed = true;
}

/* -- arguments --------------------------------------------------------------------------- */

static const char usage[] =
	"usage: plinth-model [--cpus N] [--replace NAME=FILE]... [--add FILE]... [--cpuid LEAF]... "
	"[--faults] [--log]\n"
	"\n"
	"Loads Plinth's modules on a model of a CPU with VT-x, starts, stops and unloads them.\n"
	"\n"
	"  --cpus N             1 to 4 processors (1)\n"
	"  --replace NAME=FILE  load FILE instead of the module NAME\n"
	"  --add FILE           load FILE as well\n"
	"  --cpuid LEAF         what CPUID says there, a hexadecimal number, on each processor while the VMM "
	"runs\n"
	"  --faults             once more for every call that can fail: it fails, all is undone, and then it "
	"works\n"
	"  --log                the VMM's log\n"
	"\n"
	"Exit status: 0 all went well, 1 something did not, 2 bad arguments.\n"
	"PLINTH_MODULES and PLINTH_MOCKS name other folders than the installed ones.\n";

static void __attribute__((noreturn)) bad_usage(const char *what, const char *value)
{
	fprintf(stderr, "plinth-model: %s: %s (see plinth-model --help)\n", value, what);
	exit(2);
}

/* The absolute path without ".so", as the machine wants it. */
static char *module_file(const char *name)
{
	char *path = realpath(name, NULL);
	size_t length = path ? strlen(path) : 0;

	if (!path || access(path, R_OK))
		bad_usage(strerror(errno), name);
	if (length < 4 || strcmp(path + length - 3, ".so"))
		bad_usage("not a file named *.so", name);
	path[length - 3] = '\0';
	return path;
}

static void add_replacement(const char *text)
{
	const char *equals = strchr(text, '=');
	uint32_t n = options.n_replaced;

	if (!equals || equals == text)
		bad_usage("wants NAME=FILE", text);
	if (n == MAX_CHANGES)
		bad_usage("too many modules are replaced", text);
	options.replaced[n] = strndup(text, (size_t)(equals - text));
	options.with[n] = module_file(equals + 1);
	if (!strcmp(options.replaced[n], "intrinsics"))
		bad_usage("the model CPU is in its place", text);
	options.n_replaced++;
}

static uint32_t number(const char *text, int base, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, base);

	if (!*text || *end || value < min || value > max)
		bad_usage("not such a number", text);
	return (uint32_t)value;
}

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{"cpus", required_argument, NULL, 'n'}, {"replace", required_argument, NULL, 'r'},
		{"add", required_argument, NULL, 'a'},	{"cpuid", required_argument, NULL, 'c'},
		{"faults", no_argument, NULL, 'f'},	{"log", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},	{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (option) {
		case 'n': options.n_cpus = number(optarg, 10, 1, MODEL_CPUS); break;
		case 'r': add_replacement(optarg); break;
		case 'a':
			if (options.n_added == MAX_CHANGES)
				bad_usage("too many modules are added", optarg);
			options.added[options.n_added++] = module_file(optarg);
			break;
		case 'c':
			if (options.n_leaves == MAX_LEAVES)
				bad_usage("too many leaves", optarg);
			options.leaves[options.n_leaves++] = number(optarg, 16, 0, UINT32_MAX);
			break;
		case 'f': options.faults = true; break;
		case 'l': options.log = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: exit(2);
		}
	}
	if (optind < argc)
		bad_usage("unexpected argument", argv[optind]);
}

/* Both folders lie beside the program's own, unless the environment names others. */
static void find_modules(void)
{
	char program[4096] = "", path[4200];
	char *slash;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) > 0 && (slash = strrchr(program, '/')))
		*slash = '\0';
	snprintf(path, sizeof(path), "%s/../%s/plinth/modules", program, PLINTH_LIBDIR);
	setenv("PLINTH_MODULES", path, 0);
	snprintf(path, sizeof(path), "%s/../%s/plinth/model", program, PLINTH_LIBDIR);
	setenv("PLINTH_MOCKS", path, 0);
}

/* -- one life --------------------------------------------------------------------------------- */

static void power_on(void)
{
	machine_reset(&model_kinds[0], options.n_cpus);
	machine.uart_port = model.uart = UART;
	for (uint32_t i = 0; i < options.n_replaced; i++) {
		if (!machine_has(options.replaced[i]))
			bad_usage("no such module", options.replaced[i]);
		machine_replace(options.replaced[i], options.with[i]);
	}
	for (uint32_t i = 0; i < options.n_added; i++)
		machine_add(options.added[i]);
}

/* What a CPU, or an operating system, forbids and somebody did. */
static void tell_violations(void)
{
	for (uint32_t i = 0; i < model.violations && i < sizeof(model.violation) / sizeof(model.violation[0]);
	     i++)
		complain("not allowed: %s", model.violation[i]);
	model.violations = 0;
}

static void ask_cpuid(uint32_t cpu, uint32_t leaf)
{
	static const struct model_exit exit = {.reason = 10, .length = 2};
	struct model_cpu *c = &model.cpu[cpu];
	enum model_end end;

	c->rip = GUEST_RIP;
	c->regs = (struct vcpu_regs){.rax = leaf};
	end = model_exit(cpu, &exit);
	if (end != MODEL_GUEST)
		complain("cpu %u: leaf %08x: the guest does not go on (%d)", cpu, leaf, (int)end);
	else if (c->event.info)
		printf("cpu %u: leaf %08x: exception %u\n", cpu, leaf, c->event.info & 0xff);
	else
		printf("cpu %u: leaf %08x: eax %08x ebx %08x ecx %08x edx %08x\n", cpu, leaf,
		       (uint32_t)c->regs.rax, (uint32_t)c->regs.rbx, (uint32_t)c->regs.rcx,
		       (uint32_t)c->regs.rdx);
	if (end == MODEL_GUEST && !c->event.info && c->rip != GUEST_RIP + exit.length)
		complain("cpu %u: leaf %08x: goes on at RIP 0x%llx", cpu, leaf, (unsigned long long)c->rip);
}

static bool step(const char *name, int (*run)(void))
{
	int err = run();

	if (!err)
		printf("%s: ok\n", name);
	else
		complain("%s: %s\n%s", name, plinth_strerror(err), machine.report.text);
	tell_violations();
	return !err;
}

static void whole_life(void)
{
	struct machine_world before, after;
	const char *differs;

	power_on();
	machine_snapshot(&before);
	if (!step("load", machine_load))
		return;
	if (step("start", machine_start)) {
		for (uint32_t i = 0; i < options.n_leaves; i++)
			for (uint32_t cpu = 0; cpu < options.n_cpus; cpu++)
				ask_cpuid(cpu, options.leaves[i]);
		if (!step("stop", machine_stop))
			return;
	}
	if (!step("unload", machine_unload))
		return;
	machine_snapshot(&after);
	differs = machine_compare(&before, &after);
	if (differs)
		complain("afterwards something is not as before: %s", differs);
}

/* -- with faults -------------------------------------------------------------------------------- */

static int (*const way[])(void) = {machine_load, machine_start, machine_stop, machine_unload};

/* A command that fails leaves the world as it was and works the next time; or the state is CORRUPT: then
 * false. */
static bool command(int (*run)(void), uint32_t n)
{
	struct machine_world before, after;
	const char *differs;
	int err;

	machine_snapshot(&before);
	err = run();
	if (!err || err == PLINTH_E_CORRUPT)
		return !err;
	machine_snapshot(&after);
	differs = machine_compare(&before, &after);
	if (differs)
		complain("call %u, \"%s\", failed and left behind: %s", n, model_fault_name(), differs);
	err = run();
	if (err)
		complain("call %u, \"%s\", failed, and then it does not work: %s", n, model_fault_name(),
			 machine.report.text);
	return !err;
}

/* False: there is no n-th call. */
static bool fail_call(uint32_t n)
{
	bool on = true;

	power_on();
	model_arm(n, 0);
	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]) && on; i++)
		on = command(way[i], n);
	tell_violations();
	return model_disarm();
}

static void every_fault(void)
{
	uint32_t n = 1;

	while (fail_call(n))
		n++;
	printf("%u calls failed, one at a time%s\n", n - 1, failed ? "" : ": all was undone");
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	find_modules();
	whole_life();
	if (options.log)
		fwrite(model.serial, 1, model.n_serial, stdout);
	if (options.faults && !failed)
		every_fault();
	puts(failed ? "FAIL" : "PASS");
	return failed;
}
