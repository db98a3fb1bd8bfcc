/* SPDX-License-Identifier: MIT */
/* The module: when an entry fails on this CPU, the log names what is wrong with the current VMCS. */
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/vendor.h>

#include "internal.h"

#define LOG_TAG "vmxchk"

PLINTH_MODULE("vmx_check", "0.1.0", "names the rule that a failed VM entry breaks (diagnostic)");

#define FINDINGS_MAX	 8
#define BASIC_TRUE	 (1ull << 55) /* SDM, "Basic VMX Information": the TRUE MSRs are there */
#define LEAF_FEATURES	 7u
#define LEAF_COUNTERS	 10u
#define FEATURES_EBX_SGX (1u << 2)

static uint64_t current_field(void *context, uint32_t field)
{
	(void)context;
	return cpu_vmread(field);
}

static uint64_t control_caps(bool exact, uint32_t exact_msr, uint32_t msr)
{
	return cpu_rdmsr(exact ? exact_msr : msr);
}

/* An MSR that exists only where a control does; without it nothing is allowed. */
static uint64_t caps_if(bool exists, uint32_t msr)
{
	return exists ? cpu_rdmsr(msr) : 0;
}

/* SDM, "Architectural Performance Monitoring Leaf": general counters; fixed ones by number or by a mask. */
static uint64_t counter_bits(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(0, 0, &leaf);
	if (leaf.eax < LEAF_COUNTERS)
		return 0;
	cpu_cpuid(LEAF_COUNTERS, 0, &leaf);
	return ((1ull << (leaf.eax >> 8 & 31)) - 1) | (((1ull << (leaf.edx & 31)) - 1) | leaf.ecx) << 32;
}

void vmx_check_caps(struct vmx_caps *c)
{
	struct cpu_leaf leaf;
	bool exact;

	c->basic = cpu_rdmsr(MSR_IA32_VMX_BASIC);
	exact = c->basic & BASIC_TRUE;
	c->pin = control_caps(exact, MSR_IA32_VMX_TRUE_PINBASED, MSR_IA32_VMX_PINBASED_CTLS);
	c->primary = control_caps(exact, MSR_IA32_VMX_TRUE_PROCBASED, MSR_IA32_VMX_PROCBASED_CTLS);
	c->exit = control_caps(exact, MSR_IA32_VMX_TRUE_EXIT, MSR_IA32_VMX_EXIT_CTLS);
	c->entry = control_caps(exact, MSR_IA32_VMX_TRUE_ENTRY, MSR_IA32_VMX_ENTRY_CTLS);
	c->secondary = caps_if(c->primary >> 32 & PRIMARY_SECONDARY, MSR_IA32_VMX_PROCBASED_CTLS2);
	c->tertiary = caps_if(c->primary >> 32 & PRIMARY_TERTIARY, MSR_IA32_VMX_PROCBASED_CTLS3);
	c->ept_vpid =
		caps_if(c->secondary >> 32 & (SECONDARY_EPT | SECONDARY_VPID), MSR_IA32_VMX_EPT_VPID_CAP);
	c->misc = cpu_rdmsr(MSR_IA32_VMX_MISC);
	c->cr0_fixed0 = cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED0);
	c->cr0_fixed1 = cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	c->cr4_fixed0 = cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	c->cr4_fixed1 = cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1);
	cpu_cpuid(CPUID_ADDRESS_WIDTHS, 0, &leaf);
	c->physical_bits = leaf.eax & 0xff;
	c->linear_bits = leaf.eax >> 8 & 0xff;
	cpu_cpuid(LEAF_FEATURES, 0, &leaf);
	c->enclaves = leaf.ebx & FEATURES_EBX_SGX;
	cpu_cpuid(LEAF_FEATURES, 1, &leaf);
	c->lam = leaf.eax & CPUID_7_1_EAX_LAM;
	c->perf_global = counter_bits();
}

/*
 * In root mode, on the CPU that refused, maybe in the middle of a crash report: its current VMCS is still the
 * one that was to be entered. Nothing is allocated; of too many findings the first are told.
 */
static void findings_log(struct vcpu *vcpu)
{
	struct vmx_check_finding found[FINDINGS_MAX];
	struct vmx_caps caps;
	uint32_t n;

	(void)vcpu;
	vmx_check_caps(&caps);
	n = vmx_check_entry(&caps, current_field, NULL, found, FINDINGS_MAX);
	for (uint32_t i = 0; i < n && i < FINDINGS_MAX; i++)
		LOG_ERR("%s: field 0x%04x is 0x%llx", found[i].rule, found[i].field,
			(unsigned long long)found[i].value);
	if (!n)
		LOG_ERR("all %u rules are kept: the CPU checks something that they do not",
			vmx_check_rules());
}

static __attribute__((constructor)) void register_findings(void)
{
	vendor_register_entry_check(findings_log);
}

static __attribute__((destructor)) void unregister_findings(void)
{
	vendor_register_entry_check(NULL);
}
