/* SPDX-License-Identifier: MIT */
/* From the exit stub to the handler and back: the hot path. */
#include "internal.h"

/*
 * SDM, "VMX Basic Exit Reasons". The window of interrupts (7) is asked for to inject an NMI. SEAMCALL and
 * TDCALL (76, 77) always exit where a CPU has them, and are undefined outside VMX operation.
 */
/* clang-format off */
static const uint8_t kinds[] = {
	[0] = PLINTH_EXIT_EXCEPTION,        [1] = PLINTH_EXIT_INTERRUPT,       [2] = PLINTH_EXIT_TRIPLE_FAULT,
	[3] = PLINTH_EXIT_INIT,             [4] = PLINTH_EXIT_SIPI,            [5 ... 6] = PLINTH_EXIT_OTHER,
	[7 ... 8] = PLINTH_EXIT_NMI_WINDOW, [9] = PLINTH_EXIT_TASK_SWITCH,     [10] = PLINTH_EXIT_CPUID,
	[11] = PLINTH_EXIT_GETSEC,          [12] = PLINTH_EXIT_HLT,            [13] = PLINTH_EXIT_INVD,
	[14] = PLINTH_EXIT_INVLPG,          [15] = PLINTH_EXIT_OTHER,          [16] = PLINTH_EXIT_RDTSC,
	[17] = PLINTH_EXIT_OTHER,           [18] = PLINTH_EXIT_HYPERCALL,      [19 ... 27] = PLINTH_EXIT_VIRT_INSN,
	[28] = PLINTH_EXIT_CR_ACCESS,       [29] = PLINTH_EXIT_DR_ACCESS,      [30] = PLINTH_EXIT_IO,
	[31] = PLINTH_EXIT_MSR_READ,        [32] = PLINTH_EXIT_MSR_WRITE,      [33 ... 34] = PLINTH_EXIT_ENTRY_FAILURE,
	[35 ... 36] = PLINTH_EXIT_OTHER,    [37] = PLINTH_EXIT_STEP,           [38 ... 40] = PLINTH_EXIT_OTHER,
	[41] = PLINTH_EXIT_ENTRY_FAILURE,   [42 ... 45] = PLINTH_EXIT_OTHER,   [46 ... 47] = PLINTH_EXIT_DESC_TABLE,
	[48] = PLINTH_EXIT_SLAT_VIOLATION,  [49] = PLINTH_EXIT_SLAT_MISCONFIG, [50] = PLINTH_EXIT_VIRT_INSN,
	[51] = PLINTH_EXIT_OTHER,           [52] = PLINTH_EXIT_TIMER,          [53] = PLINTH_EXIT_VIRT_INSN,
	[54] = PLINTH_EXIT_WBINVD,          [55] = PLINTH_EXIT_XSETBV,         [56 ... 58] = PLINTH_EXIT_OTHER,
	[59] = PLINTH_EXIT_VIRT_INSN,       [60 ... 75] = PLINTH_EXIT_OTHER,   [76 ... 77] = PLINTH_EXIT_VIRT_INSN,
	[78 ... 81] = PLINTH_EXIT_MSR_LIST,
};
/* clang-format on */

#define ENTRY_FAILED	(1ull << 31) /* of the exit reason */
#define BASIC_REASON	0xffffull
#define REASON_ENTRY_MC 41u

/*
 * What skipping an instruction means beyond RIP, when the guest was in a rare state. An instruction that is
 * done clears RF; most exits have cleared it, but not those of an access that somebody did in the guest's
 * stead.
 */
static void skip_rare(struct vcpu *vcpu)
{
	if (vcpu->exit.rflags & RFLAGS_RF)
		vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) & ~RFLAGS_RF);
	if (vcpu->exit.blocked & (VCPU_BLOCKED_STI | VCPU_BLOCKED_SS))
		vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
			   vcpu->exit.blocked & ~(uint64_t)(VCPU_BLOCKED_STI | VCPU_BLOCKED_SS));
	/* The single-step trap after the instruction we did in the guest's stead. */
	if (vcpu->exit.rflags & RFLAGS_TF && !(vmcs_read(VMCS_GUEST_DEBUGCTL) & DEBUGCTL_BTF))
		vmcs_write(VMCS_GUEST_PENDING_DEBUG, vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_BS);
}

/* Outside 64-bit mode RIP wraps at 4 GiB. */
static uint64_t wrap(uint64_t rip)
{
	return vmcs_read(VMCS_GUEST_CS_RIGHTS) & RIGHTS_L ? rip : (uint32_t)rip;
}

/*
 * Over the instruction, in every state of the guest. The exit stub does the same by
 * itself when none of the rare conditions holds.
 */
void vendor_skip(struct vcpu *vcpu)
{
	uint64_t rip = vcpu->exit.rip + vcpu->exit.length;

	skip_rare(vcpu);
	if ((rip ^ vcpu->exit.rip) >> 32)
		rip = wrap(rip);
	vmcs_write(VMCS_GUEST_RIP, rip);
}

bool vendor_machine_check(struct vcpu *vcpu)
{
	return vcpu->exit.reason & ENTRY_FAILED && (vcpu->exit.reason & BASIC_REASON) == REASON_ENTRY_MC;
}

static inline __attribute__((always_inline)) enum exit_action handle(struct vcpu *vcpu, uint64_t kind)
{
	vcpu->exit.kind = (uint32_t)kind;
	plinth_count(&vcpu->exits[kind], 1);
	return vcpu_handle(vcpu, kind);
}

/* Out of line, and the last thing vcpu_on_exit() does: so it needs no frame. */
static __attribute__((noinline)) enum exit_action on_strange_exit(struct vcpu *vcpu)
{
	uint64_t basic = vcpu->exit.reason & BASIC_REASON;

	if (vcpu->exit.reason & ENTRY_FAILED)
		return handle(vcpu, PLINTH_EXIT_ENTRY_FAILURE);
	/* Bits above the basic reason tell of the circumstances (an enclave, a bus lock). */
	return handle(vcpu, basic < sizeof(kinds) ? kinds[basic] : PLINTH_EXIT_UNKNOWN);
}

enum exit_action vcpu_on_exit(struct vcpu *vcpu)
{
	uint64_t reason = vcpu->exit.reason;

	if (__builtin_expect(reason >= sizeof(kinds), 0))
		return on_strange_exit(vcpu);
	return handle(vcpu, kinds[reason]);
}
