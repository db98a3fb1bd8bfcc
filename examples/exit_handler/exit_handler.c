/* SPDX-License-Identifier: MIT */
/*
 * An exit handler of one's own, in place of Plinth's: what a running system needs, and a CPUID leaf
 * that says who is in charge. Everything that is not here is an exit that nobody expects: the VMM
 * reports it and gives the CPU back.
 */
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/x86.h>

#define LOG_TAG "mine"

PLINTH_MODULE("my_exit_handler", "1.0.0", "an exit handler of my own");

#define LEAF_OURS      (EXIT_HYPERVISOR_LEAF + 1)
#define LMSW_BITS      (CR0_PE | CR0_MP | CR0_EM | CR0_TS)
#define LMSW_CAN_CLEAR (CR0_MP | CR0_EM | CR0_TS)

static uint64_t stop_rip, stop_token[2];

static enum exit_action raise_gp(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

static enum exit_action raise_ud(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, VECTOR_UD, false, 0);
	return EXIT_RETRY;
}

/* -- CPUID ------------------------------------------------------------------------------- */

static void say(struct vcpu_regs *r, uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
	r->rax = eax;
	r->rbx = ebx;
	r->rcx = ecx;
	r->rdx = edx;
}

/* The hardware's answer, but for what depends on the guest's CR4 and for the leaves of hypervisors. */
static enum exit_action on_cpuid(struct vcpu *vcpu)
{
	uint32_t leaf = (uint32_t)vcpu->regs.rax;
	enum exit_action action = cpu_cpuid_guest(vcpu);
	uint64_t cr4 = vcpu_read(vcpu, VCPU_CR4);

	if (leaf == 1) {
		vcpu->regs.rcx &= ~(uint64_t)CPUID_1_ECX_OSXSAVE;
		vcpu->regs.rcx |= CPUID_1_ECX_HYPERVISOR | (cr4 & CR4_OSXSAVE ? CPUID_1_ECX_OSXSAVE : 0);
	} else if (leaf == EXIT_HYPERVISOR_LEAF) {
		say(&vcpu->regs, LEAF_OURS, 0x6e696c50, 0x6c506874, 0x68746e69); /* "PlinthPlinth" */
	} else if (leaf == LEAF_OURS) {
		say(&vcpu->regs, 1, 0x656e694d, 0, 0); /* "Mine" */
	}
	return action;
}

/* -- control registers, MSRs ------------------------------------------------------------------ */

static enum exit_action write_cr(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	return vcpu_write(vcpu, reg, value) ? raise_gp(vcpu) : EXIT_NEXT;
}

static enum exit_action on_cr_access(struct vcpu *vcpu)
{
	struct vcpu_cr_access access;
	enum vcpu_reg reg;
	uint64_t cr0 = vcpu_read(vcpu, VCPU_CR0);

	vcpu_cr_access(vcpu, &access);
	if (access.cr != 0 && access.cr != 3 && access.cr != 4)
		return EXIT_FATAL;
	reg = access.cr == 0 ? VCPU_CR0 : access.cr == 3 ? VCPU_CR3 : VCPU_CR4;
	switch (access.op) {
	case VCPU_CR_READ: vcpu_set_gpr(vcpu, access.gpr, vcpu_read(vcpu, reg)); return EXIT_NEXT;
	case VCPU_CR_WRITE: return write_cr(vcpu, reg, vcpu_gpr(vcpu, access.gpr));
	case VCPU_CR_CLTS: return write_cr(vcpu, VCPU_CR0, cr0 & ~CR0_TS);
	default: return write_cr(vcpu, VCPU_CR0, (cr0 & ~LMSW_CAN_CLEAR) | (access.source & LMSW_BITS));
	}
}

static enum exit_action on_rdmsr(struct vcpu *vcpu)
{
	uint64_t value;

	if (vcpu_read_msr(vcpu, (uint32_t)vcpu->regs.rcx, &value))
		return raise_gp(vcpu);
	vcpu->regs.rax = (uint32_t)value;
	vcpu->regs.rdx = value >> 32;
	return EXIT_NEXT;
}

static enum exit_action on_wrmsr(struct vcpu *vcpu)
{
	uint64_t value = vcpu->regs.rdx << 32 | (uint32_t)vcpu->regs.rax;

	return vcpu_write_msr(vcpu, (uint32_t)vcpu->regs.rcx, value) ? raise_gp(vcpu) : EXIT_NEXT;
}

static enum exit_action on_xsetbv(struct vcpu *vcpu)
{
	uint64_t value = vcpu->regs.rdx << 32 | (uint32_t)vcpu->regs.rax;

	if (!(vcpu_read(vcpu, VCPU_CR4) & CR4_OSXSAVE))
		return raise_ud(vcpu);
	if (vcpu_read(vcpu, VCPU_CPL) || cpu_xsetbv_safe((uint32_t)vcpu->regs.rcx, value))
		return raise_gp(vcpu);
	return EXIT_NEXT;
}

/* -- the rest ------------------------------------------------------------------------------------ */

/* Only the driver can stop: the kernel's privilege, its one address, this load's token. */
static enum exit_action on_hypercall(struct vcpu *vcpu)
{
	struct vcpu_regs *r = &vcpu->regs;

	if (r->rax != PLINTH_HYPERCALL_STOP || r->rcx != stop_token[0] || r->rdx != stop_token[1] ||
	    vcpu->exit.rip != stop_rip || vcpu_read(vcpu, VCPU_CPL))
		return raise_ud(vcpu);
	r->rax = 0;
	return EXIT_LEAVE;
}

static enum exit_action on_invd(struct vcpu *vcpu)
{
	if (vcpu_read(vcpu, VCPU_CPL))
		return raise_gp(vcpu);
	/* Without writing back it would take the VMM's own cache lines with it. */
	cpu_wbinvd();
	return EXIT_NEXT;
}

static enum exit_action on_settle(struct vcpu *vcpu)
{
	vcpu_settle(vcpu);
	return EXIT_RETRY;
}

/* Whoever sends an INIT gets the CPU. */
static enum exit_action on_init(struct vcpu *vcpu)
{
	vcpu_take_init(vcpu);
}

static enum exit_action unexpected(struct vcpu *vcpu)
{
	LOG_ERR("no handler for exit kind %u", vcpu->exit.kind);
	return EXIT_FATAL;
}

/* -- the interface ---------------------------------------------------------------------------------- */

static vcpu_exit_fn *const ours[PLINTH_EXIT_KINDS] = {
	[PLINTH_EXIT_CPUID] = on_cpuid,	      [PLINTH_EXIT_HYPERCALL] = on_hypercall,
	[PLINTH_EXIT_VIRT_INSN] = raise_ud,   [PLINTH_EXIT_GETSEC] = raise_ud,
	[PLINTH_EXIT_TASK_SWITCH] = raise_gp, [PLINTH_EXIT_CR_ACCESS] = on_cr_access,
	[PLINTH_EXIT_MSR_READ] = on_rdmsr,    [PLINTH_EXIT_MSR_WRITE] = on_wrmsr,
	[PLINTH_EXIT_XSETBV] = on_xsetbv,     [PLINTH_EXIT_INVD] = on_invd,
	[PLINTH_EXIT_INIT] = on_init,	      [PLINTH_EXIT_MSR_LIST] = raise_gp,
	[PLINTH_EXIT_TIMER] = on_settle,      [PLINTH_EXIT_NMI_WINDOW] = on_settle,
};

static vcpu_exit_fn *our_handler(uint32_t kind)
{
	return ours[kind] ? ours[kind] : unexpected;
}

static vcpu_exit_fn *table[PLINTH_EXIT_KINDS]; /* ours, and what modules put above them */

int exit_init(const struct plinth_boot *boot)
{
	/* The constructor of an extension may have been here before. */
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		if (!table[kind])
			table[kind] = our_handler(kind);
	stop_rip = boot->stop_rip;
	stop_token[0] = boot->stop_token[0];
	stop_token[1] = boot->stop_token[1];
	return 0;
}

void exit_fini(void)
{
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
	const struct exit_link below = {our_handler(vcpu->exit.kind)};

	return hook->handler(vcpu, &below, hook->context);
}

enum exit_action exit_below(struct vcpu *vcpu, const struct exit_link *below)
{
	return below->ours(vcpu);
}

/* `plinthctl modules -v` tells of nobody: an entry of kinds would tell whose they are. */
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
		table[kind] = our_handler(kind);
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
