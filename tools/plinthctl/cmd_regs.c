/* SPDX-License-Identifier: MIT */
/* regs: the registers of a CPU. */
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "output.h"
#include "target.h"

static struct {
	int cpu;
	bool json;
} options = {.cpu = -1};

static void judge_regs(void)
{
	if (options.cpu < 0)
		usage_error("of which CPU (--cpu N)?");
}

static const struct option_row rows[] = {
	{"cpu", 'c', "N", "this CPU's", option_cpu, &options.cpu, 0},
	{"json", 'j', NULL, "print JSON, errors too", option_json, &options.json, 0},
	{0},
};

/* In the order of struct plinth_ctl_registers. */
static const char *const names[] = {
	"cr0", "cr2", "cr3", "cr4", "rax", "rbx", "rcx", "rdx", "rbp", "rsi",	 "rdi",	 "rsp",
	"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags", "efer",
};

#define REGISTERS (sizeof(names) / sizeof(names[0]))

_Static_assert(sizeof(struct plinth_ctl_registers) == REGISTERS * sizeof(uint64_t), "a name for each");

static void print_registers(const struct plinth_ctl_registers *registers)
{
	struct json_object *document = options.json ? json_object_new_object() : NULL;
	uint64_t values[REGISTERS];

	memcpy(values, registers, sizeof(values));
	for (size_t i = 0; i < REGISTERS; i++) {
		if (document)
			json_add_address(document, names[i], values[i]);
		else
			printf("%-7s 0x%016llx\n", names[i], (unsigned long long)values[i]);
	}
	if (document)
		print_json(document);
}

int cmd_regs(int argc, char **argv)
{
	const struct option_table table = {
		.about = "Print the registers of a CPU, as they are when the driver asks on it: general "
			 "registers, RIP and RFLAGS are the driver's own, CR3 is that of whoever ran there. "
			 "Wants the extension introspection.",
		.rows = rows,
		.judge = judge_regs,
	};
	struct plinth_ctl_registers registers;
	int device, err;

	options_take(argc, argv, &table);
	device = device_open();
	if (device < 0)
		return EXIT_FAILED;
	err = plinth_registers(device, (uint32_t)options.cpu, &registers);
	if (err)
		target_failed(device);
	else
		print_registers(&registers);
	close(device);
	return err ? EXIT_FAILED : EXIT_OK;
}
