/* SPDX-License-Identifier: MIT */
/* A guest executes RDMSR or WRMSR: it exits as root mode has said, or the CPU does it. */
#include "internal.h"

#define BYTES 2u /* of either instruction */
#define GP    0x80000b0du

bool model_msr_exits(uint32_t number, uint32_t msr, bool is_write)
{
	const struct model_cpu *cpu = &model.cpu[number];

	return cpu->guest_ops->msr_exits && cpu->guest_ops->msr_exits(cpu, msr, is_write);
}

enum model_end model_guest_msr(uint32_t number, bool is_write)
{
	const struct model_exit exit = {.kind = is_write ? PLINTH_EXIT_MSR_WRITE : PLINTH_EXIT_MSR_READ,
					.length = BYTES};
	struct model_cpu *cpu = &model.cpu[number];
	uint32_t msr = (uint32_t)cpu->regs.rcx;
	uint64_t value = cpu->regs.rdx << 32 | (uint32_t)cpu->regs.rax;

	if (model_msr_exits(number, msr, is_write))
		return model_exit(number, &exit);
	model.here = number;
	cpu->event = (struct model_event){0};
	if (!(is_write ? model_msr_write(msr, value) : model_msr_read(msr, &value))) {
		cpu->event.info = GP;
		return MODEL_GUEST;
	}
	cpu->rip += BYTES;
	if (!is_write) {
		cpu->regs.rax = (uint32_t)value;
		cpu->regs.rdx = value >> 32;
	}
	return MODEL_GUEST;
}
