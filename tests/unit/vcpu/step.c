/* SPDX-License-Identifier: MIT */
/* A guest that comes back behind its next instruction. */
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define NMI_BLOCKED 8u
#define ENOUGH	    8u /* of the model's moments: more than the call has */

static int answer;

static enum exit_action step_on(struct vcpu *vcpu)
{
	answer = vcpu_step(vcpu, true);
	return EXIT_RETRY;
}

static enum exit_action step_off(struct vcpu *vcpu)
{
	answer = vcpu_step(vcpu, false);
	return EXIT_RETRY;
}

static bool primary(uint32_t bit)
{
	return model_field(0, VMCS_PRIMARY_CONTROLS) & bit;
}

static void run(vcpu_exit_fn *handler, int want)
{
	answer = 1;
	cr_assert_eq(root_run(handler, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(answer, want);
}

Test(vcpu_step, on_and_off, .init = root_usual)
{
	uint64_t before = model_field(0, VMCS_PRIMARY_CONTROLS);

	cr_expect_not(primary(PRIMARY_TRAP_FLAG));
	run(step_on, 0);
	cr_expect_eq(model_field(0, VMCS_PRIMARY_CONTROLS), before | PRIMARY_TRAP_FLAG);
	run(step_on, 0);
	cr_expect(primary(PRIMARY_TRAP_FLAG));
	run(step_off, 0);
	cr_expect_eq(model_field(0, VMCS_PRIMARY_CONTROLS), before);
	root_expect_clean();
}

static struct model_kind without(uint32_t pin, uint32_t bits)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.pin &= ~((uint64_t)pin << 32);
	kind.caps.primary &= ~((uint64_t)bits << 32);
	return kind;
}

Test(vcpu_step, a_cpu_that_cannot)
{
	static struct model_kind kind;

	kind = without(0, PRIMARY_TRAP_FLAG);
	root_up(&kind);
	run(step_on, PLINTH_E_NOTSUP);
	cr_expect_not(primary(PRIMARY_TRAP_FLAG));
	root_expect_clean();
}

/*
 * Where NMIs come back by a bit of the same control, one that arrives at any moment of the call is not
 * forgotten.
 */
static void expect_nmi_kept(vcpu_exit_fn *handler, uint64_t moment)
{
	static struct model_kind kind;

	kind = without(PIN_PREEMPTION_TIMER, 0);
	root_up(&kind);
	model.cpu[0].interruptibility = NMI_BLOCKED;
	model.nmi_at_tick = model.cpu[0].ticks + moment;
	run(handler, 0);
	if (model.cpu[0].ticks < model.nmi_at_tick)
		return;
	cr_expect_eq(primary(PRIMARY_TRAP_FLAG), handler == step_on, "moment %lu", moment);
	cr_expect(primary(PRIMARY_NMI_WINDOW), "moment %lu: an NMI is lost", moment);
	root_expect_clean();
}

Test(vcpu_step, an_nmi_meanwhile)
{
	for (uint64_t moment = 1; moment <= ENOUGH; moment++) {
		expect_nmi_kept(step_on, moment);
		expect_nmi_kept(step_off, moment);
	}
}
