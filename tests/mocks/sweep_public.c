/* SPDX-License-Identifier: MIT */
/*
 * The model CPU's VM entries, against what a public suite expects of a CPU's:
 * tests/unit/vmx_check/public_cases.def.
 */
#include "sweep.h"

#include <string.h>

#include "../unit/vmx_check/public_cases.h"
#include "model/vmx/vmx.h"

#define REASON_INVALID 0x80000021ull

static const uint32_t fields[] = {
#define VMCS_FIELD(name, encoding, width) encoding,
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static struct model_kind kind;
static struct model_cpu as_started;
static uint64_t values[N_FIELDS];
static struct vmx_caps caps; /* the judge's, who changes them from case to case */

static void note(void)
{
	as_started = model.cpu[0];
	for (size_t i = 0; i < N_FIELDS; i++)
		values[i] = model_field(0, fields[i]);
}

static void reset(void)
{
	model.cpu[0] = as_started;
	for (size_t i = 0; i < N_FIELDS; i++)
		model_set_field(0, fields[i], values[i]);
}

static uint64_t get_field(uint32_t field)
{
	return model_field(0, field);
}

static void set_field(uint32_t field, uint64_t value)
{
	model_set_field(0, field, value);
}

static enum public_answer ask_model(void)
{
	struct vcpu_regs regs = {0};
	bool exits = false;
	int result;

	kind.caps = caps;
	kind.lam = caps.lam;
	kind.perf_global = caps.perf_global;
	result = vmx_enter(&model.cpu[0], &regs, true, &exits);

	/* What the rules say of it the model takes for a mistake of the VMM's. */
	model.violations = 0;
	sweep_count();
	if (result == CPU_VMX_FAIL_VALID)
		return get_field(VMCS_INSTRUCTION_ERROR) == VMX_ERROR_HOST ? PUBLIC_ERROR_8 : PUBLIC_ERROR_7;
	if (!exits)
		return PUBLIC_ENTERS;
	cr_expect_eq(get_field(VMCS_EXIT_REASON), REASON_INVALID);
	cr_expect_eq(get_field(VMCS_EXIT_QUALIFICATION), 0);
	return PUBLIC_EXIT_33;
}

Test(public, entries)
{
	const struct public_judge judge = {
		.reset = reset, .get = get_field, .set = set_field, .ask = ask_model, .caps = &caps};

	/* All pin-based and secondary controls, so that each can be asked about. */
	kind = model_kinds[0];
	kind.caps.pin |= 0xffull << 32;
	kind.caps.secondary |= 0x3fffffffull << 32;
	machine_reset(&kind, 1);
	cr_assert_eq(sweep_started(), 0, "%s", machine.report.text);
	caps = vmx_caps();
	note();
	model.here = 0;
	cr_expect_gt(public_cases_ask(&judge), 2000);
	reset();
	sweep_report("entries that a public suite tries");
	sweep_expect_clean();
}
