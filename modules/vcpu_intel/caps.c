/* SPDX-License-Identifier: MIT */
/*
 * What Plinth needs of a CPU, as rows. SDM, "VMX Capability Reporting Facility".
 * Everything CPUID shows to the guest must keep working, so an instruction that needs
 * a control is a requirement where CPUID has it.
 */
#include <stddef.h>

#include "internal.h"

#define BASIC_TRUE_CONTROLS  (1ull << 55)
#define BASIC_32BIT_ADDRESS  (1ull << 48)
#define BASIC_MEMORY_TYPE(b) (((b) >> 50) & 0xf)
#define MEMORY_TYPE_WB	     6
#define VPID_CAP_ALL	     (1ull << 42) /* INVVPID, all contexts */
#define VPID_CAP_INVVPID     (1ull << 32)

/* An instruction the guest may use because CPUID shows it. */
struct instruction {
	const char *name;
	uint32_t leaf, subleaf;
	size_t reg; /* offset in struct cpu_leaf */
	uint32_t bit;
	uint32_t control;
};

static const struct instruction instructions[] = {
	{ "RDTSCP", 0x80000001, 0, offsetof(struct cpu_leaf, edx), 27, SECONDARY_RDTSCP },
	{ "RDPID", 7, 0, offsetof(struct cpu_leaf, ecx), 22, SECONDARY_RDTSCP },
	{ "INVPCID", 7, 0, offsetof(struct cpu_leaf, ebx), 10, SECONDARY_INVPCID },
	{ "XSAVES", 13, 1, offsetof(struct cpu_leaf, eax), 3, SECONDARY_XSAVES },
	{ "TPAUSE, UMONITOR, UMWAIT", 7, 0, offsetof(struct cpu_leaf, ecx), 5, SECONDARY_USER_WAIT },
	{ "PCONFIG", 7, 0, offsetof(struct cpu_leaf, edx), 18, SECONDARY_PCONFIG },
};

static bool cpuid_bit(const struct instruction *insn)
{
	struct cpu_leaf leaf;
	uint32_t value;

	cpu_cpuid(insn->leaf & 0x80000000u, 0, &leaf);
	if (leaf.eax < insn->leaf)
		return false;
	cpu_cpuid(insn->leaf, insn->subleaf, &leaf);
	value = *(const uint32_t *)((const char *)&leaf + insn->reg);
	return value >> insn->bit & 1;
}

/*
 * The value for a control field: what we want as far as the CPU allows it, plus what the CPU
 * insists on. Low half of the MSR: bits that must be 1; high half: bits that may be.
 */
static uint32_t control_value(uint32_t msr, uint32_t want)
{
	uint64_t caps = cpu_rdmsr(msr);

	return (want | (uint32_t)caps) & (uint32_t)(caps >> 32);
}

static int require(const char *field, uint32_t value, uint32_t must)
{
	if ((value & must) == must)
		return 0;
	LOG_ERR("the CPU lacks %s control bits 0x%x", field, must & ~value);
	return PLINTH_E_NOTSUP;
}

static int instructions_check(uint32_t secondary)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		const struct instruction *insn = &instructions[i];

		if (secondary & insn->control || !cpuid_bit(insn))
			continue;
		LOG_ERR("CPUID shows %s, but the CPU cannot enable it in a guest", insn->name);
		return PLINTH_E_NOTSUP;
	}
	return 0;
}

/* Only what CPUID shows: a control whose instruction is absent must stay off. */
static uint32_t secondary_wanted(void)
{
	uint32_t want = 0;

	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
		if (cpuid_bit(&instructions[i]))
			want |= instructions[i].control;
	return want;
}

static bool vpid_usable(uint32_t secondary_allowed)
{
	uint64_t caps;

	if (!(secondary_allowed & SECONDARY_VPID))
		return false;
	caps = cpu_rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
	return (caps & (VPID_CAP_INVVPID | VPID_CAP_ALL)) == (VPID_CAP_INVVPID | VPID_CAP_ALL);
}

static int controls_find(struct controls *out)
{
	bool exact = cpu_rdmsr(MSR_IA32_VMX_BASIC) & BASIC_TRUE_CONTROLS;
	uint32_t slat_bit = vcpu_common.slat ? SECONDARY_EPT : 0;
	struct controls c = { 0 };
	uint32_t allowed;
	int err;

	c.pin = control_value(exact ? MSR_IA32_VMX_TRUE_PINBASED : MSR_IA32_VMX_PINBASED_CTLS, 0);
	c.has_timer = control_value(MSR_IA32_VMX_PINBASED_CTLS, PIN_PREEMPTION_TIMER) & PIN_PREEMPTION_TIMER;
	c.primary = control_value(exact ? MSR_IA32_VMX_TRUE_PROCBASED : MSR_IA32_VMX_PROCBASED_CTLS,
				  PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY);
	err = require("primary", c.primary, PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY);
	if (err)
		return err;

	allowed = (uint32_t)(cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) >> 32);
	c.has_vpid = vpid_usable(allowed);
	c.secondary = control_value(MSR_IA32_VMX_PROCBASED_CTLS2,
				    secondary_wanted() | (c.has_vpid ? SECONDARY_VPID : 0) | slat_bit);
	err = instructions_check(c.secondary);
	if (!err)
		err = require("secondary", c.secondary, slat_bit);
	if (err)
		return err;

	c.exit = control_value(exact ? MSR_IA32_VMX_TRUE_EXIT : MSR_IA32_VMX_EXIT_CTLS,
			       EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT | EXIT_SAVE_EFER |
				       EXIT_LOAD_EFER);
	c.entry = control_value(exact ? MSR_IA32_VMX_TRUE_ENTRY : MSR_IA32_VMX_ENTRY_CTLS,
				ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER);
	err = require("exit", c.exit, EXIT_HOST_64 | EXIT_SAVE_DEBUG);
	if (!err)
		err = require("entry", c.entry, ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG);
	if (!err)
		*out = c;
	return err;
}

/* SDM, "Restrictions on VMX Operation": some bits of CR0 and CR4 are fixed. */
static int fixed_bits_check(void)
{
	uint64_t cr0 = cpu_read_cr0(), cr4 = cpu_read_cr4() | CR4_VMXE;
	uint64_t bad0 = (~cr0 & cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED0)) | (cr0 & ~cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED1));
	uint64_t bad4 = (~cr4 & cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED0)) | (cr4 & ~cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1));

	if (!bad0 && !bad4)
		return 0;
	LOG_ERR("VMX does not allow bits 0x%llx of CR0 and 0x%llx of CR4 as they are", (unsigned long long)bad0,
		(unsigned long long)bad4);
	return PLINTH_E_NOTSUP;
}

static int vmx_check(void)
{
	struct cpu_leaf leaf;
	uint64_t feature_control;

	cpu_cpuid(1, 0, &leaf);
	if (!(leaf.ecx & CPUID_1_ECX_VMX)) {
		LOG_ERR("CPUID.1:ECX.VMX is 0: this CPU has no VT-x, or the hypervisor below hides it");
		return PLINTH_E_NOTSUP;
	}
	feature_control = cpu_rdmsr(MSR_IA32_FEATURE_CONTROL);
	if (feature_control & FEATURE_CONTROL_LOCKED && !(feature_control & FEATURE_CONTROL_VMX)) {
		LOG_ERR("IA32_FEATURE_CONTROL is 0x%llx: VT-x is locked off, enable it in the firmware's set-up",
			(unsigned long long)feature_control);
		return PLINTH_E_LOCKED;
	}
	if (cpu_read_cr4() & CR4_VMXE) {
		LOG_ERR("CR4.VMXE is set: another hypervisor uses VT-x (kvm_intel?), unload it first");
		return PLINTH_E_BUSY;
	}
	return 0;
}

static int basic_check(void)
{
	uint64_t basic = cpu_rdmsr(MSR_IA32_VMX_BASIC);

	if (BASIC_MEMORY_TYPE(basic) == MEMORY_TYPE_WB && !(basic & BASIC_32BIT_ADDRESS))
		return 0;
	LOG_ERR("IA32_VMX_BASIC is 0x%llx: VMCS memory must be write-back and may lie anywhere",
		(unsigned long long)basic);
	return PLINTH_E_NOTSUP;
}

int caps_check(struct controls *out)
{
	struct controls controls;
	int err = vmx_check();

	if (!err)
		err = basic_check();
	if (!err)
		err = fixed_bits_check();
	if (!err)
		err = controls_find(&controls);
	if (!err && out)
		*out = controls;
	return err;
}
