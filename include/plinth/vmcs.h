/* SPDX-License-Identifier: MIT */
/*
 * Intel's VMCS for those who look at one: its fields by name (the list is vmcs_fields.def) and the bits
 * of those that more than one module looks at.
 */
#ifndef PLINTH_VMCS_H
#define PLINTH_VMCS_H

enum vmcs_field {
#define VMCS_FIELD(name, encoding, width) VMCS_##name = (encoding),
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD
};

/* SDM, "VM-Execution Control Fields". */
#define PIN_EXTERNAL_INTERRUPT (1u << 0)
#define PIN_NMI		       (1u << 3)
#define PIN_VIRTUAL_NMI	       (1u << 5)
#define PIN_PREEMPTION_TIMER   (1u << 6)
#define PIN_POSTED_INTERRUPTS  (1u << 7)

#define PRIMARY_INTERRUPTS  (1u << 2) /* interrupt-window exiting */
#define PRIMARY_HLT	    (1u << 7)
#define PRIMARY_CR3_LOAD    (1u << 15)
#define PRIMARY_CR3_STORE   (1u << 16)
#define PRIMARY_TERTIARY    (1u << 17)
#define PRIMARY_TPR_SHADOW  (1u << 21)
#define PRIMARY_NMI_WINDOW  (1u << 22)
#define PRIMARY_IO_BITMAPS  (1u << 25)
#define PRIMARY_TRAP_FLAG   (1u << 27)
#define PRIMARY_MSR_BITMAPS (1u << 28)
#define PRIMARY_SECONDARY   (1u << 31)

#define SECONDARY_APIC_ACCESSES	   (1u << 0)
#define SECONDARY_EPT		   (1u << 1)
#define SECONDARY_RDTSCP	   (1u << 3)
#define SECONDARY_X2APIC	   (1u << 4)
#define SECONDARY_VPID		   (1u << 5)
#define SECONDARY_UNRESTRICTED	   (1u << 7)
#define SECONDARY_APIC_REGISTERS   (1u << 8)
#define SECONDARY_VIRTUAL_DELIVERY (1u << 9)
#define SECONDARY_INVPCID	   (1u << 12)
#define SECONDARY_PML		   (1u << 17)
#define SECONDARY_XSAVES	   (1u << 20)
#define SECONDARY_MODE_EXEC	   (1u << 22)
#define SECONDARY_PT_GUEST_PHYS	   (1u << 24)
#define SECONDARY_TSC_SCALING	   (1u << 25)
#define SECONDARY_USER_WAIT	   (1u << 26)
#define SECONDARY_PCONFIG	   (1u << 27)

#define TERTIARY_MSR_LIST (1ull << 6)

/* SDM, "VM-Exit Control Fields". */
#define EXIT_SAVE_DEBUG (1u << 2)
#define EXIT_HOST_64	(1u << 9)
#define EXIT_LOAD_PERF	(1u << 12)
#define EXIT_ACK_INTR	(1u << 15)
#define EXIT_SAVE_PAT	(1u << 18)
#define EXIT_LOAD_PAT	(1u << 19)
#define EXIT_SAVE_EFER	(1u << 20)
#define EXIT_LOAD_EFER	(1u << 21)
#define EXIT_SAVE_TIMER (1u << 22)
#define EXIT_CLEAR_BND	(1u << 23)
#define EXIT_CLEAR_RTIT (1u << 25)
#define EXIT_CLEAR_LBR	(1u << 26)
#define EXIT_SAVE_PERF	(1u << 30)

/* SDM, "VM-Entry Control Fields". */
#define ENTRY_LOAD_DEBUG (1u << 2)
#define ENTRY_GUEST_64	 (1u << 9)
#define ENTRY_TO_SMM	 (1u << 10)
#define ENTRY_NO_DUAL	 (1u << 11)
#define ENTRY_LOAD_PERF	 (1u << 13)
#define ENTRY_LOAD_PAT	 (1u << 14)
#define ENTRY_LOAD_EFER	 (1u << 15)
#define ENTRY_LOAD_BND	 (1u << 16)
#define ENTRY_LOAD_RTIT	 (1u << 18)
#define ENTRY_LOAD_CET	 (1u << 20)
#define ENTRY_LOAD_LBR	 (1u << 21)

/*
 * SDM, "Format of the VM-Entry Interruption-Information Field"; what an exit tells of an event has them, too.
 */
#define INFO_TYPE(info) ((uint32_t)(info) >> 8 & 7)
#define INFO_ERROR	0x800u /* with an error code */
#define INFO_VALID	(1u << 31)

/* SDM, "Format of Access Rights". */
#define RIGHTS_S	   0x10u
#define RIGHTS_DPL(rights) ((rights) >> 5 & 3)
#define RIGHTS_P	   0x80u
#define RIGHTS_L	   0x2000u
#define RIGHTS_DB	   0x4000u
#define RIGHTS_G	   0x8000u
#define RIGHTS_UNUSABLE	   0x10000u

/* SDM, "Format of Pending-Debug-Exceptions". */
#define PENDING_BS  (1ull << 14)
#define PENDING_RTM (1ull << 16)

/* SDM, "VPID and EPT Capabilities". */
#define EPT_CAP_EXECUTE_ONLY (1ull << 0)
#define EPT_CAP_WALK_4	     (1ull << 6)
#define EPT_CAP_WALK_5	     (1ull << 7)
#define EPT_CAP_UC	     (1ull << 8)
#define EPT_CAP_WB	     (1ull << 14)
#define EPT_CAP_2M	     (1ull << 16)
#define EPT_CAP_1G	     (1ull << 17)
#define EPT_CAP_INVEPT	     (1ull << 20)
#define EPT_CAP_DIRTY	     (1ull << 21) /* accessed and dirty flags */
#define EPT_CAP_INVEPT_ALL   (1ull << 26)

#endif
