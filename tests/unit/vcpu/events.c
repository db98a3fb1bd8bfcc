/* SPDX-License-Identifier: MIT */
/*
 * Events: what an exit interrupted is delivered again, NMIs that arrive in root mode are
 * delivered once each, and of two events the right one comes first (SDM, "Interrupt 8", "VM Exits
 * That Occur During Event Delivery").
 */
#include <plinth/exit_handler.h>

#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define INTERRUPT_20 0x80000020u
#define NMI	     0x80000202u
#define UD	     0x80000306u
#define GP	     0x80000b0du
#define PF	     0x80000b0eu
#define DF	     0x80000b08u
#define SOFT_INT_80  0x80000480u
#define ICEBP	     0x80000501u
#define BREAKPOINT   0x80000603u
#define UNBLOCKED    (1u << 12)
#define EXT	     1u /* of an error code: what was being delivered was not the program's */

#define REASON_VIOLATION 48
#define READS		 1ull	      /* qualification of a violation */
#define NOWHERE		 (1ull << 50) /* no address, so that the access is refused */

static enum exit_action again(struct vcpu *vcpu)
{
	(void)vcpu;
	return EXIT_RETRY;
}

static void expect_event(uint32_t info, uint32_t error, uint32_t length)
{
	const struct model_event *event = &model.cpu[0].event;

	cr_expect_eq(event->info, info, "event 0x%x instead of 0x%x", event->info, info);
	if (info & 1u << 11)
		cr_expect_eq(event->error, error, "error code 0x%x instead of 0x%x", event->error, error);
	if (length)
		cr_expect_eq(event->length, length, "length %u instead of %u", event->length, length);
}

Test(vcpu_events, what_an_exit_interrupted_is_delivered_again, .init = root_usual)
{
	static const struct {
		uint32_t info, error, length;
	} cases[] = {
		{INTERRUPT_20, 0, 0}, {NMI, 0, 0},	   {GP, 0x18, 0}, {PF, 2, 0},
		{UD, 0, 0},	      {SOFT_INT_80, 0, 2}, {ICEBP, 0, 1}, {BREAKPOINT, 0, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_exit exit = {.length = cases[i].length,
					  .vectoring = cases[i].info,
					  .vectoring_error = cases[i].error};

		model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_IF;
		model.cpu[0].interruptibility = 0;
		cr_assert_eq(root_run(again, exit), MODEL_GUEST);
		expect_event(cases[i].info, cases[i].error, cases[i].length);
		root_expect_clean();
	}
}

/* The NMI that was being delivered blocked NMIs already; delivered again it must find them unblocked. */
Test(vcpu_events, an_nmi_again, .init = root_usual)
{
	model.cpu[0].interruptibility = 8;
	cr_assert_eq(root_run(again, (struct model_exit){.vectoring = NMI}), MODEL_GUEST);
	expect_event(NMI, 0, 0);
	cr_expect_eq(model.cpu[0].interruptibility, 8, "and while its handler runs others are blocked");
	root_expect_clean();
}

static enum exit_action reinject(struct vcpu *vcpu)
{
	vcpu_reinject(vcpu);
	return EXIT_NEXT;
}

/* An exception that exits is not in the IDT-vectoring field but in the interruption field. */
Test(vcpu_events, an_exception_that_exited, .init = root_usual)
{
	struct model_exit exit = {.info = PF | UNBLOCKED, .error = 6};

	model.cpu[0].interruptibility = 2;
	cr_assert_eq(root_run(reinject, exit), MODEL_GUEST);
	expect_event(PF, 6, 0);
	cr_expect_eq(model.cpu[0].interruptibility, 0, "its delivery ends blocking by MOV SS");
	exit = (struct model_exit){0};
	cr_assert_eq(root_run(reinject, exit), MODEL_GUEST);
	expect_event(0, 0, 0);
	root_expect_clean();
}

/* -- what meets the delivery of an interrupt ------------------------------------------------ */

static enum exit_action undefined(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, VECTOR_UD, false, 0);
	return EXIT_RETRY;
}

static enum exit_action again_at_once(struct vcpu *vcpu)
{
	vcpu_reinject(vcpu);
	return EXIT_RETRY;
}

/* An exception without an error code, and the interrupt itself: nothing is told of, nothing changed. */
Test(vcpu_events, what_has_no_error_code_tells_of_nothing, .init = root_usual)
{
	model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	cr_assert_eq(root_run(undefined, (struct model_exit){.vectoring = INTERRUPT_20}), MODEL_GUEST);
	expect_event(UD, 0, 0);
	model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	cr_assert_eq(root_run(again_at_once, (struct model_exit){.vectoring = INTERRUPT_20}), MODEL_GUEST);
	expect_event(INTERRUPT_20, 0, 0);
	root_expect_clean();
}

/* -- RF ------------------------------------------------------------------------------- */

#define WITH_ERROR (1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17)

static uint8_t vector_to_raise;

static enum exit_action raise(struct vcpu *vcpu)
{
	vcpu_inject(vcpu, vector_to_raise, WITH_ERROR >> vector_to_raise & 1, 0);
	return EXIT_RETRY;
}

/*
 * A fault's handler returns to the instruction, which must not hit its breakpoint again; those of #DB, #BP,
 * #OF and aborts do not, or know about it.
 */
Test(vcpu_events, faults_push_rf, .init = root_usual)
{
	static const uint32_t others = 1u << 1 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 9 | 1u << 15 | 1u << 18;

	for (vector_to_raise = 0; vector_to_raise < 22; vector_to_raise++) {
		bool fault = !(others >> vector_to_raise & 1);

		if (vector_to_raise == VECTOR_NMI)
			continue;
		model.cpu[0].st.rflags = RFLAGS_FIXED;
		cr_assert_eq(root_run(raise, (struct model_exit){0}), MODEL_GUEST, "vector %u",
			     vector_to_raise);
		cr_expect_eq(model.cpu[0].event.resumes, fault, "vector %u", vector_to_raise);
	}
}

#define REASON_MISCONFIGURATION 49 /* nobody's, so the test's own */

static enum exit_action done_by_the_vmm(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)vcpu;
	(void)below;
	(void)context;
	return EXIT_NEXT;
}

static __attribute__((constructor)) void attach(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_MISCONFIG, PLINTH_EXIT_SLAT_MISCONFIG, done_by_the_vmm,
				  NULL);
}

/*
 * The exit of an access has set RF, so that it can be tried again. Who does it in the guest's stead is past
 * that.
 */
Test(vcpu_events, an_access_that_is_done_clears_rf, .init = root_usual)
{
	static const struct model_exit access = {.reason = REASON_MISCONFIGURATION, .length = 3};

	cr_assert_eq(model_exit(0, &access), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 3);
	cr_expect_not(model.cpu[0].st.rflags & RFLAGS_RF);
	root_expect_clean();
}

/* -- a second event on top ------------------------------------------------------------- */

static void violate(uint32_t vectoring, uint64_t qualification, uint64_t physical)
{
	const struct model_exit exit = {.reason = REASON_VIOLATION,
					.detail = qualification,
					.physical = physical,
					.vectoring = vectoring};

	model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	cr_assert_eq(model_exit(0, &exit), MODEL_GUEST);
}

Test(vcpu_events, a_fault_while_a_fault_is_delivered_is_a_double_fault, .init = root_usual)
{
	violate(GP, READS, NOWHERE);
	expect_event(DF, 0, 0);
	violate(PF, READS, NOWHERE);
	expect_event(DF, 0, 0);
	root_expect_clean();
}

Test(vcpu_events, a_fault_while_anything_else_is_delivered_comes_alone, .init = root_usual)
{
	violate(UD, READS, NOWHERE);
	expect_event(GP, EXT, 0);
	violate(INTERRUPT_20, READS, NOWHERE);
	expect_event(GP, EXT, 0);
	violate(NMI, READS, NOWHERE);
	expect_event(GP, EXT, 0);
	violate(ICEBP, READS, NOWHERE);
	expect_event(GP, EXT, 0);
	violate(SOFT_INT_80, READS, NOWHERE);
	expect_event(GP, 0, 0);
	violate(BREAKPOINT, READS, NOWHERE);
	expect_event(GP, 0, 0);
	violate(0, READS, NOWHERE);
	expect_event(GP, 0, 0);
	root_expect_clean();
}

/* An IRET that was about to end the blocking of NMIs did not get that far. */
Test(vcpu_events, an_iret_blocks_nmis_again, .init = root_usual)
{
	violate(0, UNBLOCKED, 1ull << 33);
	cr_expect_eq(model.cpu[0].interruptibility, 8);
	expect_event(0, 0, 0);
	model.cpu[0].interruptibility = 0;
	violate(INTERRUPT_20, UNBLOCKED, 1ull << 33);
	cr_expect_eq(model.cpu[0].interruptibility, 0, "an interrupted delivery says nothing of IRET");
	expect_event(INTERRUPT_20, 0, 0);
	root_expect_clean();
}

/* -- NMIs in root mode -------------------------------------------------------------------- */

static unsigned int nmis_arrive;

static enum exit_action take_nmis(struct vcpu *vcpu)
{
	for (unsigned int i = 0; i < nmis_arrive; i++)
		event_nmi(vcpu);
	return EXIT_NEXT;
}

static enum exit_action take_nmi_then_fault(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

Test(vcpu_events, each_nmi_is_delivered_once, .init = root_usual)
{
	struct model_cpu *cpu = &model.cpu[0];

	nmis_arrive = 3;
	cr_assert_eq(root_run(take_nmis, (struct model_exit){.length = 1}), MODEL_GUEST);
	expect_event(NMI, 0, 0);
	cr_expect_eq(model_field(0, VMCS_GUEST_PREEMPTION_TIMER), 0, "at once");
	/* Its handler runs, and NMIs are blocked. */
	root_timer_exit();
	expect_event(0, 0, 0);
	cr_expect_gt(model_field(0, VMCS_GUEST_PREEMPTION_TIMER), 0,
		     "not at once: the guest would not get anywhere");
	for (unsigned int left = 2; left; left--) {
		cpu->interruptibility = 0;
		root_timer_exit();
		expect_event(NMI, 0, 0);
		cr_expect_eq(model_timer_runs(0), left > 1);
	}
	cr_expect_eq(cpu->nmis_delivered, 3);
	root_expect_clean();
}

static enum exit_action take_nmi_in_an_iret(struct vcpu *vcpu)
{
	vcpu->exit.kind = PLINTH_EXIT_SLAT_VIOLATION;
	event_nmi(vcpu);
	return EXIT_RETRY;
}

/* NMIs seem to be free at the exit, and are not: the IRET is made again. */
Test(vcpu_events, an_nmi_after_an_iret_that_did_not_end_waits_for_its_end, .init = root_usual)
{
	struct model_cpu *cpu = &model.cpu[0];

	cr_assert_eq(root_run(take_nmi_in_an_iret, (struct model_exit){.detail = UNBLOCKED}), MODEL_GUEST);
	expect_event(0, 0, 0);
	cr_expect_eq(cpu->interruptibility, 8);
	root_timer_exit();
	expect_event(0, 0, 0);
	cpu->interruptibility = 0;
	root_timer_exit();
	expect_event(NMI, 0, 0);
	cr_expect_eq(cpu->nmis_delivered, 1);
	root_expect_clean();
}

Test(vcpu_events, an_nmi_behind_sti, .init = root_usual)
{
	nmis_arrive = 1;
	model.cpu[0].st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	model.cpu[0].interruptibility = 1;
	cr_assert_eq(root_run(take_nmis, (struct model_exit){0}), MODEL_GUEST);
	expect_event(NMI, 0, 0);
	cr_expect_eq(model.cpu[0].interruptibility, 8);
	root_expect_clean();
}

static enum exit_action take_nmi_and_stay(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	return EXIT_RETRY;
}

/* The entry wants no blocking by MOV SS with an NMI. */
Test(vcpu_events, an_nmi_behind_mov_ss, .init = root_usual)
{
	model.cpu[0].interruptibility = 2;
	cr_assert_eq(root_run(take_nmi_and_stay, (struct model_exit){0}), MODEL_GUEST);
	expect_event(NMI, 0, 0);
	cr_expect_eq(model.cpu[0].interruptibility, 8);
	root_expect_clean();
}

Test(vcpu_events, an_exception_goes_before_an_nmi, .init = root_usual)
{
	cr_assert_eq(root_run(take_nmi_then_fault, (struct model_exit){0}), MODEL_GUEST);
	expect_event(GP, 0, 0);
	cr_expect_eq(model.cpu[0].nmis_delivered, 0);
	root_timer_exit();
	expect_event(NMI, 0, 0);
	cr_expect_eq(model.cpu[0].nmis_delivered, 1);
	root_expect_clean();
}

/* The NMI had been queued; what the exit interrupted is older. */
Test(vcpu_events, what_was_interrupted_goes_before_an_nmi, .init = root_usual)
{
	cr_assert_eq(root_run(take_nmi_and_stay, (struct model_exit){.vectoring = PF, .vectoring_error = 2}),
		     MODEL_GUEST);
	expect_event(PF, 2, 0);
	root_timer_exit();
	expect_event(NMI, 0, 0);
	cr_expect_eq(model.cpu[0].nmis_delivered, 1);
	root_expect_clean();
}

static enum exit_action leave_with_nmis(struct vcpu *vcpu)
{
	event_nmi(vcpu);
	event_nmi(vcpu);
	return EXIT_LEAVE;
}

/* A CPU that is given back takes along what was queued and what is owed. */
Test(vcpu_events, nmis_go_with_the_cpu, .init = root_usual)
{
	cr_assert_eq(root_run(leave_with_nmis, (struct model_exit){.length = 1}), MODEL_BACK);
	cr_expect_eq(model.back.nmis, 2);
	root_expect_clean();
}
