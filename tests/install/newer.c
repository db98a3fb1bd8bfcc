/* SPDX-License-Identifier: MIT */
/* A module built against headers in which one function has another version. */
#include <plinth/abi.h>
#include <plinth/vcpu.h>

PLINTH_MODULE("newer", "0.1.0", "wants version 3 of exit_register_kind()");

int exit_register_kind(uint32_t kind, vcpu_exit_fn *handler) PLINTH_VERSION(exit_register_kind, 3);

static enum exit_action handler(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_NEXT;
}

__attribute__((constructor)) static void enlist(void)
{
	(void)exit_register_kind(PLINTH_EXIT_CPUID, handler);
}
