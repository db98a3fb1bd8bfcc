/* SPDX-License-Identifier: MIT */
/* Control registers (SDM, "Control Registers"), flags, XCR0. */
#include "internal.h"

#define CR0_RESERVED 0xffffffff1ffaffc0ull

uint64_t model_read_cr0(void)
{
	model_tick();
	return model_here()->st.cr0;
}

uint64_t model_read_cr2(void)
{
	return model_here()->st.cr2;
}

uint64_t model_read_cr3(void)
{
	model_tick();
	return model_here()->st.cr3;
}

uint64_t model_read_cr4(void)
{
	model_tick();
	return model_here()->st.cr4;
}

uint64_t model_read_dr7(void)
{
	return model_here()->st.dr7;
}

bool model_cr0_ok(const struct model_cpu *cpu, uint64_t value)
{
	if (value & CR0_RESERVED || !(value & CR0_PG) || !(value & CR0_PE) ||
	    (value & CR0_NW && !(value & CR0_CD)))
		return false;
	if (cpu->st.cr4 & CR4_CET && !(value & CR0_WP))
		return false;
	return !cpu->virt_on || model_vendor()->cr_ok(0, value);
}

void model_write_cr0(uint64_t value)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!model_cr0_ok(cpu, value)) {
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "MOV to CR0");
		return;
	}
	cpu->st.cr0 = value;
}

void model_write_cr2(uint64_t value)
{
	model_here()->st.cr2 = value;
}

bool model_cr3_ok(uint64_t value)
{
	return !((model.kind->lam ? value & ~CR3_LAM : value) >> model.kind->physical_bits);
}

void model_write_cr3(uint64_t value)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (cpu->st.cr4 & CR4_PCIDE)
		value &= ~CR3_NOFLUSH;
	if (!model_cr3_ok(value)) {
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "MOV to CR3");
		return;
	}
	cpu->st.cr3 = value;
	cpu->cr3_loads++;
}

bool model_cr4_ok(const struct model_cpu *cpu, uint64_t value)
{
	uint64_t before = cpu->st.cr4;

	if (value & ~model.kind->cr4 || !(value & CR4_PAE) || (value ^ before) & CR4_LA57)
		return false;
	if (value & ~before & CR4_PCIDE && cpu->st.cr3 & CR3_PCID)
		return false;
	if (value & CR4_CET && !(cpu->st.cr0 & CR0_WP))
		return false;
	return !cpu->virt_on || model_vendor()->cr_ok(4, value);
}

void model_write_cr4(uint64_t value)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!model_cr4_ok(cpu, value)) {
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "MOV to CR4");
		return;
	}
	cpu->st.cr4 = value;
}

void model_write_dr7(uint64_t value)
{
	model_tick();
	if (value >> 32)
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "MOV to DR7");
	else
		model_here()->st.dr7 = value | 0x400;
}

void model_flush_tlb(void)
{
	uint64_t cr4 = model_here()->st.cr4;

	model_write_cr4(cr4 ^ CR4_PGE);
	model_write_cr4(cr4);
}

void model_invlpg(uint64_t va)
{
	if (model.invalidate)
		model.invalidate(va);
}

void model_wbinvd(void)
{
	model_here()->wbinvds++;
}

/* XCR0 of this CPU: x87, SSE, AVX. */
int model_xsetbv_safe(uint32_t index, uint64_t value)
{
	struct model_cpu *cpu = model_here();
	bool valid = !index && value & 1 && !(value & ~7ull) && !(value & 4 && !(value & 2));

	model_tick();
	if (!(cpu->st.cr4 & CR4_OSXSAVE))
		return model_raise(VECTOR_UD, 0, RAISE_FIXUP, "XSETBV with CR4.OSXSAVE 0") ? PLINTH_E_FAULT
											   : 0;
	if (!valid)
		return model_raise(VECTOR_GP, 0, RAISE_FIXUP, "XSETBV") ? PLINTH_E_FAULT : 0;
	cpu->st.xcr0 = value;
	return 0;
}

void model_halt(void)
{
	struct model_cpu *cpu = model_here();

	if (cpu->st.rflags & RFLAGS_IF)
		model_violation("HLT with interrupts on");
	cpu->halted = true;
	model_switch_back(MODEL_HALTED);
}

void model_pause(void)
{
}

uint64_t model_rdtsc(void)
{
	static uint64_t tsc = 1ull << 40; /* some minutes after power on */

	return tsc += 1000;
}
