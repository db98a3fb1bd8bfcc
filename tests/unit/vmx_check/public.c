/* SPDX-License-Identifier: MIT */
/* What others, who test hypervisors with it, expect of a VM entry: do our rules say the same? */
#include <criterion/criterion.h>

#include "public_cases.h"
#include "vmcs.h"

static struct vmx_caps caps;

static uint64_t get(uint32_t field)
{
	return vmcs_value(NULL, field);
}

static enum public_answer ask(void)
{
	static const enum public_answer by_area[] = {[VMX_CHECK_CONTROLS] = PUBLIC_ERROR_7,
						     [VMX_CHECK_HOST] = PUBLIC_ERROR_8,
						     [VMX_CHECK_GUEST] = PUBLIC_EXIT_33};
	struct vmx_check_finding first;

	return vmx_check_entry(&caps, vmcs_value, NULL, &first, 1) ? by_area[first.area] : PUBLIC_ENTERS;
}

Test(vmx_check_public, cases)
{
	static const struct public_judge judge = {
		.reset = vmcs_good, .get = get, .set = vmcs_set, .ask = ask, .caps = &caps};

	caps = vmcs_caps;
	cr_expect_gt(public_cases_ask(&judge), 2000);
}
