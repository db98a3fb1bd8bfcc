/* SPDX-License-Identifier: MIT */
/*
 * The guest's CR0, CR3 and CR4: what it may write, and what is kept in the real registers. The vCPU is the
 * current one.
 */
#include "internal.h"

static uint64_t shadowed(enum vmcs_field real, enum vmcs_field shadow, uint64_t mask)
{
	return (vmcs_read(real) & ~mask) | (vmcs_read(shadow) & mask);
}

uint64_t control_read_cr0(const struct vendor_private *p)
{
	return shadowed(VMCS_GUEST_CR0, VMCS_CR0_SHADOW, p->cr0_mask);
}

uint64_t control_read_cr4(const struct vendor_private *p)
{
	return shadowed(VMCS_GUEST_CR4, VMCS_CR4_SHADOW, p->cr4_mask);
}

/* Without VPIDs every exit and every entry has flushed. */
static void flush_guest(const struct vendor_private *p)
{
	if (p->controls.has_vpid)
		(void)cpu_invvpid(INVVPID_ALL, 0, 0);
}

/*
 * The guest's value in a register of which VMX fixes some bits: the real one keeps
 * those, the shadow shows what was written. What the write would have flushed natively
 * is flushed, and rather more than less: such a write is rare.
 */
static void write_fixed(const struct vendor_private *p, uint64_t value, uint64_t mask, enum vmcs_field real,
			enum vmcs_field shadow)
{
	vmcs_write(real, (value & ~mask) | (vmcs_read(real) & mask));
	vmcs_write(shadow, value);
	flush_guest(p);
}

/* SDM, "MOV - Move to/from Control Registers", #GP of 64-bit mode. PE and PG cannot go in VMX operation. */
static bool cr0_valid(uint64_t value, uint64_t cr4)
{
	if (value >> 32 || (value & (CR0_PE | CR0_PG)) != (CR0_PE | CR0_PG))
		return false;
	if (value & CR0_NW && !(value & CR0_CD))
		return false;
	return value & CR0_WP || !(cr4 & CR4_CET);
}

static bool cr4_valid(uint64_t value, uint64_t before, uint64_t cr0, uint64_t cr3)
{
	if (value & ~(cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1) & VENDOR_CR4_KEPT) || !(value & CR4_PAE))
		return false;
	if ((value ^ before) & CR4_LA57)
		return false;
	if (value & ~before & CR4_PCIDE && cr3 & CR3_PCID)
		return false;
	return cr0 & CR0_WP || !(value & CR4_CET);
}

/*
 * Caching is the CPU's, not the guest's: entries and exits leave these two bits alone (SDM, "Loading Guest
 * State").
 */
static void write_caching(uint64_t value)
{
	const uint64_t bits = CR0_CD | CR0_NW, now = cpu_read_cr0();

	if ((value ^ now) & bits)
		cpu_write_cr0((now & ~bits) | (value & bits));
}

int control_write_cr0(const struct vendor_private *p, uint64_t value)
{
	if (!cr0_valid(value, control_read_cr4(p)))
		return PLINTH_E_INVAL;
	write_caching(value);
	write_fixed(p, value, p->cr0_mask, VMCS_GUEST_CR0, VMCS_CR0_SHADOW);
	return 0;
}

int control_write_cr4(const struct vendor_private *p, uint64_t value)
{
	if (!cr4_valid(value, control_read_cr4(p), control_read_cr0(p), vmcs_read(VMCS_GUEST_CR3)))
		return PLINTH_E_INVAL;
	write_fixed(p, value, p->cr4_mask, VMCS_GUEST_CR4, VMCS_CR4_SHADOW);
	return 0;
}

/*
 * The CPU exits before it looks whether CR3 fits its physical addresses; linear-address masking has two bits
 * above them.
 */
static bool cr3_valid(uint64_t value)
{
	struct cpu_leaf widths;

	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &widths);
	if (value & CR3_LAM && caps_has_lam())
		value &= ~CR3_LAM;
	return !(value >> (widths.eax & 0xff));
}

/* With PCIDs bit 63 of the operand asks to flush nothing; without them it is reserved (SDM, "MOV to CR3"). */
int control_write_cr3(const struct vendor_private *p, uint64_t value)
{
	const bool keep = value & CR3_NOFLUSH && control_read_cr4(p) & CR4_PCIDE;

	if (keep)
		value &= ~CR3_NOFLUSH;
	if (!cr3_valid(value))
		return PLINTH_E_INVAL;
	vmcs_write(VMCS_GUEST_CR3, value);
	if (!keep)
		flush_guest(p);
	return 0;
}
