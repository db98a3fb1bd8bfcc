/* SPDX-License-Identifier: MIT */
/*
 * The checks a CPU makes on a VM entry, in software: which rule is broken, by which
 * field, with which value. The CPU itself says no more than "invalid".
 *
 * Source: SDM, chapter "VM Entries"; each rule names its section.
 */
#ifndef PLINTH_VMX_CHECK_H
#define PLINTH_VMX_CHECK_H

#include <stdint.h>

#include <plinth/abi.h>

/* What the CPU allows (SDM, "VMX Capability Reporting Facility"). */
struct vmx_caps {
	uint64_t basic, pin, primary, secondary, exit, entry, misc;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t ept_vpid, tertiary;
	uint64_t perf_global;		     /* bits of IA32_PERF_GLOBAL_CTRL: counters by CPUID leaf 0AH */
	uint32_t physical_bits, linear_bits; /* address widths */
	uint32_t enclaves;		     /* has Intel SGX: CPUID.(EAX=07H,ECX=0):EBX[2] */
	uint32_t lam;			     /* has linear-address masking: CPUID.(EAX=07H,ECX=1):EAX[26] */
};

/* The order in which a CPU looks at them, and what a broken rule leads to. */
enum vmx_check_area {
	VMX_CHECK_CONTROLS, /* VMfail, VM-instruction error 7 */
	VMX_CHECK_HOST,	    /* VMfail, VM-instruction error 8 */
	VMX_CHECK_GUEST,    /* VM exit, basic reason 33 */
};

struct vmx_check_finding {
	const char *section; /* of the SDM */
	const char *rule;
	uint32_t area;	/* enum vmx_check_area */
	uint32_t field; /* encoding */
	uint64_t value; /* of the field */
};

/* Reads a field of the VMCS in question. */
typedef uint64_t vmx_read_fn(void *context, uint32_t field);

/**
 * vmx_check_entry() - try every rule on a VMCS.
 * @caps:    of the CPU
 * @read:    gives the fields, called with @context
 * @out:     findings, in the order of the checks
 * @room:    of @out
 *
 * Context: any; pure but for @read.
 * Return:  the number of broken rules; what does not fit @out is only counted.
 */
PLINTH_EXPORT uint32_t vmx_check_entry(const struct vmx_caps *caps, vmx_read_fn *read, void *context,
				       struct vmx_check_finding *out, uint32_t room);

/**
 * vmx_check_caps() - what this CPU allows.
 *
 * Context: CPL 0, on a CPU with VMX.
 */
PLINTH_EXPORT void vmx_check_caps(struct vmx_caps *out);

/** vmx_check_rules() - how many rules there are. */
PLINTH_EXPORT uint32_t vmx_check_rules(void);

/** vmx_check_rule() - the name of rule @i, as in findings; NULL: there are fewer. */
PLINTH_EXPORT const char *vmx_check_rule(uint32_t i);

#endif
