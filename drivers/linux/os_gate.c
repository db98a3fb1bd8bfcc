// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* os.h: into the VMM and out of it, through gate.S and by hypercall. */
#include <linux/mm.h>
#include <asm/asm.h>
#include <asm/tlbflush.h>

#include "drivers/common/os.h"
#include "drivers/linux/kernel.h"
#include "drivers/linux/linux.h"

int os_vmm_call(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint64_t arg0, uint64_t arg1)
{
	u64 cet = kernel_landing_pads_off();
	int result = gate_call(launch_pa, stack_top, fn, arg0, arg1);

	kernel_landing_pads_restore(cet);
	return result;
}

int os_vmm_start(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint32_t cpu)
{
	u64 cet = kernel_landing_pads_off();
	int result = gate_start(launch_pa, stack_top, fn, cpu);

	kernel_landing_pads_restore(cet);
	return result;
}

int os_vmm_stop(const uint64_t token[2])
{
	u64 cet = kernel_landing_pads_off();
	int err = gate_stop(token[0], token[1], PLINTH_HYPERCALL_STOP, PLINTH_E_VIRT) ? PLINTH_E_VIRT : 0;

	/* On its way back the VMM runs some code with the kernel's CR4. */
	kernel_landing_pads_restore(cet);
	return err;
}

/*
 * RAX, RCX, RDX, RDI and RSI of a hypercall that wants the token, in RCX and RDX; and what becomes of the
 * last three.
 */
struct hypercall {
	u64 number, rdi, rsi, rdx;
};

/* Where no VMM is, VMCALL is an undefined instruction, and RAX stays the number. */
static int make_hypercall(struct hypercall *call, const uint64_t token[2])
{
	u64 answer = call->number;

	call->rdx = token[1];
	asm volatile("1: vmcall\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : "+a"(answer), "+d"(call->rdx), "+D"(call->rdi), "+S"(call->rsi)
		     : "c"(token[0])
		     : "memory");
	return answer == call->number ? PLINTH_E_VIRT : (int)answer;
}

int os_vmm_map(const uint64_t token[2], uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	struct hypercall call = {.number = PLINTH_HYPERCALL_MAPS, .rdi = table, .rsi = from};
	int err = make_hypercall(&call, token);

	if (err)
		return err;
	out->va = call.rdi;
	out->bytes = call.rsi;
	out->flags = call.rdx;
	return 0;
}

int os_vmm_ask(const uint64_t token[2])
{
	struct hypercall call = {.number = PLINTH_HYPERCALL_CALL};

	return make_hypercall(&call, token);
}

#define LASS (1ul << 27) /* X86_CR4_LASS, which this kernel may not know */

/* Linear-address space separation: the kernel's code faults in the lower half, where the VMM lies. */
int os_gate_check(const char **why)
{
	if (!(__read_cr4() & LASS))
		return 0;
	*why = "CR4.LASS is set: no kernel code can run where the VMM lies, boot the kernel with "
	       "clearcpuid=lass";
	return PLINTH_E_NOTSUP;
}

/* Page-table isolation: a process has two sets of tables, told apart by a bit of CR3 (and of the PCID). */
#define USER_TABLES ((u64)PAGE_SIZE)
#define USER_PCID   (1ull << X86_CR3_PTI_PCID_USER_BIT)

void os_gate_fill(struct plinth_boot *boot)
{
	bool isolated = cpu_feature_enabled(X86_FEATURE_PTI);

	gate_kernel_cr3 = isolated ? ~(USER_TABLES | USER_PCID) : ~0ull;
	boot->stop_rip = (unsigned long)gate_stop_insn;
	boot->land = (unsigned long)gate_land;
	boot->land_user = (unsigned long)gate_land_user;
	boot->user_cr3 = isolated ? USER_TABLES : 0;
}

void os_cpu_claim(void)
{
	kernel_show_cr4(X86_CR4_VMXE, 0);
	watch_start();
}

void os_cpu_unclaim(void)
{
	watch_stop();
	kernel_show_cr4(0, X86_CR4_VMXE);
}
