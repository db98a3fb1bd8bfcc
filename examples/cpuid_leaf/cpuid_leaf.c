/* SPDX-License-Identifier: MIT */
/* A CPUID leaf of our own: says a word, and how often this CPU was asked. */
#include <plinth/exit_handler.h>

#define LEAF 0x40000100u /* of the range that CPUs leave to hypervisors */

PLINTH_MODULE("cpuid_leaf", "0.1.0", "CPUID leaf 40000100h: a greeting and a count");

static uint32_t asked;

/* The answer is the CPU's until we change it; cpuid->leaf and cpuid->subleaf say what was asked. */
static enum exit_action answer(struct vcpu *vcpu, struct exit_cpuid *cpuid, void *context)
{
	(void)vcpu;
	(void)context;
	cpuid->answer.eax = __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED);
	cpuid->answer.ebx = 0x6c6c6548; /* "Hell" in the order of memory */
	cpuid->answer.ecx = 0x0000216f; /* "o!" */
	cpuid->answer.edx = 0;
	return EXIT_NEXT;
}

/* Constructors run when all modules are linked, before any CPU is under the VMM. */
__attribute__((constructor)) static void enlist(void)
{
	/* It fails only if there is no more room: then we are not asked. What is registered ends with us. */
	(void)!exit_register_cpuid(LEAF, LEAF, 0, EXIT_LAST_SUBLEAF, answer, NULL);
}
