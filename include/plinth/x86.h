/* SPDX-License-Identifier: MIT */
/* Architectural numbers of x86-64 that more than one component needs; names as in the SDM. */
#ifndef PLINTH_X86_H
#define PLINTH_X86_H

#include <stdbool.h>
#include <stdint.h>

/* Control registers (SDM, "Control Registers"). */
#define CR0_PE 0x00000001ull
#define CR0_MP 0x00000002ull
#define CR0_EM 0x00000004ull
#define CR0_TS 0x00000008ull
#define CR0_NE 0x00000020ull
#define CR0_WP 0x00010000ull
#define CR0_NW 0x20000000ull
#define CR0_CD 0x40000000ull
#define CR0_PG 0x80000000ull

#define CR3_NOFLUSH   0x8000000000000000ull
#define CR3_PCID      0x0000000000000fffull
#define CR3_TABLE     0x000ffffffffff000ull /* where the tables lie; beside it PCIDs and what is masked */
/* With Linux' page-table isolation user mode has tables of its own, a page behind the kernel's. */
#define CR3_USER_HALF 0x0000000000001000ull
#define CR3_LAM	      0x6000000000000000ull /* LAM_U57, LAM_U48 */

#define CR4_PAE	     0x00000020ull
#define CR4_MCE	     0x00000040ull
#define CR4_PGE	     0x00000080ull
#define CR4_LA57     0x00001000ull
#define CR4_VMXE     0x00002000ull
#define CR4_SMXE     0x00004000ull
#define CR4_FSGSBASE 0x00010000ull
#define CR4_PCIDE    0x00020000ull
#define CR4_OSXSAVE  0x00040000ull
#define CR4_KL	     0x00080000ull
#define CR4_SMEP     0x00100000ull
#define CR4_SMAP     0x00200000ull
#define CR4_PKE	     0x00400000ull
#define CR4_CET	     0x00800000ull
#define CR4_PKS	     0x01000000ull
#define CR4_UINTR    0x02000000ull
#define CR4_LASS     0x08000000ull
#define CR4_LAM_SUP  0x10000000ull
#define CR4_FRED     0x100000000ull

/* RFLAGS. */
#define RFLAGS_FIXED 0x00000002ull
#define RFLAGS_TF    0x00000100ull
#define RFLAGS_IF    0x00000200ull
#define RFLAGS_DF    0x00000400ull
#define RFLAGS_RF    0x00010000ull
#define RFLAGS_VM    0x00020000ull

/* Exception vectors (SDM, "Exception and Interrupt Vectors"). */
#define VECTOR_DB  1
#define VECTOR_NMI 2
#define VECTOR_UD  6
#define VECTOR_DF  8
#define VECTOR_GP  13
#define VECTOR_PF  14
#define VECTOR_MC  18

/* Model-specific registers (SDM, volume 4, "Architectural MSRs"). */
#define MSR_IA32_APIC_BASE	     0x0000001bu
#define MSR_IA32_FEATURE_CONTROL     0x0000003au
#define MSR_IA32_SYSENTER_CS	     0x00000174u
#define MSR_IA32_SYSENTER_ESP	     0x00000175u
#define MSR_IA32_SYSENTER_EIP	     0x00000176u
#define MSR_IA32_MCG_STATUS	     0x0000017au
#define MSR_IA32_MISC_ENABLE	     0x000001a0u
#define MSR_IA32_DEBUGCTL	     0x000001d9u
#define MSR_IA32_PAT		     0x00000277u
#define MSR_IA32_PERF_GLOBAL_CTRL    0x0000038fu
#define MSR_IA32_PEBS_ENABLE	     0x000003f1u
#define MSR_IA32_U_CET		     0x000006a0u
#define MSR_IA32_S_CET		     0x000006a2u
#define MSR_IA32_PL3_SSP	     0x000006a7u
#define MSR_IA32_RTIT_CTL	     0x00000570u
#define MSR_IA32_BNDCFGS	     0x00000d90u
#define MSR_IA32_LBR_CTL	     0x000014ceu
#define MSR_IA32_VMX_BASIC	     0x00000480u
#define MSR_IA32_VMX_PINBASED_CTLS   0x00000481u
#define MSR_IA32_VMX_PROCBASED_CTLS  0x00000482u
#define MSR_IA32_VMX_EXIT_CTLS	     0x00000483u
#define MSR_IA32_VMX_ENTRY_CTLS	     0x00000484u
#define MSR_IA32_VMX_MISC	     0x00000485u
#define MSR_IA32_VMX_CR0_FIXED0	     0x00000486u
#define MSR_IA32_VMX_CR0_FIXED1	     0x00000487u
#define MSR_IA32_VMX_CR4_FIXED0	     0x00000488u
#define MSR_IA32_VMX_CR4_FIXED1	     0x00000489u
#define MSR_IA32_VMX_PROCBASED_CTLS2 0x0000048bu
#define MSR_IA32_VMX_EPT_VPID_CAP    0x0000048cu
#define MSR_IA32_VMX_PROCBASED_CTLS3 0x00000492u
#define MSR_IA32_VMX_TRUE_PINBASED   0x0000048du
#define MSR_IA32_VMX_TRUE_PROCBASED  0x0000048eu
#define MSR_IA32_VMX_TRUE_EXIT	     0x0000048fu
#define MSR_IA32_VMX_TRUE_ENTRY	     0x00000490u
#define MSR_IA32_EFER		     0xc0000080u
#define MSR_IA32_FS_BASE	     0xc0000100u
#define MSR_IA32_GS_BASE	     0xc0000101u

/* SDM, "Extended Feature Enable Register" and "IA32_DEBUGCTL MSR". */
#define EFER_LME     0x100ull
#define EFER_LMA     0x400ull
#define EFER_NXE     0x800ull
#define DEBUGCTL_BTF 2ull

#define FEATURE_CONTROL_LOCKED	   0x1ull
#define FEATURE_CONTROL_VMX_IN_SMX 0x2ull
#define FEATURE_CONTROL_VMX	   0x4ull

#define MCG_STATUS_RIPV 0x1ull /* the interrupted program can go on */
#define MCG_STATUS_MCIP 0x4ull /* one is being handled */

#define APIC_BASE_X2APIC  0x400ull
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

/* CPUID bits that steer the VMM. */
#define CPUID_1_ECX_VMX		   0x00000020u
#define CPUID_1_ECX_PCID	   0x00020000u
#define CPUID_1_ECX_XSAVE	   0x04000000u
#define CPUID_1_ECX_OSXSAVE	   0x08000000u
#define CPUID_1_ECX_HYPERVISOR	   0x80000000u
#define CPUID_7_EBX_PT		   0x02000000u
#define CPUID_7_ECX_OSPKE	   0x00000010u
#define CPUID_7_1_EAX_LASS	   0x00000040u
#define CPUID_7_1_EAX_FRED	   0x00020000u
#define CPUID_7_1_EAX_LAM	   0x04000000u
#define CPUID_TOPOLOGY		   0x0bu
#define CPUID_KEY_LOCKER	   0x19u
#define CPUID_EXTENDED		   0x80000001u
#define CPUID_ADDRESS_WIDTHS	   0x80000008u
#define CPUID_EXTENDED_EDX_SYSCALL 0x00000800u
#define CPUID_EXTENDED_EDX_1G	   0x04000000u

/** x86_is_canonical() - are all bits above the lower @bits copies of the highest of them? */
static inline bool x86_is_canonical(uint64_t address, unsigned int bits)
{
	return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

/**
 * x86_is_on() - does a CR3 lead to these tables?
 * @isolated: those of user mode are a page behind, and count, too; else that page can be another process's
 */
static inline bool x86_is_on(uint64_t cr3, uint64_t tables, bool isolated)
{
	return (cr3 & CR3_TABLE & ~(isolated ? CR3_USER_HALF : 0)) == tables;
}

#endif
