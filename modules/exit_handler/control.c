/* SPDX-License-Identifier: MIT */
/* Control registers and XCR0. */
#include "internal.h"

#define XCR0_X87    1ull
#define XCR0_SSE    2ull
#define XCR0_AVX    4ull
#define XCR0_BND    0x18ull
#define XCR0_AVX512 0xe0ull
#define XCR0_TILE   0x60000ull

#define LEAF_XSAVE 13u

static const enum vcpu_reg cr_regs[16] = {[0] = VCPU_CR0, [3] = VCPU_CR3, [4] = VCPU_CR4};

static enum exit_action cr_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	if (vcpu_write(vcpu, reg, value)) {
		LOG_WARN("guest wrote 0x%llx to CR%u; refused", (unsigned long long)value,
			 reg == VCPU_CR0   ? 0u
			 : reg == VCPU_CR3 ? 3u
					   : 4u);
		return exit_raise_gp(vcpu);
	}
	return EXIT_NEXT;
}

/* LMSW can set PE but not clear it, and changes bits 0-3 only (SDM, "LMSW"). */
static uint64_t lmsw_value(struct vcpu *vcpu, uint64_t source)
{
	uint64_t cr0 = vcpu_read(vcpu, VCPU_CR0);

	return (cr0 & ~(CR0_MP | CR0_EM | CR0_TS)) | (source & (CR0_PE | CR0_MP | CR0_EM | CR0_TS));
}

enum exit_action exit_cr_access(struct vcpu *vcpu)
{
	struct vcpu_cr_access access;
	enum vcpu_reg reg;

	vcpu_cr_access(vcpu, &access);
	if (access.cr != 0 && access.cr != 3 && access.cr != 4)
		return EXIT_FATAL;
	reg = cr_regs[access.cr];
	switch (access.op) {
	case VCPU_CR_WRITE: return cr_write(vcpu, reg, vcpu_gpr(vcpu, access.gpr));
	case VCPU_CR_READ: vcpu_set_gpr(vcpu, access.gpr, vcpu_read(vcpu, reg)); return EXIT_NEXT;
	case VCPU_CR_CLTS: return cr_write(vcpu, VCPU_CR0, vcpu_read(vcpu, VCPU_CR0) & ~CR0_TS);
	default: return cr_write(vcpu, VCPU_CR0, lmsw_value(vcpu, access.source));
	}
}

static uint64_t xcr0_supported(void)
{
	struct cpu_leaf leaf;

	/* IA32_MISC_ENABLE can hide the leaf, not the register: then the CPU alone decides. */
	cpu_cpuid(0, 0, &leaf);
	if (leaf.eax < LEAF_XSAVE)
		return ~0ull;
	cpu_cpuid(LEAF_XSAVE, 0, &leaf);
	return (uint64_t)leaf.edx << 32 | leaf.eax;
}

static bool all_or_none(uint64_t value, uint64_t bits)
{
	return !(value & bits) || (value & bits) == bits;
}

/* SDM, "XSETBV" and "Enabling the XSAVE Feature Set and XSAVE-Enabled Features". */
static bool xcr0_valid(uint64_t value)
{
	if (value & ~xcr0_supported() || !(value & XCR0_X87))
		return false;
	if (value & XCR0_AVX && !(value & XCR0_SSE))
		return false;
	if (value & XCR0_AVX512 && !(value & XCR0_AVX))
		return false;
	return all_or_none(value, XCR0_BND) && all_or_none(value, XCR0_AVX512) &&
	       all_or_none(value, XCR0_TILE);
}

enum exit_action exit_xsetbv(struct vcpu *vcpu)
{
	uint64_t value = (vcpu->regs.rdx << 32) | (uint32_t)vcpu->regs.rax;

	if (!(vcpu_read(vcpu, VCPU_CR4) & CR4_OSXSAVE))
		return exit_raise_ud(vcpu);
	if (vcpu_read(vcpu, VCPU_CPL) || (uint32_t)vcpu->regs.rcx || !xcr0_valid(value))
		return exit_raise_gp(vcpu);
	/* The CPU has the last word; root mode runs with the guest's CR4.OSXSAVE or more. */
	return cpu_xsetbv_safe(0, value) ? exit_raise_gp(vcpu) : EXIT_NEXT;
}
