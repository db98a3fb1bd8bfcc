/* SPDX-License-Identifier: MIT */
/* A guest executes RDMSR or WRMSR: it exits as the bitmaps say, or the CPU does it (SDM, "MSR-Bitmap
 * Address"). */
#include "internal.h"

#define RANGE 0x2000u
#define HIGH  0xc0000000u
#define BYTES 2u /* of either instruction */
#define GP    0x80000b0du

bool model_msr_exits(uint32_t number, uint32_t msr, bool is_write)
{
	const uint8_t *page = model.physical(model_field(number, VMCS_MSR_BITMAP));
	uint32_t bit = msr & (RANGE - 1), quarter = (msr >= HIGH ? 1 : 0) + (is_write ? 2 : 0);

	if ((msr & ~(RANGE - 1)) != 0 && (msr & ~(RANGE - 1)) != HIGH)
		return true;
	return page[quarter * 1024 + bit / 8] >> bit % 8 & 1;
}

enum model_end model_guest_msr(uint32_t number, bool is_write)
{
	const struct model_exit exit = {.reason = is_write ? 32 : 31, .length = BYTES};
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
