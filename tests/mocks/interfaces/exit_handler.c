/* SPDX-License-Identifier: MIT */
/* An exit handler that knows what the system itself needs: CPUID, control registers, the stop. */
#include <plinth/exit_handler.h>
#include <plinth/x86.h>

#include "variant.h"

PLINTH_MODULE("mock_exit_handler", "0.1.0", "exits: CPUID, control registers and the stop, no more (tests)");

static vcpu_exit_fn *table[PLINTH_EXIT_KINDS];
static uint64_t stop_rip, stop_token[2];

static enum exit_action unknown(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_FATAL;
}

static enum exit_action cpuid(struct vcpu *vcpu)
{
	return cpu_cpuid_guest(vcpu);
}

static enum exit_action hypercall(struct vcpu *vcpu)
{
	const struct vcpu_regs *r = &vcpu->regs;

	if (r->rax != PLINTH_HYPERCALL_STOP || r->rcx != stop_token[0] || r->rdx != stop_token[1] ||
	    vcpu->exit.rip != stop_rip || vcpu_read(vcpu, VCPU_CPL)) {
		vcpu_inject(vcpu, VECTOR_UD, false, 0);
		return EXIT_RETRY;
	}
	vcpu->regs.rax = 0;
	return EXIT_LEAVE;
}

static enum exit_action cr_access(struct vcpu *vcpu)
{
	struct vcpu_cr_access access;
	enum vcpu_reg reg;

	vcpu_cr_access(vcpu, &access);
	reg = access.cr == 0 ? VCPU_CR0 : access.cr == 3 ? VCPU_CR3 : VCPU_CR4;
	if (access.op == VCPU_CR_READ) {
		vcpu_set_gpr(vcpu, access.gpr, vcpu_read(vcpu, reg));
		return EXIT_NEXT;
	}
	if (access.op != VCPU_CR_WRITE)
		return EXIT_FATAL;
	if (!vcpu_write(vcpu, reg, vcpu_gpr(vcpu, access.gpr)))
		return EXIT_NEXT;
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

static enum exit_action settle(struct vcpu *vcpu)
{
	vcpu_settle(vcpu);
	return EXIT_RETRY;
}

static vcpu_exit_fn *builtin(uint32_t kind)
{
	switch (kind) {
	case PLINTH_EXIT_CPUID: return cpuid;
	case PLINTH_EXIT_HYPERCALL: return hypercall;
	case PLINTH_EXIT_CR_ACCESS: return cr_access;
	case PLINTH_EXIT_TIMER: return settle;
	default: return unknown;
	}
}

/* The constructor of an extension may want a row before exit_init(). */
static void fill(void)
{
	for (uint32_t kind = 0; !table[0] && kind < PLINTH_EXIT_KINDS; kind++)
		table[PLINTH_EXIT_KINDS - 1 - kind] = builtin(PLINTH_EXIT_KINDS - 1 - kind);
}

int exit_init(const struct plinth_boot *boot)
{
	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("exit_init"))
		return PLINTH_E_NOMEM;
	fill();
	stop_rip = boot->stop_rip;
	stop_token[0] = boot->stop_token[0];
	stop_token[1] = boot->stop_token[1];
	return 0;
}

void exit_fini(void)
{
	table[0] = NULL;
}

vcpu_exit_fn *const *exit_handlers(void)
{
	return table;
}

int exit_register_kind(uint32_t kind, vcpu_exit_fn *handler, vcpu_exit_fn **previous)
{
	if (kind >= PLINTH_EXIT_KINDS || !handler)
		return PLINTH_E_INVAL;
	fill();
	*previous = table[kind];
	table[kind] = handler;
	return 0;
}

/* No room for ranges. */
int exit_register_cpuid(uint32_t first, uint32_t last, exit_range_fn *handler, void *context)
{
	(void)context;
	return first > last || !handler ? PLINTH_E_INVAL : PLINTH_E_LIMIT;
}

int exit_unregister_cpuid(uint32_t first)
{
	(void)first;
	return PLINTH_E_INVAL;
}

int exit_register_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_range_fn *handler,
			    void *context)
{
	(void)caller;
	(void)context;
	return first > last || !handler ? PLINTH_E_INVAL : PLINTH_E_LIMIT;
}

int exit_unregister_hypercall(uint64_t first)
{
	(void)first;
	return PLINTH_E_INVAL;
}
