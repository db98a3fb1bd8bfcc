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

int exit_init(const struct plinth_boot *boot)
{
	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("exit_init"))
		return PLINTH_E_NOMEM;
	/* The constructor of an extension may have been here before. */
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		if (!table[kind])
			table[kind] = builtin(kind);
	stop_rip = boot->stop_rip;
	stop_token[0] = boot->stop_token[0];
	stop_token[1] = boot->stop_token[1];
	return 0;
}

void exit_fini(void)
{
	stop_rip = 0;
}

vcpu_exit_fn *const *exit_handlers(void)
{
	return table;
}

/* One module may stand above each kind of exit. */
struct exit_link {
	vcpu_exit_fn *ours;
};

static struct hook {
	exit_hook_fn *handler;
	void *context;
} hooks[PLINTH_EXIT_KINDS];

static enum exit_action hooked(struct vcpu *vcpu)
{
	const struct hook *hook = &hooks[vcpu->exit.kind];
	const struct exit_link below = {builtin(vcpu->exit.kind)};

	return hook->handler(vcpu, &below, hook->context);
}

enum exit_action exit_below(struct vcpu *vcpu, const struct exit_link *below)
{
	return below->ours(vcpu);
}

uint32_t exit_registrations(struct plinth_ctl_registration *out)
{
	(void)out;
	return 0;
}

static bool is_range(uint32_t first, uint32_t last)
{
	return first <= last && last < PLINTH_EXIT_KINDS;
}

int exit_register_kind(uint32_t first, uint32_t last, exit_hook_fn *handler, void *context)
{
	if (!is_range(first, last) || !handler)
		return PLINTH_E_INVAL;
	for (uint32_t kind = first; kind <= last; kind++)
		if (hooks[kind].handler)
			return PLINTH_E_LIMIT;
	for (uint32_t kind = first; kind <= last; kind++) {
		hooks[kind] = (struct hook){handler, context};
		table[kind] = hooked;
	}
	return 0;
}

int exit_unregister_kind(uint32_t first, uint32_t last, exit_hook_fn *handler, void *context)
{
	if (!is_range(first, last))
		return PLINTH_E_INVAL;
	for (uint32_t kind = first; kind <= last; kind++)
		if (hooks[kind].handler != handler || hooks[kind].context != context)
			return PLINTH_E_INVAL;
	for (uint32_t kind = first; kind <= last; kind++) {
		hooks[kind] = (struct hook){NULL, NULL};
		table[kind] = builtin(kind);
	}
	return 0;
}

/* Whoever wants a CPUID leaf, an MSR or a hypercall is told that there is no room: we have none to give. */
int exit_register_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
			exit_cpuid_fn *handler, void *context)
{
	(void)context;
	return first > last || first_subleaf > last_subleaf || !handler ? PLINTH_E_INVAL : PLINTH_E_LIMIT;
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
	return PLINTH_E_INVAL;
}

int exit_register_msr(uint32_t first, uint32_t last, uint32_t what, exit_msr_fn *handler, void *context)
{
	(void)context;
	return first > last || !handler || !what ? PLINTH_E_INVAL : PLINTH_E_LIMIT;
}

int exit_unregister_msr(uint32_t first, uint32_t last, uint32_t what, exit_msr_fn *handler, void *context)
{
	(void)first;
	(void)last;
	(void)what;
	(void)handler;
	(void)context;
	return PLINTH_E_INVAL;
}

int exit_register_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_hook_fn *handler,
			    void *context)
{
	(void)caller;
	(void)context;
	return first > last || !handler ? PLINTH_E_INVAL : PLINTH_E_LIMIT;
}

int exit_unregister_hypercall(uint64_t first, uint64_t last, enum exit_caller caller, exit_hook_fn *handler,
			      void *context)
{
	(void)first;
	(void)last;
	(void)caller;
	(void)handler;
	(void)context;
	return PLINTH_E_INVAL;
}
