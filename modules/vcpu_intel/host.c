/* SPDX-License-Identifier: MIT */
/* Root mode's own GDT, TSS and IDT, and what happens when an exception arrives there. */
#include <string.h>

#include "internal.h"

#include <plinth/memory.h>

/* Descriptors (SDM, "Segment Descriptors"): present, DPL 0, accessed. */
#define GDT_CODE_64 0x00209b0000000000ull
#define GDT_DATA    0x0000930000000000ull
#define GDT_TSS_64  0x0000890000000000ull
#define GDT_LDT	    0x0000820000000000ull
#define LDT_LIMIT   0xffffull /* whatever index a selector has */

#define GATE_INTERRUPT 0x8e00ull
#define IST_NMI	       1u
#define IST_FAULT      2u
#define IST_MC	       3u /* it may arrive on any of the others, and goes back there */
#define GATE_IST       (7ull << 32)

static void system_descriptor(uint64_t *slot, uint64_t kind, uint64_t base, uint64_t limit)
{
	slot[0] = kind | limit | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
	slot[1] = base >> 32;
}

static struct host_gate gate(uint64_t stub, uint64_t cs, uint64_t ist)
{
	return (struct host_gate){
		.low = (stub & 0xffff) | cs << 16 | ist << 32 | GATE_INTERRUPT << 32 |
		       (stub >> 16 & 0xffff) << 48,
		.high = stub >> 32,
	};
}

static uint64_t ist_of(unsigned int vector)
{
	return vector == VECTOR_NMI ? IST_NMI : vector == VECTOR_MC ? IST_MC : IST_FAULT;
}

void host_tables_init(struct host_tables *tables, uint64_t nmi_stack, uint64_t fault_stack, uint64_t mc_stack)
{
	memset(tables, 0, sizeof(*tables));
	tables->gdt[HOST_CS / 8] = GDT_CODE_64;
	tables->gdt[HOST_DS / 8] = GDT_DATA;
	tables->tss.io_base = sizeof(tables->tss);
	tables->tss.ist[IST_NMI - 1] = nmi_stack;
	tables->tss.ist[IST_FAULT - 1] = fault_stack;
	tables->tss.ist[IST_MC - 1] = mc_stack;
	system_descriptor(&tables->gdt[HOST_TR / 8], GDT_TSS_64, (uint64_t)&tables->tss, sizeof(tables->tss) - 1);
	for (unsigned int vector = 0; vector < CPU_FAULT_VECTORS; vector++)
		tables->idt[vector] = gate(cpu_fault_stub(vector), HOST_CS, ist_of(vector));
}

void host_show_ldt(struct host_tables *tables, uint16_t selector, uint64_t descriptor)
{
	uint64_t base = (uint64_t)&tables->ldt_entry - (selector & ~7u);

	tables->ldt_entry = descriptor;
	system_descriptor(&tables->gdt[HOST_LDT / 8], GDT_LDT, base, LDT_LIMIT);
	cpu_load_ldt(HOST_LDT);
}

void host_gates_stay(struct host_tables *tables)
{
	for (unsigned int vector = 0; vector < CPU_FAULT_VECTORS; vector++)
		__atomic_store_n(&tables->idt[vector].low, tables->idt[vector].low & ~GATE_IST, __ATOMIC_RELAXED);
}

/*
 * For one instruction the kernel's gates, but for two of them, which lead to our stubs on the stack in use: whatever else
 * arrives meanwhile (an NMI, a machine check) finds its own handler; interrupts are off.
 */
int host_vmxon(struct vcpu *vcpu)
{
	struct host_gate *gates = vcpu->priv->host->borrowed;
	const struct cpu_table borrowed = { .limit = sizeof(vcpu->priv->host->borrowed) - 1, .base = (uint64_t)gates };
	struct cpu_selectors selectors;
	struct cpu_table kernels;
	int result;

	cpu_store_idt(&kernels);
	cpu_store_selectors(&selectors);
	memcpy(gates, (const void *)kernels.base, sizeof(vcpu->priv->host->borrowed));
	gates[VECTOR_UD] = gate(cpu_fault_stub(VECTOR_UD), selectors.cs, 0);
	gates[VECTOR_GP] = gate(cpu_fault_stub(VECTOR_GP), selectors.cs, 0);
	cpu_load_idt(&borrowed);
	result = cpu_vmxon(vcpu->priv->vmxon_pa);
	cpu_load_idt(&kernels);
	return result;
}

/*
 * What the guest may turn on later and then wants done, where the CPU has it: OSXSAVE, for its XSETBV; MCE, for without it a
 * machine check that arrives in root mode shuts the CPU down. What the guest itself wants of it decides event_machine_check().
 */
static uint64_t cr4_anyway(void)
{
	return (CR4_OSXSAVE | CR4_MCE) & cpu_rdmsr(MSR_IA32_VMX_CR4_FIXED1);
}

void host_state_write(struct vcpu *vcpu)
{
	struct host_tables *tables = vcpu->priv->host;
	/* PCIDE off: HOST_CR3 has no PCID. CET off: the VMM has no shadow stacks. */
	uint64_t cr4 = (cpu_read_cr4() | CR4_VMXE | cr4_anyway()) & ~(CR4_PCIDE | CR4_CET | CR4_PKS);

	vmcs_write(VMCS_HOST_CR0, cpu_read_cr0());
	vmcs_write(VMCS_HOST_CR3, mem_root_tables());
	vmcs_write(VMCS_HOST_CR4, cr4);
	vmcs_write(VMCS_HOST_ES_SELECTOR, 0);
	vmcs_write(VMCS_HOST_CS_SELECTOR, HOST_CS);
	vmcs_write(VMCS_HOST_SS_SELECTOR, HOST_DS);
	vmcs_write(VMCS_HOST_DS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, HOST_TR);
	vmcs_write(VMCS_HOST_FS_BASE, (uint64_t)&vcpu->local);
	vmcs_write(VMCS_HOST_GS_BASE, 0);
	vmcs_write(VMCS_HOST_TR_BASE, (uint64_t)&tables->tss);
	vmcs_write(VMCS_HOST_GDTR_BASE, (uint64_t)tables->gdt);
	vmcs_write(VMCS_HOST_IDTR_BASE, (uint64_t)tables->idt);
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_RSP, (uint64_t)&vcpu->on_exit);
	vmcs_write(VMCS_HOST_RIP, cpu_vm_exit_address());
	if (vcpu->priv->controls.exit & EXIT_LOAD_PERF)
		vmcs_write(VMCS_HOST_PERF_GLOBAL_CTRL, 0);
	if (vcpu->priv->controls.exit & EXIT_LOAD_PAT)
		vmcs_write(VMCS_HOST_PAT, cpu_rdmsr(MSR_IA32_PAT));
	if (vcpu->priv->controls.exit & EXIT_LOAD_EFER)
		vmcs_write(VMCS_HOST_EFER, cpu_rdmsr(MSR_IA32_EFER));
}

/* Where the hardware says that what it interrupted cannot go on, root mode cannot. */
static bool can_go_on(void)
{
	uint64_t status;

	return cpu_rdmsr_safe(MSR_IA32_MCG_STATUS, &status) || status & MCG_STATUS_RIPV;
}

static void machine_check(struct vcpu *vcpu, const struct cpu_fault *fault)
{
	const struct crash crash = { .what = "machine check in root mode, which cannot go on", .fault = fault, .brief = true };

	event_machine_check(vcpu);
	if (!can_go_on())
		vcpu_crash(vcpu, &crash);
}

void host_fault(struct cpu_fault *fault)
{
	const struct crash crash = { .what = "exception in root mode", .fault = fault };
	struct vcpu *vcpu = cpu_local()->vcpu;
	uint64_t landing;

	if (fault->vector == VECTOR_NMI) {
		event_nmi(vcpu);
		watchdog_nmi(vcpu, fault);
		return;
	}
	if (fault->vector == VECTOR_MC) {
		machine_check(vcpu, fault);
		return;
	}
	landing = cpu_fixup(fault->rip);
	if (landing) {
		fault->rip = landing;
		return;
	}
	vcpu_crash(vcpu, &crash);
}
