/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU is a CPU's current one. While the hardware changes from one to another, what arrives in root
 * mode touches neither: it is counted, as on the way out (event.c), and the host's when it is current again.
 *
 * Context: root mode, on the CPU in question, interrupts off.
 */
#include <stddef.h>

#include "internal.h"

static void hold_events(struct cpu *cpu, bool hold)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	cpu->priv->loaded = !hold;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!hold)
		event_recall_owed(cpu->local.vcpu);
}

/* What the CPU maps for itself it does in the state of the one that is current. */
static int leave_space(struct vcpu *vcpu)
{
	return vcpu_common.slat ? vcpu_common.slat->leave(vcpu) : 0;
}

static int make_current(struct vcpu *to)
{
	struct cpu *cpu = to->cpu;
	int err;

	/* As after a switch away that failed: nothing changed, and what failed there must not again. */
	if (to == cpu->local.vcpu)
		return 0;
	err = leave_space(cpu->local.vcpu);
	if (err)
		return err;
	hold_events(cpu, true);
	err = vendor_switch(to);
	if (!err)
		__atomic_store_n(&cpu->local.vcpu, to, __ATOMIC_SEQ_CST);
	hold_events(cpu, false);
	if (!err)
		flush_after_switch(to);
	return err;
}

struct vcpu *switch_to_host(struct vcpu *vcpu)
{
	struct vcpu *host = vcpu->cpu->host;

	if (vcpu == host || !vcpu->cpu->priv->loaded)
		return host;
	if (make_current(host))
		LOG_ERR("the CPU does not go back to the host's state");
	return host;
}

struct vcpu *switch_refused(struct vcpu *vcpu)
{
	vcpu->exit.reason = 0;
	vcpu->exit.kind = PLINTH_EXIT_ENTRY_FAILURE;
	plinth_count(&vcpu->exits[PLINTH_EXIT_ENTRY_FAILURE], 1);
	return vcpu_on_action(vcpu, vcpu_handle(vcpu, PLINTH_EXIT_ENTRY_FAILURE));
}

struct vcpu *switch_to(struct vcpu *next)
{
	if (make_current(next))
		return switch_refused(next);
	if (next->entered)
		return next;
	next->entered = true;
	(void)!vendor_enter(next);
	next->entered = false;
	return switch_refused(next);
}

/* -- who holds what ---------------------------------------------------------------------- */

static void held_remove(struct vcpu *vcpu)
{
	struct vcpu **link = &vcpu->cpu->held;

	while (*link != vcpu)
		link = &(*link)->next_held;
	*link = vcpu->next_held;
	vcpu->cpu = NULL;
	vcpu->shared = NULL;
}

int vcpu_load(struct vcpu *vcpu, struct cpu *cpu, const struct vcpu_system *system)
{
	const struct vendor_root root = tables_root(cpu->priv->tables, &cpu->local);
	int err, back;

	if (vcpu->cpu)
		return vcpu->cpu == cpu ? PLINTH_E_STATE : PLINTH_E_BUSY;
	err = leave_space(cpu->local.vcpu);
	if (err)
		return err;
	vcpu->cpu = cpu;
	vcpu->shared = cpu->shared;
	vcpu->next_held = cpu->held;
	cpu->held = vcpu;
	vcpu->entered = false;
	hold_events(cpu, true);
	err = vendor_load(vcpu, system, &root);
	back = vendor_switch(cpu->local.vcpu);
	hold_events(cpu, false);
	if (err)
		held_remove(vcpu);
	return err ? err : back;
}

int vcpu_unload(struct vcpu *vcpu)
{
	if (!vcpu->cpu || vcpu == vcpu->cpu->host || vcpu_is_current(vcpu))
		return PLINTH_E_STATE;
	vendor_unload(vcpu);
	held_remove(vcpu);
	return 0;
}

void switch_unload_all(struct cpu *cpu)
{
	while (cpu->held) {
		vendor_unload(cpu->held);
		held_remove(cpu->held);
	}
}

int vcpu_choose(struct vcpu *vcpu, struct vcpu *next)
{
	if (next->cpu != vcpu->cpu)
		return PLINTH_E_STATE;
	vcpu->cpu->chosen = next;
	return 0;
}

void vcpu_skip(struct vcpu *vcpu)
{
	vendor_skip(vcpu);
}
