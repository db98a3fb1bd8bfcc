/* SPDX-License-Identifier: MIT */
/*
 * Every instruction that needs privilege or that tells the CPU's nature, and nothing
 * else: the seam at which tests put a model CPU. Prefix cpu_.
 *
 * Context of every function unless it says otherwise: CPL 0, any mode, any stack.
 * The instruction's own faults apply; only the *_safe functions survive them.
 */
#ifndef PLINTH_INTRINSICS_H
#define PLINTH_INTRINSICS_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/error.h>

struct vcpu;

/* What belongs to the logical CPU that asks; found through FS:0 in the VMM. */
struct cpu_local {
	struct cpu_local *self;
	uint32_t cpu;	   /* the operating system's number of this CPU */
	uint32_t in_fault; /* depth of exception handling */
	struct vcpu *vcpu; /* NULL on the boot stack */
};

/* Pseudo-descriptor of LGDT, SGDT, LIDT, SIDT (SDM, "System Table Registers"). */
struct cpu_table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* A gate of the IDT. */
struct cpu_gate {
	uint64_t low, high;
};

struct cpu_leaf {
	uint32_t eax, ebx, ecx, edx;
};

/* Selectors as they stand in the segment registers. */
struct cpu_selectors {
	uint16_t es, cs, ss, ds, fs, gs, ldtr, tr;
};

/*
 * General registers, but for RSP: a guest's, or of interrupted root mode. In the order in which stubs push
 * them, lowest address first.
 */
struct vcpu_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
};

/* How a VMX instruction ended (SDM, "Conventions" of the VMX instruction reference). */
enum cpu_vmx_result {
	CPU_VMX_OK = 0,
	CPU_VMX_FAIL_INVALID = 1, /* no current VMCS: CF */
	CPU_VMX_FAIL_VALID = 2,	  /* error number in the VM-instruction error field: ZF */
	CPU_VMX_FAULT = 3,	  /* the instruction raised an exception */
};

/* -- control and debug registers ------------------------------------------ */

/**
 * cpu_read_cr0() and its kin - one MOV from or to the register.
 * @value: the whole register; what the CPU does not allow is a #GP in the caller
 *
 * Context: CPL 0, of VMM code. Source: SDM, "MOV - Move to/from Control Registers".
 */
PLINTH_EXPORT uint64_t cpu_read_cr0(void);
PLINTH_EXPORT uint64_t cpu_read_cr2(void);
PLINTH_EXPORT uint64_t cpu_read_cr3(void);
PLINTH_EXPORT uint64_t cpu_read_cr4(void);
PLINTH_EXPORT uint64_t cpu_read_dr7(void);
PLINTH_EXPORT void cpu_write_cr0(uint64_t value);
PLINTH_EXPORT void cpu_write_cr2(uint64_t value);
PLINTH_EXPORT void cpu_write_cr3(uint64_t value);
PLINTH_EXPORT void cpu_write_cr4(uint64_t value);
PLINTH_EXPORT void cpu_write_dr7(uint64_t value);

/* -- identification, MSRs, extended states ------------------------------- */

/** cpu_cpuid() - CPUID of a leaf and subleaf, and its four words. Context: any. */
PLINTH_EXPORT void cpu_cpuid(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out);
/**
 * cpu_cpuid_guest() - CPUID with the guest's RAX and RCX, the result into its RAX to RDX.
 * Return: 0, which is EXIT_NEXT: a handler can end with this call.
 */
PLINTH_EXPORT int cpu_cpuid_guest(struct vcpu *vcpu);
PLINTH_EXPORT uint64_t cpu_rdtsc(void);
PLINTH_EXPORT uint64_t cpu_rdmsr(uint32_t msr);
PLINTH_EXPORT void cpu_wrmsr(uint32_t msr, uint64_t value);

/**
 * cpu_rdmsr_safe() - RDMSR that survives a #GP.
 * @msr:   index
 * @value: result; untouched on failure
 *
 * Context: root mode with the VMM's IDT (elsewhere a #GP is the kernel's).
 * Return:  0 or PLINTH_E_FAULT.
 */
PLINTH_EXPORT PLINTH_MUST_USE int cpu_rdmsr_safe(uint32_t msr, uint64_t *value);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_wrmsr_safe(uint32_t msr, uint64_t value);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_xsetbv_safe(uint32_t index, uint64_t value);

/**
 * cpu_hypercall_guest() - VMCALL with the guest's general registers, and the hypervisor's answer into them.
 *
 * Context: root mode with the VMM's IDT, where a hypervisor is beneath: it takes the call for that of a
 *          kernel. RSP is the VMM's.
 * Return:  0, or PLINTH_E_FAULT if it raised an exception: then registers are as before.
 */
PLINTH_EXPORT PLINTH_MUST_USE int cpu_hypercall_guest(struct vcpu *vcpu);

/* -- segments and descriptor tables --------------------------------------- */

/**
 * cpu_store_gdt() and its kin - SGDT, SIDT, LGDT, LIDT, and the selectors in use.
 * @table: base and limit; must stay mapped as long as it is loaded
 *
 * Context: CPL 0, interrupts off for the loads.
 */
PLINTH_EXPORT void cpu_store_gdt(struct cpu_table *out);
PLINTH_EXPORT void cpu_store_idt(struct cpu_table *out);
PLINTH_EXPORT void cpu_load_gdt(const struct cpu_table *table);
PLINTH_EXPORT void cpu_load_idt(const struct cpu_table *table);
PLINTH_EXPORT void cpu_store_selectors(struct cpu_selectors *out);

/** cpu_load_code() - load CS (by far return) and SS, of CPL 0. */
PLINTH_EXPORT void cpu_load_code(uint16_t cs, uint16_t ss);

enum cpu_data_segment { CPU_ES, CPU_DS, CPU_FS, CPU_GS };

/**
 * cpu_load_data() - load one of the other segment registers.
 * @selector: of the GDT or, if its bit 2 is set, of the LDT in use; below 4: none
 *
 * The base of FS and GS is whatever the descriptor says afterwards; loading FS ends cpu_local().
 */
PLINTH_EXPORT void cpu_load_data(enum cpu_data_segment which, uint16_t selector);
/** cpu_load_ldt() - LLDT: reads the GDT alone, nothing of the LDT itself. */
PLINTH_EXPORT void cpu_load_ldt(uint16_t selector);
PLINTH_EXPORT void cpu_load_tr(uint16_t selector);

/* -- caches, translation, ports ------------------------------------------- */

PLINTH_EXPORT void cpu_wbinvd(void);
PLINTH_EXPORT void cpu_invlpg(uint64_t va);
PLINTH_EXPORT void cpu_halt(void);
PLINTH_EXPORT void cpu_pause(void);
PLINTH_EXPORT uint8_t cpu_in8(uint16_t port);
PLINTH_EXPORT void cpu_out8(uint16_t port, uint8_t value);
/* Flush every translation of this CPU, global ones included, by toggling CR4.PGE. */
PLINTH_EXPORT void cpu_flush_tlb(void);

/* -- this CPU's local APIC (SDM, "Advanced Programmable Interrupt Controller (APIC)") -------- */

#define CPU_XAPIC_BYTES 4096u /* of its registers */

/**
 * cpu_init_self() - send INIT to the CPU this runs on.
 * @xapic: its local APIC's registers, mapped; NULL: it is in x2APIC mode
 *
 * Context: outside VMX operation, which holds an INIT back; interrupts off. What the INIT does not reset is
 *          as whoever runs after it shall find it.
 * Return:  only where the APIC does not deliver it.
 */
PLINTH_EXPORT void cpu_init_self(volatile uint32_t *xapic);

/**
 * cpu_send_nmi() - send an NMI to another CPU.
 * @xapic:   as of cpu_init_self()
 * @apic_id: of the other one's local APIC; 8 bits where this one is not in x2APIC mode
 *
 * Nobody is told whether it arrives. What the guest has written into the registers is there afterwards.
 *
 * Context: interrupts off; waits until it is on its way, for a bounded time.
 */
PLINTH_EXPORT void cpu_send_nmi(volatile uint32_t *xapic, uint32_t apic_id);

/* -- the CPU's local block -------------------------------------------------- */

/**
 * cpu_set_local() - make @local the block cpu_local() finds; returns FS base as it was.
 * cpu_restore_local() - put a value that cpu_set_local() returned back.
 */
PLINTH_EXPORT uint64_t cpu_set_local(struct cpu_local *local);
PLINTH_EXPORT void cpu_restore_local(uint64_t fs_base);
/** cpu_local() - this CPU's block; undefined before cpu_set_local() or a VM exit. */
PLINTH_EXPORT struct cpu_local *cpu_local(void);

/* -- VMX (SDM, "VMX Instruction Reference") --------------------------------- */

PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmxon(uint64_t region_pa);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmxoff(void);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmclear(uint64_t vmcs_pa);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmptrld(uint64_t vmcs_pa);
/** cpu_vmread() - a field of the current VMCS; 0 if the field does not exist. */
PLINTH_EXPORT uint64_t cpu_vmread(uint32_t field);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmwrite(uint32_t field, uint64_t value);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_invept(uint64_t type, uint64_t eptp);
PLINTH_EXPORT PLINTH_MUST_USE int cpu_invvpid(uint64_t type, uint16_t vpid, uint64_t va);

/**
 * cpu_vmlaunch() - enter the guest of the current VMCS for the first time.
 * @vcpu: its general registers are loaded first
 *
 * Context: VMX root operation, HOST_RIP = cpu_vm_exit_address(), HOST_RSP =
 *          &vcpu->on_exit (the registers lie just below it).
 * Return:  only when the entry failed early: an enum cpu_vmx_result, not 0.
 */
PLINTH_EXPORT PLINTH_MUST_USE int cpu_vmlaunch(struct vcpu *vcpu);

/**
 * cpu_vm_exit_address() - what belongs into HOST_RIP.
 *
 * The code there saves the general registers and the exit facts into struct vcpu and
 * calls vcpu->on_exit(vcpu). If the answer is EXIT_NEXT, nothing blocks interrupts, the guest
 * does not single-step, RFLAGS.RF is 0 and RIP is not about to wrap, it moves RIP over the
 * instruction; otherwise it calls vcpu->on_action(vcpu, answer). Then it resumes the guest.
 * When that fails it calls vcpu->on_refusal(vcpu, result), which does not return.
 */
PLINTH_EXPORT uint64_t cpu_vm_exit_address(void);

/* -- exceptions in root mode ------------------------------------------------- */

/* What the CPU and the stubs leave on the IST stack. */
struct cpu_fault {
	struct vcpu_regs regs;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

#define CPU_FAULT_VECTORS 32

typedef void cpu_fault_fn(struct cpu_fault *fault);

/**
 * cpu_fault_stub() - the address of the entry code for a vector below 32.
 *
 * The stub builds a struct cpu_fault and calls the handler. When the handler returns,
 * the interrupted code goes on at fault->rip.
 */
PLINTH_EXPORT uint64_t cpu_fault_stub(unsigned int vector);
/** cpu_set_fault_handler() - whom the stubs call; set once before any is reachable. */
PLINTH_EXPORT void cpu_set_fault_handler(cpu_fault_fn *handler);
/**
 * cpu_fixup() - is there a landing for a fault at @rip (the *_safe functions)?
 * Return: the address to go on at, or 0.
 */
PLINTH_EXPORT uint64_t cpu_fixup(uint64_t rip);

/* -- giving the CPU back ------------------------------------------------------ */

/* The state with which a CPU leaves the VMM; all of it the guest's. */
struct cpu_handback {
	struct vcpu_regs regs;
	uint64_t rsp;		/* points at the frame the landing pops */
	uint64_t land;		/* struct plinth_boot.land */
	uint64_t nmis;		/* NMIs still owed: delivered through the kernel's IDT by INT 2 */
	uint64_t machine_check; /* one is owed, if not 0: by INT 18, before them */
};

/**
 * cpu_hand_back() - load the guest's registers and jump to the landing.
 *
 * Context: launch tables, VMX off, the guest's descriptor tables and segments loaded.
 *          RDI is loaded with @cr3; the guest's own RDI is in the landing's frame.
 */
PLINTH_EXPORT void cpu_hand_back(const struct cpu_handback *state, uint64_t cr3) __attribute__((noreturn));

#endif
