/* SPDX-License-Identifier: MIT */
/*
 * Which MSRs Plinth itself looks at. All others pass: the guest's access is the hardware's business, and
 * nothing exits. docs/msr-policy.md goes through the MSRs that could hurt a VMM and says why each is here or
 * is not.
 */
#include "internal.h"

#define MSR_BIOS_UPDT_TRIG 0x00000079u
#define MSR_DS_AREA	   0x00000600u
#define MISC_ENABLE_NO_XD  (1ull << 34)
#define SLOT_BYTES	   (1ull << 39)

static enum exit_action refuse_msr_write(struct vcpu *vcpu, const struct exit_msr *access, const char *why)
{
	LOG_WARN("guest wrote 0x%llx to MSR 0x%x; refused: %s", (unsigned long long)access->value,
		 access->msr, why);
	return exit_raise_gp(vcpu);
}

/*
 * The APIC's registers lie over the memory at this address, and in root mode they would lie there too. Off,
 * on, into x2APIC mode: that is between guest and hardware.
 */
static enum exit_action apic_base(struct vcpu *vcpu, struct exit_msr *access)
{
	uint64_t now;

	if (vcpu_read_msr(vcpu, access->msr, &now))
		return exit_raise_gp(vcpu);
	if ((access->value ^ now) & APIC_BASE_ADDRESS)
		return refuse_msr_write(vcpu, access, "the APIC stays where it is");
	return msr_pass(vcpu, access);
}

/*
 * The CPU writes records of branches and counters through this linear address, in whatever address space it
 * is in.
 */
static enum exit_action ds_area(struct vcpu *vcpu, struct exit_msr *access)
{
	if (access->value - exit_state.slot_va < SLOT_BYTES)
		return refuse_msr_write(vcpu, access, "the VMM's addresses");
	return msr_pass(vcpu, access);
}

/*
 * Without it the VMM's page tables, which say what may not be executed, are malformed: the next exit would be
 * the last.
 */
static enum exit_action misc_enable(struct vcpu *vcpu, struct exit_msr *access)
{
	if (access->value & MISC_ENABLE_NO_XD)
		return refuse_msr_write(vcpu, access, "the VMM needs execute disable");
	return msr_pass(vcpu, access);
}

/*
 * In a guest this write does nothing (SDM, "Changes to Instruction Behavior in VMX Non-Root Operation"). It
 * stays so, because the update lies at an address of the guest's; but who waits for it shall find out why it
 * did not come.
 */
static enum exit_action microcode(struct vcpu *vcpu, struct exit_msr *access)
{
	(void)vcpu;
	LOG_WARN("microcode at 0x%llx is not loaded beneath a VMM: stop, load it, start",
		 (unsigned long long)access->value);
	return EXIT_NEXT;
}

static const struct msr_policy rows[] = {
	{MSR_IA32_APIC_BASE, VCPU_MSR_WRITE, apic_base},
	{MSR_BIOS_UPDT_TRIG, VCPU_MSR_WRITE, microcode},
	{MSR_IA32_MISC_ENABLE, VCPU_MSR_WRITE, misc_enable},
	{MSR_DS_AREA, VCPU_MSR_WRITE, ds_area},
	/* Page protection in root mode and in the guest: vcpu_write_msr() keeps them apart, or refuses. */
	{MSR_IA32_EFER, VCPU_MSR_WRITE, msr_pass},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct msr_policy *msr_policy_find(uint32_t msr, uint32_t what)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].msr == msr && rows[i].what & what)
			return &rows[i];
	return NULL;
}

int msr_policy_apply(uint32_t first, uint32_t last)
{
	int err = 0;

	for (size_t i = 0; !err && i < N_ROWS; i++)
		if (rows[i].msr >= first && rows[i].msr <= last)
			err = vcpu_msr_exits(guest_host(), rows[i].msr, rows[i].msr, rows[i].what, true);
	return err;
}
