/* SPDX-License-Identifier: MIT */
/* The guest's registers by neutral names. */
#include "internal.h"

/* Where a register that is simply a field lies; CR0 and CR4 have shadows and go their own way. */
static const uint32_t fields[VCPU_REG_COUNT] = {
	[VCPU_RIP] = VMCS_GUEST_RIP,	     [VCPU_RSP] = VMCS_GUEST_RSP,
	[VCPU_RFLAGS] = VMCS_GUEST_RFLAGS,   [VCPU_CR3] = VMCS_GUEST_CR3,
	[VCPU_DR7] = VMCS_GUEST_DR7,	     [VCPU_CS] = VMCS_GUEST_CS_SELECTOR,
	[VCPU_SS] = VMCS_GUEST_SS_SELECTOR,  [VCPU_DS] = VMCS_GUEST_DS_SELECTOR,
	[VCPU_ES] = VMCS_GUEST_ES_SELECTOR,  [VCPU_FS] = VMCS_GUEST_FS_SELECTOR,
	[VCPU_GS] = VMCS_GUEST_GS_SELECTOR,  [VCPU_FS_BASE] = VMCS_GUEST_FS_BASE,
	[VCPU_GS_BASE] = VMCS_GUEST_GS_BASE,
};

uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg)
{
	const struct vendor_private *p = vcpu->vendor;

	if (!vcpu_is_current(vcpu))
		return 0;
	switch (reg) {
	case VCPU_CR0: return control_read_cr0(p);
	case VCPU_CR4: return control_read_cr4(p);
	case VCPU_CR2: return cpu_read_cr2();
	case VCPU_EFER:
		return p->controls.exit & EXIT_SAVE_EFER ? vmcs_read(VMCS_GUEST_EFER)
							 : cpu_rdmsr(MSR_IA32_EFER);
	case VCPU_CPL: return RIGHTS_DPL(vmcs_read(VMCS_GUEST_SS_RIGHTS));
	case VCPU_CODE64: return !!(vmcs_read(VMCS_GUEST_CS_RIGHTS) & RIGHTS_L);
	default: return reg < VCPU_REG_COUNT && fields[reg] ? vmcs_read(fields[reg]) : 0;
	}
}

int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	if (!vcpu_is_current(vcpu))
		return PLINTH_E_STATE;
	switch (reg) {
	case VCPU_CR0: return control_write_cr0(vcpu->vendor, value);
	case VCPU_CR3: return control_write_cr3(vcpu->vendor, value);
	case VCPU_CR4: return control_write_cr4(vcpu->vendor, value);
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
