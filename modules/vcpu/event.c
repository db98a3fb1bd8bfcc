/* SPDX-License-Identifier: MIT */
/*
 * What the next entry delivers: exceptions a handler raises, and NMIs and machine checks that arrive while
 * the CPU is in root mode. What an exit interrupted is redeliver.c's.
 *
 * An NMI in root mode interrupts this very code. Whoever decides about the event of the next entry says so
 * first (injecting); the NMI is then owed, and the CPU is brought back right after that entry to deliver it.
 */
#include "internal.h"

static const struct vcpu_event nothing = {.type = VCPU_EVENT_NONE};
static const struct vcpu_event nmi = {.type = VCPU_EVENT_NMI, .vector = VECTOR_NMI};
static const struct vcpu_event machine_check = {.type = VCPU_EVENT_EXCEPTION, .vector = VECTOR_MC};

/* -- NMIs and machine checks ------------------------------------------------------------------ */

static bool is_nmi(const struct vcpu_event *event)
{
	return event->type == VCPU_EVENT_NMI;
}

static bool is_machine_check(const struct vcpu_event *event)
{
	return event->type == VCPU_EVENT_EXCEPTION && event->vector == VECTOR_MC;
}

bool event_can_wait(const struct vcpu_event *event)
{
	return is_nmi(event) || is_machine_check(event);
}

/*
 * What arrives at a CPU is its host's; other guests come back for it, and it waits until the host is current.
 */
static bool is_hosts(const struct vcpu *vcpu)
{
	return vcpu == vcpu->cpu->host;
}

/* Between the two what arrives is owed: from before the first look at the entry's field to the write. */
static void injecting(struct cpu_private *p, bool now)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	p->injecting = now;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool event_queued(struct vcpu *vcpu)
{
	return vendor_queued(vcpu).type != VCPU_EVENT_NONE;
}

static void nmi_owe(struct vcpu *vcpu)
{
	__atomic_add_fetch(&vcpu->cpu->priv->nmis_owed, 1, __ATOMIC_RELAXED);
	vendor_recall(vcpu, VENDOR_RECALL_NOW);
}

static void mc_owe(struct vcpu *vcpu)
{
	vcpu->cpu->priv->mc_owed = true;
	vendor_recall(vcpu, VENDOR_RECALL_NOW);
}

/* What was queued by event_nmi() or event_machine_check() gives way to what is more urgent, and is owed. */
static void give_way(struct vcpu *vcpu)
{
	const struct vcpu_event queued = vendor_queued(vcpu);

	if (is_nmi(&queued))
		nmi_owe(vcpu);
	else if (is_machine_check(&queued))
		mc_owe(vcpu);
}

static void mc_inject(struct vcpu *vcpu)
{
	give_way(vcpu);
	vendor_queue(vcpu, &machine_check);
}

/* An NMI wants no blocking by STI or a load of SS; one instruction early does no harm. */
static void nmi_inject(struct vcpu *vcpu)
{
	vendor_block(vcpu, 0, VCPU_BLOCKED_STI | VCPU_BLOCKED_SS);
	vendor_queue(vcpu, &nmi);
}

static bool guest_blocks_nmi(struct vcpu *vcpu)
{
	return vendor_blocked(vcpu) & VCPU_BLOCKED_NMI;
}

void event_nmi(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;

	plinth_count(&vcpu->shared->nmis, 1);
	if (!p->loaded) {
		/* On the way out: cpu_hand_back() delivers it. */
		__atomic_add_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED);
		return;
	}
	if (p->injecting || !is_hosts(vcpu)) {
		nmi_owe(vcpu);
		return;
	}
	injecting(p, true);
	if (event_queued(vcpu) || guest_blocks_nmi(vcpu))
		nmi_owe(vcpu);
	else
		nmi_inject(vcpu);
	injecting(p, false);
}

void event_shut_down(struct vcpu *vcpu)
{
	vcpu->exit.kind = PLINTH_EXIT_TRIPLE_FAULT;
	vcpu_on_action(vcpu, vcpu_handle(vcpu, PLINTH_EXIT_TRIPLE_FAULT));
}

/*
 * It is the guest's kernel that knows the machine's banks of errors. The registers that tell of it are the
 * CPU's, and the guest finds them as the CPU has set them: MCIP, which makes another machine check a shutdown
 * until the guest has cleared it, too. So there is one at a time. A guest without CR4.MCE is shut down, as it
 * would be natively.
 */
void event_machine_check(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;
	struct vcpu_event queued;

	if (!p->loaded) {
		p->mc_owed = true;
		return;
	}
	if (is_hosts(vcpu) && !(vcpu_read(vcpu, VCPU_CR4) & CR4_MCE))
		event_shut_down(vcpu);
	if (p->injecting || !is_hosts(vcpu)) {
		mc_owe(vcpu);
		return;
	}
	injecting(p, true);
	queued = vendor_queued(vcpu);
	if (queued.type != VCPU_EVENT_NONE && !is_nmi(&queued))
		mc_owe(vcpu);
	else
		mc_inject(vcpu);
	injecting(p, false);
}

bool event_nmi_exit(struct vcpu *vcpu)
{
	const struct vcpu_event reported = vendor_reported(vcpu);

	if (!is_nmi(&reported))
		return false;
	event_nmi(vcpu);
	return true;
}

void event_withdraw(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;
	struct vcpu_event queued;

	/* From here both only count; what they queued before is looked at after that. */
	p->loaded = false;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	queued = vendor_queued(vcpu);
	if (is_nmi(&queued))
		__atomic_add_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED);
	if (is_machine_check(&queued))
		p->mc_owed = true;
}

void event_recall_owed(struct vcpu *vcpu)
{
	const struct cpu_private *p = vcpu->cpu->priv;

	if (__atomic_load_n(&p->nmis_owed, __ATOMIC_RELAXED) ||
	    __atomic_load_n(&p->mc_owed, __ATOMIC_RELAXED))
		vendor_recall(vcpu, VENDOR_RECALL_NOW);
}

int vcpu_step(struct vcpu *vcpu, bool on)
{
	int err = vendor_step(vcpu, on);

	/* What arrived meanwhile may have wanted others of the same controls. */
	if (!err)
		event_recall_owed(vcpu);
	return err;
}

/* Of what is owed it comes first. */
static void settle_machine_check(struct vcpu *vcpu)
{
	mc_inject(vcpu);
	vcpu->cpu->priv->mc_owed = false;
	event_recall_owed(vcpu);
}

static void settle_nmi(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;

	if (event_queued(vcpu) || guest_blocks_nmi(vcpu)) {
		vendor_recall(vcpu, VENDOR_RECALL_LATER);
		return;
	}
	nmi_inject(vcpu);
	if (__atomic_sub_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED))
		vendor_recall(vcpu, VENDOR_RECALL_NOW);
}

void vcpu_settle(struct vcpu *vcpu)
{
	struct cpu_private *p = vcpu->cpu->priv;

	injecting(p, true);
	vendor_recall(vcpu, VENDOR_RECALL_NEVER);
	if (is_hosts(vcpu) && __atomic_load_n(&p->mc_owed, __ATOMIC_RELAXED))
		settle_machine_check(vcpu);
	else if (is_hosts(vcpu) && __atomic_load_n(&p->nmis_owed, __ATOMIC_RELAXED))
		settle_nmi(vcpu);
	injecting(p, false);
}

/* -- what a handler has delivered ----------------------------------------------------------- */

/*
 * Delivering an event ends blocking by STI and by a load of SS: left set, they would make the entry check
 * RFLAGS.IF and the pending single-step trap against them.
 */
void event_queue(struct vcpu *vcpu, const struct vcpu_event *event)
{
	struct cpu_private *p = vcpu->cpu->priv;

	injecting(p, true);
	vendor_block(vcpu, 0, VCPU_BLOCKED_STI | VCPU_BLOCKED_SS | (is_nmi(event) ? VCPU_BLOCKED_NMI : 0));
	/* What got there first comes right after. */
	give_way(vcpu);
	vendor_queue(vcpu, event);
	injecting(p, false);
}

/*
 * Faults, which push RF as 1, so that a breakpoint on the instruction does not hit once more when the handler
 * returns to it (SDM, "Instruction-Breakpoint Exception Condition"). What is delivered again needs no help:
 * the exit has saved RF as the delivery would have pushed it. #DB, #BP, #OF, #DF and #MC push it as it is.
 */
#define FAULTS                                                                                               \
	(1u << 0 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 |      \
	 1u << 16 | 1u << 17 | 1u << 19 | 1u << 20 | 1u << 21)

static void push_rf(struct vcpu *vcpu, uint8_t vector)
{
	if (FAULTS >> (vector & 31) & 1)
		(void)!vcpu_write(vcpu, VCPU_RFLAGS, vcpu_read(vcpu, VCPU_RFLAGS) | RFLAGS_RF);
}

void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error, uint32_t error)
{
	const struct vcpu_event event = {
		.type = VCPU_EVENT_EXCEPTION, .vector = vector, .has_error = has_error, .error = error};

	push_rf(vcpu, vector);
	event_queue(vcpu, &event);
}

/*
 * An IRET that was about to unblock NMIs did not do it (SDM, "Information for VM Exits During IRET"). One
 * that arrived since the exit, when they seemed to be free, is owed until then.
 */
void event_block_nmi_again(struct vcpu *vcpu)
{
	struct vcpu_event queued;

	if (!vendor_nmi_unblocked(vcpu))
		return;
	injecting(vcpu->cpu->priv, true);
	vendor_block(vcpu, VCPU_BLOCKED_NMI, 0);
	queued = vendor_queued(vcpu);
	if (is_nmi(&queued)) {
		vendor_queue(vcpu, &nothing);
		nmi_owe(vcpu);
	}
	injecting(vcpu->cpu->priv, false);
}
