/* SPDX-License-Identifier: MIT */
/*
 * An extension with hypercalls: for the kernel, for anybody, and one that is fatal, as its messages are. It
 * takes nothing back.
 */
#include <plinth/call.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>

#include "extension.h"

PLINTH_MODULE("extension", "0.1.0", "hypercalls of its own (tests)");

static enum exit_action extension_answer(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)below;
	vcpu->regs.rax ^= (uint64_t)context;
	return EXIT_NEXT;
}

#define NO_MSR 0xdeadbeefu

static enum exit_action extension_fault(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)vcpu;
	(void)below;
	(void)context;
	cpu_wrmsr(NO_MSR, 0);
	return EXIT_NEXT;
}

static int fault_of_message(struct call *call, void *context)
{
	(void)call;
	(void)context;
	cpu_wrmsr(NO_MSR, 0);
	return 0;
}

__attribute__((constructor)) static void extension_attach(void)
{
	(void)!call_register(EXTENSION_CALL_FAULT, fault_of_message, NULL);
	(void)!exit_register_hypercall(EXTENSION_FAULT, EXTENSION_FAULT, EXIT_CALLER_KERNEL, extension_fault,
				       NULL);
	(void)!exit_register_hypercall(EXTENSION_KERNEL, EXTENSION_KERNEL + EXTENSION_MORE,
				       EXIT_CALLER_KERNEL, extension_answer, (void *)EXTENSION_ANSWER);
	(void)!exit_register_hypercall(EXTENSION_ANYBODY, EXTENSION_ANYBODY + EXTENSION_MORE,
				       EXIT_CALLER_ANYBODY, extension_answer, (void *)EXTENSION_ANSWER);
}
