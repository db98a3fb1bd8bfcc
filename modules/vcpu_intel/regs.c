/* SPDX-License-Identifier: MIT */
/* The guest's registers and the exit's details by neutral names. */
#include "internal.h"

/* Where a register that is simply a field lies; control registers have shadows and go their own way. */
static const uint32_t fields[VCPU_REG_COUNT] = {
	[VCPU_RIP] = VMCS_GUEST_RIP,	     [VCPU_RSP] = VMCS_GUEST_RSP,
	[VCPU_RFLAGS] = VMCS_GUEST_RFLAGS,   [VCPU_CR3] = VMCS_GUEST_CR3,
	[VCPU_DR7] = VMCS_GUEST_DR7,	     [VCPU_CS] = VMCS_GUEST_CS_SELECTOR,
	[VCPU_SS] = VMCS_GUEST_SS_SELECTOR,  [VCPU_DS] = VMCS_GUEST_DS_SELECTOR,
	[VCPU_ES] = VMCS_GUEST_ES_SELECTOR,  [VCPU_FS] = VMCS_GUEST_FS_SELECTOR,
	[VCPU_GS] = VMCS_GUEST_GS_SELECTOR,  [VCPU_FS_BASE] = VMCS_GUEST_FS_BASE,
	[VCPU_GS_BASE] = VMCS_GUEST_GS_BASE,
};

static uint64_t shadowed(enum vmcs_field real, enum vmcs_field shadow, uint64_t mask)
{
	return (vmcs_read(real) & ~mask) | (vmcs_read(shadow) & mask);
}

uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg)
{
	const struct vendor_private *p = vcpu->vendor;

	if (!vcpu_is_current(vcpu))
		return 0;
	switch (reg) {
	case VCPU_CR0: return shadowed(VMCS_GUEST_CR0, VMCS_CR0_SHADOW, p->cr0_mask);
	case VCPU_CR4: return shadowed(VMCS_GUEST_CR4, VMCS_CR4_SHADOW, p->cr4_mask);
	case VCPU_CR2: return cpu_read_cr2();
	case VCPU_EFER:
		return p->controls.exit & EXIT_SAVE_EFER ? vmcs_read(VMCS_GUEST_EFER)
							 : cpu_rdmsr(MSR_IA32_EFER);
	case VCPU_CPL: return RIGHTS_DPL(vmcs_read(VMCS_GUEST_SS_RIGHTS));
	case VCPU_CODE64: return !!(vmcs_read(VMCS_GUEST_CS_RIGHTS) & RIGHTS_L);
	default: return reg < VCPU_REG_COUNT && fields[reg] ? vmcs_read(fields[reg]) : 0;
	}
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

static int write_cr0(struct vcpu *vcpu, uint64_t value)
{
	if (!cr0_valid(value, vcpu_read(vcpu, VCPU_CR4)))
		return PLINTH_E_INVAL;
	write_caching(value);
	write_fixed(vcpu->vendor, value, vcpu->vendor->cr0_mask, VMCS_GUEST_CR0, VMCS_CR0_SHADOW);
	return 0;
}

static int write_cr4(struct vcpu *vcpu, uint64_t value)
{
	if (!cr4_valid(value, vcpu_read(vcpu, VCPU_CR4), vcpu_read(vcpu, VCPU_CR0),
		       vmcs_read(VMCS_GUEST_CR3)))
		return PLINTH_E_INVAL;
	write_fixed(vcpu->vendor, value, vcpu->vendor->cr4_mask, VMCS_GUEST_CR4, VMCS_CR4_SHADOW);
	return 0;
}

#define LEAF_ADDRESS_WIDTHS 0x80000008u

/*
 * The CPU exits before it looks whether CR3 fits its physical addresses; linear-address masking has two bits
 * above them.
 */
static bool cr3_valid(uint64_t value)
{
	struct cpu_leaf widths;

	cpu_cpuid(LEAF_ADDRESS_WIDTHS, 0, &widths);
	if (value & CR3_LAM && caps_has_lam())
		value &= ~CR3_LAM;
	return !(value >> (widths.eax & 0xff));
}

/* With PCIDs bit 63 of the operand asks to flush nothing; without them it is reserved (SDM, "MOV to CR3"). */
static int write_cr3(struct vcpu *vcpu, uint64_t value)
{
	const bool keep = value & CR3_NOFLUSH && vcpu_read(vcpu, VCPU_CR4) & CR4_PCIDE;

	if (keep)
		value &= ~CR3_NOFLUSH;
	if (!cr3_valid(value))
		return PLINTH_E_INVAL;
	vmcs_write(VMCS_GUEST_CR3, value);
	if (!keep)
		flush_guest(vcpu->vendor);
	return 0;
}

int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	if (!vcpu_is_current(vcpu))
		return PLINTH_E_STATE;
	switch (reg) {
	case VCPU_CR0: return write_cr0(vcpu, value);
	case VCPU_CR3: return write_cr3(vcpu, value);
	case VCPU_CR4: return write_cr4(vcpu, value);
	case VCPU_CR2: cpu_write_cr2(value); return 0;
	case VCPU_RIP:
	case VCPU_RSP:
	case VCPU_RFLAGS: vmcs_write(fields[reg], value); return 0;
	default: return PLINTH_E_INVAL;
	}
}

/* Instruction encodings count RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 ...: struct vcpu_regs backwards. */
static uint64_t *gpr(struct vcpu *vcpu, unsigned int number)
{
	static const uint8_t index[16] = {14, 13, 12, 11, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

	return (uint64_t *)&vcpu->regs + index[number & 15];
}

#define GPR_RSP 4

uint64_t vcpu_gpr(struct vcpu *vcpu, unsigned int number)
{
	return number == GPR_RSP ? vmcs_read(VMCS_GUEST_RSP) : *gpr(vcpu, number);
}

void vcpu_set_gpr(struct vcpu *vcpu, unsigned int number, uint64_t value)
{
	if (number == GPR_RSP)
		vmcs_write(VMCS_GUEST_RSP, value);
	else
		*gpr(vcpu, number) = value;
}

uint64_t vcpu_detail(struct vcpu *vcpu)
{
	(void)vcpu;
	return vmcs_read(VMCS_EXIT_QUALIFICATION);
}

/*
 * SDM, "Exit Qualification for EPT Violations": its lowest three bits are SLAT_READ and so on, the next three
 * what was allowed.
 */
#define QUALIFICATION_ALLOWED 0x38u

void vcpu_memory_access(struct vcpu *vcpu, struct vcpu_memory_access *out)
{
	out->address = vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS);
	out->wanted = vcpu_detail(vcpu) & SLAT_ALL;
	out->mapped = vcpu_detail(vcpu) & QUALIFICATION_ALLOWED;
}

/* SDM, "Exit Qualification for Control-Register Accesses". */
void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out)
{
	uint64_t q = vcpu_detail(vcpu);

	out->cr = q & 15;
	out->op = q >> 4 & 3;
	out->gpr = q >> 8 & 15;
	out->source = q >> 16 & 0xffff;
}
