/* SPDX-License-Identifier: MIT */
/* In place of the exit handler's own cpuid.c: a swapped exit handler has another signature. */
#include <string.h>

#include "internal.h"

enum exit_action exit_cpuid(struct vcpu *vcpu)
{
	static const char signature[12] = "SwappedByUs!";
	bool ours = (uint32_t)vcpu->regs.rax == EXIT_HYPERVISOR_LEAF;
	uint32_t words[3];

	cpu_cpuid_guest(vcpu);
	if (!ours)
		return EXIT_NEXT;
	memcpy(words, signature, sizeof(words));
	vcpu->regs.rbx = words[0];
	vcpu->regs.rcx = words[1];
	vcpu->regs.rdx = words[2];
	return EXIT_NEXT;
}

void cpuid_init(void)
{
}

vcpu_exit_fn *cpuid_handler(void)
{
	return exit_cpuid;
}

int exit_register_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
			exit_cpuid_fn *handler, void *context)
{
	(void)first;
	(void)last;
	(void)first_subleaf;
	(void)last_subleaf;
	(void)handler;
	(void)context;
	return PLINTH_E_NOTSUP;
}

int exit_unregister_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
			  exit_cpuid_fn *handler, void *context)
{
	(void)first;
	(void)last;
	(void)first_subleaf;
	(void)last_subleaf;
	(void)handler;
	(void)context;
	return PLINTH_E_NOTSUP;
}
