/* SPDX-License-Identifier: MIT */
/*
 * Events for the guest: exceptions a handler raises, and NMIs and machine checks that arrive while the
 * CPU is in root mode.
 *
 * An NMI in root mode interrupts this very code. Whoever writes the interruption field
 * says so first (injecting); the NMI is then owed, and a VMX-preemption timer of 0
 * brings the CPU back right after the next entry to deliver it. A CPU without that timer comes back when its guest
 * could take an NMI: for that time NMIs exit and their blocking is a virtual one. A CPU that has not even that
 * comes back when its guest has interrupts on: every CPU can tell of that, and code that handles an NMI has them off.
 */
#include "internal.h"

/* SDM, "VM-Entry Controls for Event Injection". */
#define INFO_VALID	   (1u << 31)
#define INFO_UNDEFINED	   (1u << 12) /* "NMI unblocking due to IRET" on exits, reserved on entries */
#define INFO_ERROR	   (1u << 11)
#define INFO_TYPE(t)	   ((uint32_t)(t) << 8)
#define INFO_TYPE_OF(info) ((info) >> 8 & 7)
#define TYPE_NMI	   2
#define TYPE_EXCEPTION	   3
#define TYPE_SOFT_INT	   4
#define TYPE_SOFT_PRIV	   5
#define TYPE_SOFT_EXC	   6
#define MC_INFO		   (INFO_VALID | INFO_TYPE(TYPE_EXCEPTION) | VECTOR_MC)
#define NMI_INFO	   (INFO_VALID | INFO_TYPE(TYPE_NMI) | VECTOR_NMI)

#define ERROR_EXT 1u /* of an error code */

#define BLOCKING_STI	1u
#define BLOCKING_MOV_SS 2u
#define BLOCKING_NMI	8u

#define QUALIFICATION_NMI_UNBLOCKED (1u << 12) /* of an exit by second-level translation */

#define RETRY_TICKS 1000 /* of the timer, while the guest itself holds NMIs off */

/* How a CPU is brought back: by the best of three ways, and always by the same. */
static void recall_set(struct vcpu *vcpu, bool on)
{
	struct controls *c = &vcpu->priv->controls;
	const uint32_t pin = c->has_timer ? PIN_PREEMPTION_TIMER : c->has_nmi_window ? PIN_NMI | PIN_VIRTUAL_NMI : 0;
	const uint32_t primary = c->has_timer ? 0 : c->has_nmi_window ? PRIMARY_NMI_WINDOW : PRIMARY_INTERRUPTS;

	if (pin) {
		c->pin = on ? c->pin | pin : c->pin & ~pin;
		vmcs_write(VMCS_PIN_CONTROLS, c->pin);
	}
	if (primary) {
		c->primary = on ? c->primary | primary : c->primary & ~primary;
		vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	}
}

/* The CPU comes back: after @ticks of the timer, or when its guest could take an NMI, or an interrupt. */
static void recall(struct vcpu *vcpu, uint32_t ticks)
{
	if (vcpu->priv->controls.has_timer)
		vmcs_write(VMCS_GUEST_PREEMPTION_TIMER, ticks);
	recall_set(vcpu, true);
}

static void recall_end(struct vcpu *vcpu)
{
	recall_set(vcpu, false);
}

int vcpu_step(struct vcpu *vcpu, bool on)
{
	struct controls *c = &vcpu->priv->controls;

	if (!c->has_trap)
		return PLINTH_E_NOTSUP;
	c->primary = on ? c->primary | PRIMARY_TRAP_FLAG : c->primary & ~PRIMARY_TRAP_FLAG;
	vmcs_write(VMCS_PRIMARY_CONTROLS, c->primary);
	/* What arrived meanwhile may have wanted others of these bits. */
	if (__atomic_load_n(&vcpu->priv->nmis_owed, __ATOMIC_RELAXED) || __atomic_load_n(&vcpu->priv->mc_owed, __ATOMIC_RELAXED))
		recall(vcpu, 0);
	return 0;
}

/* Between the two what arrives is owed: from before the first look at the entry's field to the write. */
static void injecting(struct vcpu_private *p, bool now)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	p->injecting = now;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool entry_event_queued(void)
{
	return vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO) & INFO_VALID;
}

static void nmi_owe(struct vcpu *vcpu)
{
	__atomic_add_fetch(&vcpu->priv->nmis_owed, 1, __ATOMIC_RELAXED);
	recall(vcpu, 0);
}

static void mc_owe(struct vcpu *vcpu)
{
	vcpu->priv->mc_owed = true;
	recall(vcpu, 0);
}

/* What was queued by event_nmi() or event_machine_check() gives way to what is more urgent, and is owed. */
static void give_way(struct vcpu *vcpu)
{
	const uint32_t queued = (uint32_t)vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO);

	if (queued == NMI_INFO)
		nmi_owe(vcpu);
	else if (queued == MC_INFO)
		mc_owe(vcpu);
}

static void mc_inject(struct vcpu *vcpu)
{
	give_way(vcpu);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, MC_INFO);
}

/* NMI injection wants no blocking by STI or MOV SS; one instruction early does no harm. */
static void nmi_inject(void)
{
	uint64_t state = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY);

	if (state & (BLOCKING_STI | BLOCKING_MOV_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, state & ~(uint64_t)(BLOCKING_STI | BLOCKING_MOV_SS));
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, NMI_INFO);
}

static bool guest_blocks_nmi(void)
{
	return vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_NMI;
}

void event_nmi(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;

	plinth_count(&vcpu->shared->nmis, 1);
	if (!p->vmx_on) {
		/* On the way out: cpu_hand_back() delivers it. */
		__atomic_add_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED);
		return;
	}
	if (p->injecting) {
		nmi_owe(vcpu);
		return;
	}
	injecting(p, true);
	if (entry_event_queued() || guest_blocks_nmi())
		nmi_owe(vcpu);
	else
		nmi_inject();
	injecting(p, false);
}

static void shut_down(struct vcpu *vcpu)
{
	vcpu->exit.kind = PLINTH_EXIT_TRIPLE_FAULT;
	vcpu_on_action(vcpu, vcpu->handlers[PLINTH_EXIT_TRIPLE_FAULT](vcpu));
}

/*
 * It is the guest's kernel that knows the machine's banks of errors. The registers that tell of it are the CPU's, and
 * the guest finds them as the CPU has set them: MCIP, which makes another machine check a shutdown until the guest has
 * cleared it, too. So there is one at a time. A guest without CR4.MCE is shut down, as it would be natively.
 */
void event_machine_check(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint32_t queued;

	if (!p->vmx_on) {
		p->mc_owed = true;
		return;
	}
	if (!(vcpu_read(vcpu, VCPU_CR4) & CR4_MCE))
		shut_down(vcpu);
	if (p->injecting) {
		mc_owe(vcpu);
		return;
	}
	injecting(p, true);
	queued = (uint32_t)vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO);
	if (queued & INFO_VALID && queued != NMI_INFO)
		mc_owe(vcpu);
	else
		mc_inject(vcpu);
	injecting(p, false);
}

bool event_nmi_exit(struct vcpu *vcpu)
{
	const uint32_t info = (uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);

	if (!(vcpu->priv->controls.pin & PIN_NMI) || (info & ~INFO_UNDEFINED) != NMI_INFO)
		return false;
	event_nmi(vcpu);
	return true;
}

void event_withdraw(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint32_t queued;

	/* From here both only count; what they queued before is looked at after that. */
	p->vmx_on = false;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	queued = (uint32_t)vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO);
	if (queued == NMI_INFO)
		__atomic_add_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED);
	if (queued == MC_INFO)
		p->mc_owed = true;
}

/* Of what is owed it comes first. */
static void settle_machine_check(struct vcpu *vcpu)
{
	mc_inject(vcpu);
	vcpu->priv->mc_owed = false;
	if (__atomic_load_n(&vcpu->priv->nmis_owed, __ATOMIC_RELAXED))
		recall(vcpu, 0);
}

static void settle_nmi(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;

	if (entry_event_queued() || guest_blocks_nmi()) {
		/*
		 * Not by the window of interrupts: it is open, and would be again before the guest has moved. A handler of
		 * an NMI with interrupts on is one that the next NMI, or the stop, finds over.
		 */
		if (p->controls.has_timer || p->controls.has_nmi_window)
			recall(vcpu, RETRY_TICKS);
		return;
	}
	nmi_inject();
	if (__atomic_sub_fetch(&p->nmis_owed, 1, __ATOMIC_RELAXED))
		recall(vcpu, 0);
}

void vcpu_settle(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;

	injecting(p, true);
	recall_end(vcpu);
	if (__atomic_load_n(&p->mc_owed, __ATOMIC_RELAXED))
		settle_machine_check(vcpu);
	else if (__atomic_load_n(&p->nmis_owed, __ATOMIC_RELAXED))
		settle_nmi(vcpu);
	injecting(p, false);
}

/*
 * Delivering an event ends blocking by STI and MOV SS. Left set, they would make the entry
 * check RFLAGS.IF and the pending single-step trap against them.
 */
static void unblock(struct vcpu *vcpu, uint64_t bits)
{
	if (vcpu->exit.interruptibility & bits)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, vcpu->exit.interruptibility & ~bits);
}

static void queue(struct vcpu *vcpu, uint32_t info, uint32_t error, uint64_t length)
{
	struct vcpu_private *p = vcpu->priv;

	injecting(p, true);
	unblock(vcpu, BLOCKING_STI | BLOCKING_MOV_SS | (INFO_TYPE_OF(info) == TYPE_NMI ? BLOCKING_NMI : 0));
	/* What got there first comes right after. */
	give_way(vcpu);
	if (info & INFO_ERROR)
		vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR, error);
	if (length)
		vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, length);
	vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, info);
	injecting(p, false);
}

/* Vectors whose delivery, when it meets a fault, becomes a double fault (SDM, "Interrupt 8"). */
#define CONTRIBUTORY (1u << 0 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 20)

static bool doubles(uint32_t info)
{
	return INFO_TYPE_OF(info) == TYPE_EXCEPTION && CONTRIBUTORY >> (info & 31) & 1;
}

/*
 * Faults, which push RF as 1, so that a breakpoint on the instruction does not hit once more when the handler returns
 * to it (SDM, "Instruction-Breakpoint Exception Condition"). What is delivered again needs no help: the exit has saved
 * RF as the delivery would have pushed it. #DB, #BP, #OF, #DF and #MC push it as it is.
 */
#define FAULTS                                                                                                 \
	(1u << 0 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 16 | \
	 1u << 17 | 1u << 19 | 1u << 20 | 1u << 21)

static void push_rf(uint8_t vector)
{
	if (FAULTS >> (vector & 31) & 1)
		vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_RF);
}

/* Faults whose error code tells of a segment, and in its lowest bit that the program was not at fault. */
#define WITH_EXT (1u << 10 | 1u << 11 | 1u << 12 | 1u << 13)

/* A fault that meets the delivery of anything but INT n, INT3 and INTO (SDM, "Error Code"). */
static void tell_external(uint32_t first, uint32_t queued)
{
	const uint32_t type = INFO_TYPE_OF(first);

	if (INFO_TYPE_OF(queued) == TYPE_EXCEPTION && WITH_EXT >> (queued & 31) & 1 && type != TYPE_SOFT_INT &&
	    type != TYPE_SOFT_EXC)
		vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR, vmcs_read(VMCS_ENTRY_EXCEPTION_ERROR) | ERROR_EXT);
}

/* A fault in the delivery of a double fault shuts the CPU down, which is what a triple fault does. */
static bool shuts_down(uint32_t info)
{
	return INFO_TYPE_OF(info) == TYPE_EXCEPTION && (info & 0xff) == VECTOR_DF;
}

/* An IRET that was about to unblock NMIs did not do it (SDM, "Information for VM Exits During IRET"). */
static void block_nmi_again(struct vcpu *vcpu)
{
	if (vcpu->exit.kind == PLINTH_EXIT_SLAT_VIOLATION && vcpu_qualification(vcpu) & QUALIFICATION_NMI_UNBLOCKED)
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | BLOCKING_NMI);
}

void event_redeliver(struct vcpu *vcpu)
{
	uint32_t info = (uint32_t)vmcs_read(VMCS_IDT_VECTORING_INFO);
	uint32_t queued = (uint32_t)vmcs_read(VMCS_ENTRY_INTERRUPTION_INFO);

	/* An entry that failed was no exit: what the one before it interrupted waits in the entry's field already. */
	if (vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE)
		return;
	if (!(info & INFO_VALID)) {
		block_nmi_again(vcpu);
	} else if (!(queued & INFO_VALID) || queued == NMI_INFO || queued == MC_INFO) {
		vcpu_reinject(vcpu);
	} else if (doubles(info)) {
		vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, 0);
		vcpu_inject(vcpu, VECTOR_DF, true, 0);
	} else if (shuts_down(info)) {
		shut_down(vcpu);
	} else {
		tell_external(info, queued);
	}
}

void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error, uint32_t error)
{
	push_rf(vector);
	queue(vcpu, INFO_VALID | INFO_TYPE(TYPE_EXCEPTION) | (has_error ? INFO_ERROR : 0) | vector, error, 0);
}

static bool has_length(uint32_t info)
{
	uint32_t type = INFO_TYPE_OF(info);

	return type == TYPE_SOFT_INT || type == TYPE_SOFT_PRIV || type == TYPE_SOFT_EXC;
}

void vcpu_reinject(struct vcpu *vcpu)
{
	uint32_t info = (uint32_t)vmcs_read(VMCS_IDT_VECTORING_INFO);
	uint32_t error = (uint32_t)vmcs_read(VMCS_IDT_VECTORING_ERROR);

	if (!(info & INFO_VALID)) {
		info = (uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);
		error = (uint32_t)vmcs_read(VMCS_EXIT_INTERRUPTION_ERROR);
	}
	info &= ~INFO_UNDEFINED;
	if (info & INFO_VALID)
		queue(vcpu, info, error, has_length(info) ? vcpu->exit.length : 0);
}
