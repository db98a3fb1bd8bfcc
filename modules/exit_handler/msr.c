/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR outside the ranges of the bitmap. The hardware decides: what it
 * refuses becomes the guest's #GP. 0x40000000-0x400000ff belong to hypervisors, and
 * we define none of them.
 */
#include "internal.h"

#define HYPERVISOR_MSR_FIRST 0x40000000u
#define HYPERVISOR_MSR_LAST  0x400000ffu

static bool is_hypervisor_msr(uint32_t msr)
{
	return msr >= HYPERVISOR_MSR_FIRST && msr <= HYPERVISOR_MSR_LAST;
}

enum exit_action exit_msr_read(struct vcpu *vcpu)
{
	uint32_t msr = (uint32_t)vcpu->regs.rcx;
	uint64_t value;

	if (is_hypervisor_msr(msr) || cpu_rdmsr_safe(msr, &value))
		return exit_raise_gp(vcpu);
	vcpu->regs.rax = (uint32_t)value;
	vcpu->regs.rdx = value >> 32;
	return EXIT_NEXT;
}

enum exit_action exit_msr_write(struct vcpu *vcpu)
{
	uint32_t msr = (uint32_t)vcpu->regs.rcx;
	uint64_t value = (vcpu->regs.rdx << 32) | (uint32_t)vcpu->regs.rax;

	if (is_hypervisor_msr(msr) || cpu_wrmsr_safe(msr, value))
		return exit_raise_gp(vcpu);
	return EXIT_NEXT;
}

/*
 * RDMSRLIST, WRMSRLIST, URDMSR, UWRMSR: what the bitmap lets through they do by themselves, and so they come
 * here for an MSR outside its ranges only. No CPU has one there, and each of the four then raises #GP; what a
 * list did before that is done, and the register that counts says so already.
 */
enum exit_action exit_msr_list(struct vcpu *vcpu)
{
	return exit_raise_gp(vcpu);
}
