/* SPDX-License-Identifier: MIT */
/*
 * What trials begin with: the VMCS of the running guest after some changes, such that all rules are kept.
 * Each opens rules that are silent otherwise: about events, activity states, modes of the guest, controls
 * that need others.
 */
#include <plinth/x86.h>

#include "internal.h"

#define EVENT(type, vector) (0x80000000u | (uint32_t)(type) << 8 | (vector))
#define ERROR_CODE	    (1u << 11)
#define ALL		    (~0ull)
#define SELECTOR_RPL	    7u
#define SECONDARIES_OF_APIC (SECONDARY_X2APIC | SECONDARY_APIC_REGISTERS)
#define EFER_LONG	    0x500ull /* LME, LMA */

/* Flat segments of privilege level 0. */
#define CODE_64	      0xa09bu
#define CODE_32	      0xc09bu
#define DATA	      0xc093u
#define DATA_16	      0x0093u
#define USER_DATA     0xc0f3u
#define CONFORMING_64 0xa09fu
#define LDT	      0x0082u

#define KERNEL                                                                                               \
	{VMCS_GUEST_CS_SELECTOR, SELECTOR_RPL, 0}, {VMCS_GUEST_CS_RIGHTS, ALL, CODE_64},                     \
		{VMCS_GUEST_SS_SELECTOR, SELECTOR_RPL, 0}, {VMCS_GUEST_SS_RIGHTS, ALL, DATA},                \
		{VMCS_GUEST_SS_BASE, ALL, 0},                                                                \
	{                                                                                                    \
		VMCS_GUEST_SS_LIMIT, ALL, 0xffffffff                                                         \
	}

static const struct state states[] = {
	{"user", {{0, 0, 0}}},
	{"kernel", {KERNEL}},
	{"nmi", {{VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(2, VECTOR_NMI)}}},
	{"fault", {{VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(3, VECTOR_UD)}}},
	{"gp", {{VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(3, VECTOR_GP) | ERROR_CODE}}},
	{"softint",
	 {{VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(4, 0x80)}, {VMCS_ENTRY_INSTRUCTION_LENGTH, ALL, 2}}},
	{"extint", {{VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(0, 0x60)}, {VMCS_GUEST_RFLAGS, 0, RFLAGS_IF}}},
	{"halted", {KERNEL, {VMCS_GUEST_ACTIVITY, ALL, 1}}},
	{"sti", {{VMCS_GUEST_RFLAGS, 0, RFLAGS_IF}, {VMCS_GUEST_INTERRUPTIBILITY, ALL, 1}}},
	{"mov-ss", {{VMCS_GUEST_INTERRUPTIBILITY, ALL, 2}}},
	{"stepping",
	 {{VMCS_GUEST_RFLAGS, 0, RFLAGS_TF},
	  {VMCS_GUEST_DEBUGCTL, 2, 0},
	  {VMCS_GUEST_INTERRUPTIBILITY, ALL, 2},
	  {VMCS_GUEST_PENDING_DEBUG, ALL, 1u << 14}}},
	{"32-bit",
	 {KERNEL,
	  {VMCS_GUEST_CS_RIGHTS, ALL, CODE_32},
	  {VMCS_GUEST_CS_LIMIT, ALL, 0xffffffff},
	  {VMCS_ENTRY_CONTROLS, ENTRY_GUEST_64, 0},
	  {VMCS_GUEST_EFER, EFER_LONG, 0},
	  {VMCS_GUEST_CR4, CR4_PCIDE | CR4_PAE, 0},
	  {VMCS_GUEST_RIP, ALL, 0x1000}}},
	{"vm86",
	 {{VMCS_ENTRY_CONTROLS, ENTRY_GUEST_64, 0},
	  {VMCS_GUEST_EFER, EFER_LONG, 0},
	  {VMCS_GUEST_CR4, CR4_PCIDE | CR4_PAE, 0},
	  {VMCS_GUEST_RIP, ALL, 0x1000},
	  {VMCS_GUEST_RFLAGS, ALL, RFLAGS_VM | RFLAGS_FIXED}}},
	{"real",
	 {{VMCS_SECONDARY_CONTROLS, 0, SECONDARY_UNRESTRICTED},
	  {VMCS_ENTRY_CONTROLS, ENTRY_GUEST_64, 0},
	  {VMCS_GUEST_EFER, EFER_LONG, 0},
	  {VMCS_GUEST_CR0, CR0_PE | CR0_PG, 0},
	  {VMCS_GUEST_CR4, CR4_PCIDE | CR4_PAE, 0},
	  {VMCS_GUEST_RIP, ALL, 0x1000},
	  {VMCS_GUEST_CS_SELECTOR, SELECTOR_RPL, 0},
	  {VMCS_GUEST_CS_RIGHTS, ALL, DATA_16},
	  {VMCS_GUEST_CS_LIMIT, ALL, 0xffff},
	  {VMCS_GUEST_SS_SELECTOR, SELECTOR_RPL, 0},
	  {VMCS_GUEST_SS_RIGHTS, ALL, DATA_16},
	  {VMCS_GUEST_SS_LIMIT, ALL, 0xffff},
	  {VMCS_GUEST_SS_BASE, ALL, 0}}},
	{"vnmi",
	 {{VMCS_PIN_CONTROLS, 0, PIN_NMI | PIN_VIRTUAL_NMI}, {VMCS_PRIMARY_CONTROLS, 0, PRIMARY_NMI_WINDOW}}},
	{"vnmi-nmi",
	 {{VMCS_PIN_CONTROLS, 0, PIN_NMI | PIN_VIRTUAL_NMI},
	  {VMCS_ENTRY_INTERRUPTION_INFO, ALL, EVENT(2, VECTOR_NMI)}}},
	{"conform", {KERNEL, {VMCS_GUEST_CS_RIGHTS, ALL, CONFORMING_64}}},
	{"segments",
	 {{VMCS_GUEST_LDTR_SELECTOR, ALL, 0x50},
	  {VMCS_GUEST_LDTR_RIGHTS, ALL, LDT},
	  {VMCS_GUEST_LDTR_LIMIT, ALL, 0xf},
	  {VMCS_GUEST_LDTR_BASE, ALL, 0},
	  {VMCS_GUEST_DS_SELECTOR, ALL, 0x2b},
	  {VMCS_GUEST_DS_RIGHTS, ALL, USER_DATA},
	  {VMCS_GUEST_DS_BASE, ALL, 0},
	  {VMCS_GUEST_DS_LIMIT, ALL, 0xffffffff},
	  {VMCS_GUEST_FS_SELECTOR, ALL, 0x2b},
	  {VMCS_GUEST_FS_RIGHTS, ALL, USER_DATA},
	  {VMCS_GUEST_FS_LIMIT, ALL, 0xffffffff}}},
	{"delivery",
	 {{VMCS_PRIMARY_CONTROLS, 0, PRIMARY_TPR_SHADOW},
	  {VMCS_SECONDARY_CONTROLS, 0, SECONDARY_VIRTUAL_DELIVERY},
	  {VMCS_TPR_THRESHOLD, ALL, 0}}},
	{"accesses",
	 {{VMCS_SECONDARY_CONTROLS, 0, SECONDARY_APIC_ACCESSES}, {VMCS_APIC_ACCESS_ADDRESS, ALL, 0}}},
	{"timer", {{VMCS_EXIT_CONTROLS, 0, EXIT_SAVE_TIMER}}},
	{"apic",
	 {{VMCS_PRIMARY_CONTROLS, 0, PRIMARY_TPR_SHADOW},
	  {VMCS_SECONDARY_CONTROLS, 0, SECONDARIES_OF_APIC},
	  {VMCS_TPR_THRESHOLD, ALL, 0}}},
	{"iobitmap",
	 {{VMCS_PRIMARY_CONTROLS, 0, PRIMARY_IO_BITMAPS},
	  {VMCS_IO_BITMAP_A, ALL, 0},
	  {VMCS_IO_BITMAP_B, ALL, 0}}},
	{"pml", {{VMCS_SECONDARY_CONTROLS, 0, SECONDARY_PML}, {VMCS_PML_ADDRESS, ALL, 0}}},
};

#define N_STATES (sizeof(states) / sizeof(states[0]))

const struct state *state_find(uint64_t i)
{
	return i < N_STATES ? &states[i] : NULL;
}
