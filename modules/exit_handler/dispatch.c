/* SPDX-License-Identifier: MIT */
/* Who handles which exit: one table, built-in rows and what extensions put over them. */
#include <plinth/abi.h>

#include "internal.h"

PLINTH_MODULE("exit_handler", "0.1.0", "what happens on a VM exit: CPUID, MSRs, control registers, hypercalls");

/* An exit without a row is one we do not expect. */
static vcpu_exit_fn *const builtin[PLINTH_EXIT_KINDS] = {
	[PLINTH_EXIT_CPUID] = exit_cpuid,
	[PLINTH_EXIT_HYPERCALL] = exit_hypercall,
	[PLINTH_EXIT_VIRT_INSN] = exit_undefined,
	[PLINTH_EXIT_CR_ACCESS] = exit_cr_access,
	[PLINTH_EXIT_XSETBV] = exit_xsetbv,
	[PLINTH_EXIT_MSR_READ] = exit_msr_read,
	[PLINTH_EXIT_MSR_WRITE] = exit_msr_write,
	[PLINTH_EXIT_MSR_LIST] = exit_msr_list,
	[PLINTH_EXIT_INVD] = exit_invd,
	[PLINTH_EXIT_GETSEC] = exit_getsec,
	[PLINTH_EXIT_TASK_SWITCH] = exit_task_switch,
	[PLINTH_EXIT_TIMER] = exit_settle,
	[PLINTH_EXIT_NMI_WINDOW] = exit_settle,
	[PLINTH_EXIT_TRIPLE_FAULT] = exit_triple_fault,
	[PLINTH_EXIT_INIT] = exit_init_signal,
};

static const char *const kind_names[PLINTH_EXIT_KINDS] = {
#define PLINTH_EXIT(name, text) text,
#include <plinth/exit_kinds.def>
#undef PLINTH_EXIT
};

static enum exit_action unexpected(struct vcpu *vcpu)
{
	LOG_ERR("unexpected exit: %s (reason 0x%llx)",
		vcpu->exit.kind < PLINTH_EXIT_KINDS ? kind_names[vcpu->exit.kind] : "?",
		(unsigned long long)vcpu->exit.reason);
	return EXIT_FATAL;
}

/* Extensions replace rows before the first start; after that the table is only read. */
static vcpu_exit_fn *table[PLINTH_EXIT_KINDS];

/* An extension's constructor may come before exit_init(): the table fills itself on first use. */
static void table_fill(void)
{
	if (table[0])
		return;
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		table[kind] = builtin[kind] ? builtin[kind] : unexpected;
}

int exit_init(const struct plinth_boot *boot)
{
	table_fill();
	hypercall_init(boot);
	return 0;
}

void exit_fini(void)
{
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		table[kind] = NULL;
}

vcpu_exit_fn *const *exit_handlers(void)
{
	return table;
}

int exit_register_kind(uint32_t kind, vcpu_exit_fn *handler, vcpu_exit_fn **previous)
{
	if (kind >= PLINTH_EXIT_KINDS || !handler)
		return PLINTH_E_INVAL;
	table_fill();
	*previous = table[kind];
	table[kind] = handler;
	return 0;
}
