/* SPDX-License-Identifier: MIT */
/* The VMCS: its fields by name, and a write that remembers the first failure. */
#ifndef PLINTH_VCPU_INTEL_VMCS_H
#define PLINTH_VCPU_INTEL_VMCS_H

#include <stdint.h>

#include <plinth/vmcs.h>

uint64_t vmcs_read(enum vmcs_field field);

struct vcpu;

/* The first VMWRITE of a vCPU that failed; result 0: none did. */
struct vmcs_failure {
	int result; /* enum cpu_vmx_result */
	uint32_t field;
};

/** vmcs_write() - a failure is kept with this CPU's current vCPU until vmcs_write_error() asks for it. */
void vmcs_write(enum vmcs_field field, uint64_t value);

/**
 * vmcs_write_error() - 0, or PLINTH_E_VIRT if a write failed while this vCPU was current since the last call;
 * logs the field.
 */
int vmcs_write_error(struct vcpu *vcpu);

/** vmcs_field_name() - "GUEST_CR0"; "?" for a value that is no field. */
const char *vmcs_field_name(uint32_t encoding);

#endif
