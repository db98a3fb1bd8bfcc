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
#define MISC_PT_IN_VMX	     (1ull << 14)
#define RTIT_CTL_TRACE	     1ull

/*
 * An instruction the guest may use because CPUID shows it; it wants a bit of one of the two control fields.
 */
struct instruction {
	const char *name;
	uint32_t leaf, subleaf;
	size_t reg; /* offset in struct cpu_leaf */
	uint32_t bit;
	uint32_t secondary;
	uint64_t tertiary;
};

#define EAX offsetof(struct cpu_leaf, eax)
#define EBX offsetof(struct cpu_leaf, ebx)
#define ECX offsetof(struct cpu_leaf, ecx)
#define EDX offsetof(struct cpu_leaf, edx)

static const struct instruction instructions[] = {
	{"RDTSCP", 0x80000001, 0, EDX, 27, SECONDARY_RDTSCP, 0},
	{"RDPID", 7, 0, ECX, 22, SECONDARY_RDTSCP, 0},
	{"INVPCID", 7, 0, EBX, 10, SECONDARY_INVPCID, 0},
	{"XSAVES", 13, 1, EAX, 3, SECONDARY_XSAVES, 0},
	{"TPAUSE, UMONITOR, UMWAIT", 7, 0, ECX, 5, SECONDARY_USER_WAIT, 0},
	{"PCONFIG", 7, 0, EDX, 18, SECONDARY_PCONFIG, 0},
	{"RDMSRLIST, WRMSRLIST", 7, 1, EAX, 27, 0, TERTIARY_MSR_LIST},
};

#define N_INSTRUCTIONS (sizeof(instructions) / sizeof(instructions[0]))

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

bool caps_has_lam(void)
{
	static const struct instruction lam = {"LAM", 7, 1, EAX, 26, 0, 0};

	return cpuid_bit(&lam);
}

#define TRUE_BEHIND (MSR_IA32_VMX_TRUE_PINBASED - MSR_IA32_VMX_PINBASED_CTLS)
_Static_assert(MSR_IA32_VMX_TRUE_PROCBASED - MSR_IA32_VMX_PROCBASED_CTLS == TRUE_BEHIND &&
		       MSR_IA32_VMX_TRUE_EXIT - MSR_IA32_VMX_EXIT_CTLS == TRUE_BEHIND &&
		       MSR_IA32_VMX_TRUE_ENTRY - MSR_IA32_VMX_ENTRY_CTLS == TRUE_BEHIND,
	       "in the same order");

/*
 * What the CPU says of a kind of controls. Low half: bits that must be 1, which a second MSR tells exactly
 * where there is one; high half: bits that may be.
 */
static uint64_t caps_of_controls(uint32_t msr)
{
	return cpu_rdmsr(cpu_rdmsr(MSR_IA32_VMX_BASIC) & BASIC_TRUE_CONTROLS ? msr + TRUE_BEHIND : msr);
}

static bool control_can(uint32_t msr, uint32_t bits)
{
	return (caps_of_controls(msr) >> 32 & bits) == bits;
}

/* For a control field: what we want as far as the CPU allows it, plus what the CPU insists on. */
static uint32_t control_value(uint64_t caps, uint32_t want)
{
	return (want | (uint32_t)caps) & (uint32_t)(caps >> 32);
}

static int require(const char *field, uint32_t value, uint32_t must)
{
	if ((value & must) == must)
		return 0;
	LOG_ERR("the CPU lacks %s control bits 0x%x", field, must & ~value);
	return PLINTH_E_NOTSUP;
}

static int instructions_check(const struct controls *c)
{
	for (size_t i = 0; i < N_INSTRUCTIONS; i++) {
		const struct instruction *insn = &instructions[i];

		if (((c->secondary & insn->secondary) | (c->tertiary & insn->tertiary)) || !cpuid_bit(insn))
			continue;
		LOG_ERR("CPUID shows %s, but the CPU cannot enable it in a guest", insn->name);
		return PLINTH_E_NOTSUP;
	}
	return 0;
}

/* Only what CPUID shows: a control whose instruction is absent must stay off. */
static void instructions_wanted(uint32_t *secondary, uint64_t *tertiary)
{
	*secondary = 0;
	*tertiary = 0;
	for (size_t i = 0; i < N_INSTRUCTIONS; i++) {
		if (!cpuid_bit(&instructions[i]))
			continue;
		*secondary |= instructions[i].secondary;
		*tertiary |= instructions[i].tertiary;
	}
}

static bool vpid_usable(uint32_t secondary_allowed)
{
	uint64_t caps;

	if (!(secondary_allowed & SECONDARY_VPID))
		return false;
	caps = cpu_rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);
	return (caps & (VPID_CAP_INVVPID | VPID_CAP_ALL)) == (VPID_CAP_INVVPID | VPID_CAP_ALL);
}

/* Both ways or not at all. */
static void switched_find(struct controls *c, uint64_t exit_caps, uint64_t entry_caps)
{
	const struct controls can = {.exit = exit_caps >> 32, .entry = entry_caps >> 32};

	for (const struct vmcs_msr *m = &vmcs_msrs[ROW_PERF]; m < &vmcs_msrs[ROWS_KEPT]; m++) {
		if (!msr_is_saved(&can, m) || !msr_is_loaded(&can, m))
			continue;
		c->exit |= m->exit;
		c->entry |= m->entry;
	}
}

static int exit_and_entry_find(struct controls *c)
{
	uint64_t exit_caps = caps_of_controls(MSR_IA32_VMX_EXIT_CTLS);
	uint64_t entry_caps = caps_of_controls(MSR_IA32_VMX_ENTRY_CTLS);
	int err;

	c->exit = control_value(exit_caps, EXIT_HOST_64 | EXIT_SAVE_DEBUG | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
						   EXIT_SAVE_EFER | EXIT_LOAD_EFER);
	c->entry = control_value(entry_caps,
				 ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER);
	switched_find(c, exit_caps, entry_caps);
	err = require("exit", c->exit, EXIT_HOST_64 | EXIT_SAVE_DEBUG);
	return err ? err : require("entry", c->entry, ENTRY_GUEST_64 | ENTRY_LOAD_DEBUG);
}

/* The secondary controls, and those the CPU may have beyond them. */
static int more_find(struct controls *c)
{
	uint32_t slat_bit = vendor_common.slat ? SECONDARY_EPT : 0, want;
	uint32_t allowed = (uint32_t)(cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) >> 32);
	uint64_t want_tertiary;
	int err;

	instructions_wanted(&want, &want_tertiary);
	c->has_vpid = vpid_usable(allowed);
	/* What the guest traces goes through the same translation as all it writes. */
	if (slat_bit && c->exit & EXIT_CLEAR_RTIT && c->entry & ENTRY_LOAD_RTIT)
		want |= SECONDARY_PT_GUEST_PHYS;
	c->secondary = control_value(cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2),
				     want | (c->has_vpid ? SECONDARY_VPID : 0) | slat_bit);
	/* All 64 bits say what may be 1; none must be. */
	if (c->primary & PRIMARY_TERTIARY)
		c->tertiary = cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS3) & want_tertiary;
	if (!c->tertiary)
		c->primary &= ~PRIMARY_TERTIARY;
	err = instructions_check(c);
	return err ? err : require("secondary", c->secondary, slat_bit);
}

static int controls_find(struct controls *out)
{
	struct controls c = {0};
	int err;

	c.pin = control_value(caps_of_controls(MSR_IA32_VMX_PINBASED_CTLS), 0);
	c.has_timer = control_can(MSR_IA32_VMX_PINBASED_CTLS, PIN_PREEMPTION_TIMER);
	/* An exit when the guest could take an NMI: it wants NMIs that exit and are blocked virtually. */
	c.has_nmi_window = control_can(MSR_IA32_VMX_PINBASED_CTLS, PIN_NMI | PIN_VIRTUAL_NMI) &&
			   control_can(MSR_IA32_VMX_PROCBASED_CTLS, PRIMARY_NMI_WINDOW);
	c.has_trap = control_can(MSR_IA32_VMX_PROCBASED_CTLS, PRIMARY_TRAP_FLAG);
	c.primary = control_value(caps_of_controls(MSR_IA32_VMX_PROCBASED_CTLS),
				  PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY | PRIMARY_TERTIARY);
	err = require("primary", c.primary, PRIMARY_MSR_BITMAPS | PRIMARY_SECONDARY);
	if (!err)
		err = exit_and_entry_find(&c);
	if (!err)
		err = more_find(&c);
	if (err)
		return err;
	counters_find(&c);
	*out = c;
	return 0;
}

/* SDM, "Restrictions on VMX Operation": some bits of CR0 and CR4 are fixed. */
static int fixed_bits_check(void)
{
	uint64_t cr0 = cpu_read_cr0(), cr4 = cpu_read_cr4() | CR4_VMXE;
	uint64_t bad0 =
		(~cr0 & cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED0)) | (cr0 & ~cpu_rdmsr(MSR_IA32_VMX_CR0_FIXED1));
	uint64_t bad4 =
		(~cr4 & cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED0)) | (cr4 & ~cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1));

	if (!bad0 && !bad4)
		return 0;
	LOG_ERR("VMX does not allow bits 0x%llx of CR0 and 0x%llx of CR4 as they are",
		(unsigned long long)bad0, (unsigned long long)bad4);
	return PLINTH_E_NOTSUP;
}

/* What is traced now would end where the CPU cannot trace in VMX operation. */
static int trace_check(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(7, 0, &leaf);
	if (!(leaf.ebx & CPUID_7_EBX_PT) || cpu_rdmsr(MSR_IA32_VMX_MISC) & MISC_PT_IN_VMX ||
	    !(cpu_rdmsr(MSR_IA32_RTIT_CTL) & RTIT_CTL_TRACE))
		return 0;
	LOG_ERR("IA32_RTIT_CTL.TraceEn is set, and this CPU cannot trace in VMX operation: end the trace "
		"first");
	return PLINTH_E_BUSY;
}

uint64_t caps_ways_into_vmx(void)
{
	return FEATURE_CONTROL_VMX | (cpu_read_cr4() & CR4_SMXE ? FEATURE_CONTROL_VMX_IN_SMX : 0);
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
	if (feature_control & FEATURE_CONTROL_LOCKED && !(feature_control & caps_ways_into_vmx())) {
		LOG_ERR("IA32_FEATURE_CONTROL is 0x%llx: VT-x is locked off, enable it in the firmware's "
			"set-up",
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
		err = trace_check();
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
