/* SPDX-License-Identifier: MIT */
/* A VMCS that every rule accepts, to be changed by the tests. */
#ifndef TESTS_UNIT_VMX_CHECK_VMCS_H
#define TESTS_UNIT_VMX_CHECK_VMCS_H

#include <stdint.h>

#include <plinth/vmcs.h>
#include <plinth/vmx_check.h>

/* A CPU that allows nearly everything, so that every rule can be reached. */
extern const struct vmx_caps vmcs_caps;

void vmcs_good(void);
void vmcs_set(uint32_t field, uint64_t value);
uint64_t vmcs_value(void *context, uint32_t field);

#endif
