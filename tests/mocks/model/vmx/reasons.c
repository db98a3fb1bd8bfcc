/* SPDX-License-Identifier: MIT */
/*
 * Exits as the hardware tells of them (SDM, "VMX Basic Exit Reasons", "Exit Qualification for EPT
 * Violations").
 */
#include "vmx.h"

#define ENTRY_FAILED	(1ull << 31)
#define BASIC(reason)	((reason)&0xffff)
#define REASON_ENTRY_MC 41u
#define LINEAR_VALID	0x180ull /* by a linear address, which was translated */

/* Of each kind the first is the one that a test gets which asks for the kind. */
static const struct {
	uint32_t reason, kind;
} reasons[] = {
	{0, PLINTH_EXIT_EXCEPTION},
	{1, PLINTH_EXIT_INTERRUPT},
	{2, PLINTH_EXIT_TRIPLE_FAULT},
	{3, PLINTH_EXIT_INIT},
	{4, PLINTH_EXIT_SIPI},
	{8, PLINTH_EXIT_NMI_WINDOW},
	{7, PLINTH_EXIT_NMI_WINDOW},
	{9, PLINTH_EXIT_TASK_SWITCH},
	{10, PLINTH_EXIT_CPUID},
	{11, PLINTH_EXIT_GETSEC},
	{12, PLINTH_EXIT_HLT},
	{13, PLINTH_EXIT_INVD},
	{14, PLINTH_EXIT_INVLPG},
	{16, PLINTH_EXIT_RDTSC},
	{18, PLINTH_EXIT_HYPERCALL},
	/* VMCLEAR to VMXON, INVEPT, INVVPID, VMFUNC, SEAMCALL, TDCALL. */
	{19, PLINTH_EXIT_VIRT_INSN},
	{20, PLINTH_EXIT_VIRT_INSN},
	{21, PLINTH_EXIT_VIRT_INSN},
	{22, PLINTH_EXIT_VIRT_INSN},
	{23, PLINTH_EXIT_VIRT_INSN},
	{24, PLINTH_EXIT_VIRT_INSN},
	{25, PLINTH_EXIT_VIRT_INSN},
	{26, PLINTH_EXIT_VIRT_INSN},
	{27, PLINTH_EXIT_VIRT_INSN},
	{50, PLINTH_EXIT_VIRT_INSN},
	{53, PLINTH_EXIT_VIRT_INSN},
	{59, PLINTH_EXIT_VIRT_INSN},
	{76, PLINTH_EXIT_VIRT_INSN},
	{77, PLINTH_EXIT_VIRT_INSN},
	{28, PLINTH_EXIT_CR_ACCESS},
	{29, PLINTH_EXIT_DR_ACCESS},
	{30, PLINTH_EXIT_IO},
	{31, PLINTH_EXIT_MSR_READ},
	{32, PLINTH_EXIT_MSR_WRITE},
	{37, PLINTH_EXIT_STEP},
	{46, PLINTH_EXIT_DESC_TABLE},
	{47, PLINTH_EXIT_DESC_TABLE},
	{48, PLINTH_EXIT_SLAT_VIOLATION},
	{49, PLINTH_EXIT_SLAT_MISCONFIG},
	{52, PLINTH_EXIT_TIMER},
	{54, PLINTH_EXIT_WBINVD},
	{55, PLINTH_EXIT_XSETBV},
	/* RDMSRLIST, WRMSRLIST, and RDMSR and WRMSRNS with the MSR in the instruction. */
	{78, PLINTH_EXIT_MSR_LIST},
	{79, PLINTH_EXIT_MSR_LIST},
	{80, PLINTH_EXIT_MSR_LIST},
	{81, PLINTH_EXIT_MSR_LIST},
};

#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

/* What stands above the basic reason changes nothing, but for bit 31. */
uint32_t vmx_kind_of(uint64_t reason)
{
	if (reason & ENTRY_FAILED)
		return BASIC(reason) == REASON_ENTRY_MC ? MODEL_EXIT_ENTRY_MC : PLINTH_EXIT_ENTRY_FAILURE;
	for (unsigned int i = 0; i < N_REASONS; i++)
		if (reasons[i].reason == BASIC(reason))
			return reasons[i].kind;
	return PLINTH_EXIT_OTHER;
}

static uint32_t reason_of(uint32_t kind)
{
	for (unsigned int i = 0; i < N_REASONS; i++)
		if (reasons[i].kind == kind)
			return reasons[i].reason;
	model_violation("the test wants an exit of kind %u, and the CPU has none", kind);
	return 0;
}

struct model_exit vmx_exit_of(const struct model_cpu *cpu, const struct model_exit *exit)
{
	struct model_exit e = *exit;

	if (e.kind)
		e.reason = reason_of(e.kind);
	if (e.access)
		e.detail = e.access | ept_translation(cpu, e.physical).access << 3 | LINEAR_VALID;
	return e;
}
