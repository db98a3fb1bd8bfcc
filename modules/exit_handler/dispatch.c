/* SPDX-License-Identifier: MIT */
/*
 * Who handles which exit: one table, built-in rows and what extensions put over them; and the module's state.
 */
#include <plinth/abi.h>

#include "exit_kind.h"
#include "internal.h"

PLINTH_MODULE("exit_handler", "0.1.0",
	      "what happens on a VM exit: CPUID, MSRs, control registers, hypercalls");

struct exit_state exit_state;

/* An exit without a row is one we do not expect. */
static vcpu_exit_fn *const builtin[PLINTH_EXIT_KINDS] = {
	[PLINTH_EXIT_CPUID] = exit_cpuid,
	[PLINTH_EXIT_HYPERCALL] = exit_hypercall,
	/*
	 * A hypervisor's instructions: nobody has switched them on in the guest's eyes, natively they are
	 * undefined.
	 */
	[PLINTH_EXIT_VIRT_INSN] = exit_raise_ud,
	[PLINTH_EXIT_CR_ACCESS] = exit_cr_access,
	[PLINTH_EXIT_XSETBV] = exit_xsetbv,
	[PLINTH_EXIT_MSR_READ] = exit_msr_read,
	[PLINTH_EXIT_MSR_WRITE] = exit_msr_write,
	[PLINTH_EXIT_MSR_LIST] = exit_msr_list,
	[PLINTH_EXIT_INVD] = exit_invd,
	[PLINTH_EXIT_GETSEC] = exit_getsec,
	/* Hardware task switches do not exist in 64-bit mode. */
	[PLINTH_EXIT_TASK_SWITCH] = exit_raise_gp,
	[PLINTH_EXIT_SLAT_VIOLATION] = exit_memory,
	[PLINTH_EXIT_TIMER] = exit_settle,
	[PLINTH_EXIT_NMI_WINDOW] = exit_settle,
	[PLINTH_EXIT_TRIPLE_FAULT] = exit_triple_fault,
	[PLINTH_EXIT_INIT] = exit_init_signal,
};

static enum exit_action unexpected(struct vcpu *vcpu)
{
	LOG_ERR("unexpected exit: %s (reason 0x%llx)", exit_kind_name(vcpu->exit.kind),
		(unsigned long long)vcpu->exit.reason);
	return EXIT_FATAL;
}

static vcpu_exit_fn *builtin_of(uint32_t kind)
{
	if (kind == PLINTH_EXIT_CPUID)
		return cpuid_handler();
	return builtin[kind] ? builtin[kind] : unexpected;
}

static enum exit_action kind_bottom(struct vcpu *vcpu, const struct exit_link *below)
{
	return builtin_of((uint32_t)below->number)(vcpu);
}

static enum exit_action hooked(struct vcpu *vcpu)
{
	const struct exit_policy *policy = vcpu->guest->policy;
	const struct exit_link top = {
		.policy = policy,
		.n = policy->n,
		.sort = PLINTH_REGISTERED_EXIT,
		.what = CHAIN_ANY,
		.number = vcpu->exit.kind,
		.call = chain_call_hook,
		.bottom = kind_bottom,
	};

	return exit_below(vcpu, &top);
}

static bool is_hooked(uint32_t kind)
{
	const struct exit_policy *policy = &exit_state.policy;

	for (uint32_t i = 0; i < policy->n; i++)
		if (chain_covers(&policy->rows[i], PLINTH_REGISTERED_EXIT, kind, CHAIN_ANY))
			return true;
	return false;
}

/* Once, for all who register: the module's code fills its pages. */
__attribute__((noinline)) void table_refresh(void)
{
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		exit_state.policy.table[kind] = is_hooked(kind) ? hooked : builtin_of(kind);
}

int exit_init(const struct plinth_boot *boot)
{
	exit_state.slot_va = boot->slot_va;
	exit_state.stop_rip = boot->stop_rip;
	exit_state.stop_token[0] = boot->stop_token[0];
	exit_state.stop_token[1] = boot->stop_token[1];
	guest_host()->policy = &exit_state.policy;
	beneath_init();
	cpuid_init();
	table_refresh();
	return msr_init();
}

/* What exit_init() set it sets anew. */
void exit_fini(void)
{
}

vcpu_exit_fn *const *exit_handlers(void)
{
	return exit_state.policy.table;
}

static struct chain_row kind_row(uint32_t first, uint32_t last, exit_hook_fn *handler, void *context)
{
	return (struct chain_row){.sort = PLINTH_REGISTERED_EXIT,
				  .what = CHAIN_ANY,
				  .first = first,
				  .last = last,
				  .handler.hook = handler,
				  .context = context};
}

int exit_register_kind(uint32_t first, uint32_t last, exit_hook_fn *handler, void *context)
{
	const struct chain_row row = kind_row(first, last, handler, context);
	int err = last >= PLINTH_EXIT_KINDS ? PLINTH_E_INVAL : chain_add(&row);

	table_refresh();
	return err;
}

int exit_unregister_kind(uint32_t first, uint32_t last, exit_hook_fn *handler, void *context)
{
	const struct chain_row row = kind_row(first, last, handler, context);
	int err = chain_remove(&row);

	table_refresh();
	return err;
}
