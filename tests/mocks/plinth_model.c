/* SPDX-License-Identifier: MIT */
/*
 * plinth-model: the installed modules, and those of a module's author among them, on the model CPU.
 * Loads, starts, asks what CPUID says, stops and unloads; and does it again for every call that can
 * fail. No root, no driver, no VT-x.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "plinth_model.h"

#define UART	  0x3f8u
#define GUEST_RIP 0xffffffff81000000ull

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

static void power_on_as_asked(void)
{
	const char *why;

	if (!machine_build(&options.hardware, &why))
		options_refuse("no such machine", why);
	machine.uart_port = model.uart = UART;
	for (uint32_t i = 0; i < options.n_replaced; i++) {
		if (!machine_has(options.replaced[i]))
			options_refuse(options.replaced[i], "no such module");
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
	static const struct model_exit exit = {.kind = PLINTH_EXIT_CPUID, .length = 2};
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

static void show_whole_life(void)
{
	struct machine_world before, after;
	const char *differs;

	power_on_as_asked();
	machine_snapshot(&before);
	if (!step("load", machine_load))
		return;
	if (step("start", machine_start)) {
		for (uint32_t i = 0; i < options.n_leaves; i++)
			for (uint32_t cpu = 0; cpu < options.hardware.n_cpus; cpu++)
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

/*
 * A command that fails leaves the world as it was and works the next time; or the state is CORRUPT: then
 * false.
 */
static bool tell_command(int (*run)(void), uint32_t n)
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

	power_on_as_asked();
	model_arm(n, 0);
	for (size_t i = 0; i < sizeof(way) / sizeof(way[0]) && on; i++)
		on = tell_command(way[i], n);
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
	options_parse(argc, argv);
	find_modules();
	show_whole_life();
	if (options.log)
		fwrite(model.serial, 1, model.n_serial, stdout);
	if (options.faults && !failed)
		every_fault();
	puts(failed ? "FAIL" : "PASS");
	return failed;
}
