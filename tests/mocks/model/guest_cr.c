/* SPDX-License-Identifier: MIT */
/* A guest executes MOV to CR0, CR3 or CR4: it exits as root mode has said, or the CPU does it. */
#include "internal.h"

#define BYTES	    3u
#define GP	    0x80000b0du
#define CR0_ET	    0x10ull
#define CR0_IGNORED 0x1ffaffc0ull

static bool write_cr0(struct model_cpu *cpu, uint64_t value)
{
	/* ET is always 1; the reserved bits of the lower half are not looked at. */
	value = (value | CR0_ET) & ~CR0_IGNORED;
	if (!model_cr0_ok(cpu, value))
		return false;
	cpu->st.cr0 = value;
	return true;
}

static bool write_cr3(struct model_cpu *cpu, uint64_t value)
{
	if (cpu->st.cr4 & CR4_PCIDE)
		value &= ~CR3_NOFLUSH;
	if (!model_cr3_ok(value))
		return false;
	cpu->st.cr3 = value;
	return true;
}

static bool write_cr4(struct model_cpu *cpu, uint64_t value)
{
	if (!model_cr4_ok(cpu, value))
		return false;
	cpu->st.cr4 = value;
	return true;
}

/* Bits that root mode keeps stay. */
static bool write(struct model_cpu *cpu, uint32_t cr, uint64_t value)
{
	uint64_t mask = cr == 3 || !cpu->guest_ops->cr_kept ? 0 : cpu->guest_ops->cr_kept(cpu, cr);

	if (cr == 3)
		return write_cr3(cpu, value);
	if (cr == 4)
		return write_cr4(cpu, (value & ~mask) | (cpu->st.cr4 & mask));
	return write_cr0(cpu, (value & ~mask) | (cpu->st.cr0 & mask));
}

enum model_end model_guest_cr(uint32_t number, uint32_t cr)
{
	const struct model_exit exit = {.kind = PLINTH_EXIT_CR_ACCESS, .detail = cr, .length = BYTES};
	struct model_cpu *cpu = &model.cpu[number];
	uint64_t value = cpu->regs.rax;

	if (cpu->guest_ops->cr_exits && cpu->guest_ops->cr_exits(cpu, cr, value))
		return model_exit(number, &exit);
	model.here = number;
	cpu->event = (struct model_event){0};
	if (write(cpu, cr, value)) {
		cpu->rip += BYTES;
		return MODEL_GUEST;
	}
	cpu->event = (struct model_event){.info = GP, .resumes = true};
	cpu->st.rflags |= RFLAGS_RF;
	return MODEL_GUEST;
}
