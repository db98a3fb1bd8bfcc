/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Where kernels differ, each difference under the name of the change it answers; probe.sh asks the kernel's
 * headers which of them they have. No other file here knows that there is more than one kernel.
 */
#ifndef DRIVERS_LINUX_KERNEL_H
#define DRIVERS_LINUX_KERNEL_H

/* "x86/ibt: Add IBT feature, MSR and #CP handling" (5.18): before, no kernel has landing pads. */
#ifdef KERNEL_HAS_IBT
#include <asm/ibt.h>
#define KERNEL_LANDING_PAD ENDBR
#else
#define KERNEL_LANDING_PAD
#endif

#ifndef __ASSEMBLY__

#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/rcupdate.h>
#include <linux/sched/isolation.h>
#include <linux/timer.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

/* "mm, treewide: rename MAX_ORDER to MAX_PAGE_ORDER" (6.8); MAX_ORDER was one more until 6.4. */
#ifdef KERNEL_HAS_MAX_PAGE_ORDER
#define KERNEL_MAX_PAGE_ORDER MAX_PAGE_ORDER
#else
#define KERNEL_MAX_PAGE_ORDER (MAX_ORDER - 1)
#endif

/* "sched/isolation: Use single feature type while referring to housekeeping cpumask" (5.18). */
#ifdef KERNEL_HAS_HK_TYPES
#define KERNEL_HK_TICK HK_TYPE_TICK
#else
#define KERNEL_HK_TICK HK_FLAG_TICK
#endif

/* "timers: Rename del_timer() to timer_delete()" (6.2); the old name went in 6.16. */
#ifdef KERNEL_HAS_TIMER_DELETE
#define kernel_timer_delete	 timer_delete
#define kernel_timer_delete_sync timer_delete_sync
#else
#define kernel_timer_delete	 del_timer
#define kernel_timer_delete_sync del_timer_sync
#endif

/* "x86/msr: Rename 'wrmsrl()' to 'wrmsrq()'" (6.16). */
#ifdef KERNEL_HAS_MSRQ
#define kernel_rdmsr	  rdmsrq
#define kernel_rdmsr_safe rdmsrq_safe
#define kernel_wrmsr	  wrmsrq
#else
#define kernel_rdmsr	  rdmsrl
#define kernel_rdmsr_safe rdmsrl_safe
#define kernel_wrmsr	  wrmsrl
#endif

/* "mm: forbid splitting special mappings" (5.11). */
#ifdef KERNEL_HAS_MAY_SPLIT
#define KERNEL_MAY_SPLIT may_split
#else
#define KERNEL_MAY_SPLIT split
#endif

/*
 * kernel_vm_flags() - in mmap() of a file: flags of the address space that it makes.
 *
 * "mm: introduce vma->vm_flags wrapper functions" (6.3): they are not written to directly any more.
 */
static inline void kernel_vm_flags(struct vm_area_struct *area, unsigned long set, unsigned long clear)
{
#ifdef KERNEL_HAS_VM_FLAGS_MOD
	vm_flags_mod(area, set, clear);
#else
	area->vm_flags = (area->vm_flags | set) & ~clear;
#endif
}

/*
 * kernel_landing_pads_off() - VMM code has no landing pads for indirect branches; a kernel may demand them.
 * kernel_landing_pads_restore() - as they were, by what the first returned.
 */
#ifdef KERNEL_HAS_IBT
static inline u64 kernel_landing_pads_off(void)
{
	u64 cet = 0;

	if (cpu_feature_enabled(X86_FEATURE_IBT)) {
		kernel_rdmsr(MSR_IA32_S_CET, cet);
		kernel_wrmsr(MSR_IA32_S_CET, cet & ~CET_ENDBR_EN);
	}
	return cet;
}

static inline void kernel_landing_pads_restore(u64 cet)
{
	if (cpu_feature_enabled(X86_FEATURE_IBT))
		kernel_wrmsr(MSR_IA32_S_CET, cet);
}
#else
static inline u64 kernel_landing_pads_off(void)
{
	return 0;
}

static inline void kernel_landing_pads_restore(u64 cet)
{
}
#endif

/*
 * kernel_show_cr4() - bits of CR4 in the kernel's copy of it: the kernel writes CR4 from there, and KVM reads
 * from it that VMX is taken. Interrupts are off.
 *
 * "x86: Restrict KVM-induced symbol exports to KVM modules where obvious/possible" (6.18): the copy cannot be
 * changed any more. Nothing but KVM reads it; KVM is kept out by virt.c too. Whatever the kernel writes, the
 * CPU's VMXE stays set: the VMM owns that bit.
 */
#ifdef KERNEL_HAS_CR4_UPDATE
static inline void kernel_show_cr4(unsigned long set, unsigned long clear)
{
	cr4_update_irqsoff(set, clear);
}
#else
static inline void kernel_show_cr4(unsigned long set, unsigned long clear)
{
}
#endif

/*
 * kernel_on_crash(), kernel_not_on_crash() - whom the kernel calls on each CPU before a crash kernel starts,
 * or where it can before the machine is reset. There is one. The second may sleep, and nobody is in @stop
 * when it returns.
 *
 * "x86/reboot: KVM: Handle VMXOFF in KVM's reboot callback" (6.6). Before, there was a call before a crash
 * kernel only, meant for VMCLEAR; the kernel does VMXOFF itself behind it, and at a reset, and survives that
 * it is an undefined instruction.
 *
 * Where the callback is x86_virt_register_emergency_callback() (7.2), it is KVM's modules' alone: a crash
 * kernel then runs on top of the VMM, in memory of its own, until it resets the machine.
 * KERNEL_CALLS_ON_CRASH: whether it calls anybody.
 */
#if defined(KERNEL_HAS_VIRT_CALLBACK)
#include <asm/reboot.h>

#define KERNEL_CALLS_ON_CRASH true

static inline void kernel_on_crash(void (*stop)(void))
{
	cpu_emergency_register_virt_callback(stop);
}

static inline void kernel_not_on_crash(void (*stop)(void))
{
	cpu_emergency_unregister_virt_callback(stop);
}
#elif defined(KERNEL_HAS_CRASH_VMCLEAR)
#include <linux/kexec.h>

#define KERNEL_CALLS_ON_CRASH true

static inline void kernel_on_crash(void (*stop)(void))
{
	rcu_assign_pointer(crash_vmclear_loaded_vmcss, stop);
}

static inline void kernel_not_on_crash(void (*stop)(void))
{
	RCU_INIT_POINTER(crash_vmclear_loaded_vmcss, NULL);
	synchronize_rcu();
}
#else
#define KERNEL_CALLS_ON_CRASH false

static inline void kernel_on_crash(void (*stop)(void))
{
}

static inline void kernel_not_on_crash(void (*stop)(void))
{
}
#endif

#endif /* __ASSEMBLY__ */

#endif
