/* SPDX-License-Identifier: MIT */
/* Into VMX operation and out of it; a VMCS becomes current, and its guest is launched. */
#include <string.h>

#include <plinth/memory.h>

#include "gate.h"
#include "internal.h"
#include "step.h"

#define REVISION(basic) ((uint32_t)(basic)&0x7fffffffu)

static int features_up(void *ctx)
{
	return caps_check(&((struct cpu *)ctx)->host->vendor->controls);
}

/* Where the firmware left the lock open we close it, as VMXON demands; it stays closed until reset. */
static int feature_control_up(void *ctx)
{
	uint64_t value = cpu_rdmsr(MSR_IA32_FEATURE_CONTROL);

	(void)ctx;
	if (!(value & FEATURE_CONTROL_LOCKED))
		cpu_wrmsr(MSR_IA32_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCKED | caps_ways_into_vmx());
	return 0;
}

static void revision_write(void *region)
{
	uint32_t revision = REVISION(cpu_rdmsr(MSR_IA32_VMX_BASIC));

	memcpy(region, &revision, sizeof(revision));
}

static void vmcs_init(void *vmcs)
{
	memset(vmcs, 0, MEM_PAGE);
	revision_write(vmcs);
}

static int regions_up(void *ctx)
{
	struct cpu *cpu = ctx;

	revision_write(cpu->vendor->vmxon);
	vmcs_init(cpu->host->vendor->vmcs);
	return 0;
}

static int vmxe_up(void *ctx)
{
	(void)ctx;
	cpu_write_cr4(cpu_read_cr4() | CR4_VMXE);
	return 0;
}

static void vmxe_down(void *ctx)
{
	(void)ctx;
	cpu_write_cr4(cpu_read_cr4() & ~CR4_VMXE);
}

static int vmx_error(const char *what, int result)
{
	if (!result)
		return 0;
	LOG_ERR("%s failed (%d)", what, result);
	return PLINTH_E_VIRT;
}

/*
 * For one instruction the kernel's gates, but for two of them, which lead to our stubs on the stack in use:
 * whatever else arrives meanwhile (an NMI, a machine check) finds its own handler; interrupts are off.
 */
static int vmxon_guarded(const struct vendor_cpu *own)
{
	struct cpu_gate gates[CPU_FAULT_VECTORS];
	const struct cpu_table borrowed = {.limit = sizeof(gates) - 1, .base = (uint64_t)gates};
	struct cpu_selectors selectors;
	struct cpu_table kernels;
	int result;

	cpu_store_idt(&kernels);
	cpu_store_selectors(&selectors);
	memcpy(gates, (const void *)kernels.base, sizeof(gates));
	gates[VECTOR_UD] = gate_to(cpu_fault_stub(VECTOR_UD), selectors.cs, 0);
	gates[VECTOR_GP] = gate_to(cpu_fault_stub(VECTOR_GP), selectors.cs, 0);
	cpu_load_idt(&borrowed);
	result = cpu_vmxon(own->vmxon_pa);
	cpu_load_idt(&kernels);
	return result;
}

static int vmxon_up(void *ctx)
{
	const int result = vmxon_guarded(((struct cpu *)ctx)->vendor);

	if (result != CPU_VMX_FAULT)
		return vmx_error("VMXON", result);
	LOG_ERR("VMXON raised an exception, IA32_FEATURE_CONTROL is 0x%llx",
		(unsigned long long)cpu_rdmsr(MSR_IA32_FEATURE_CONTROL));
	LOG_ERR("it wants bit 1 there after a measured launch (tboot), else bit 2; or the hypervisor below "
		"refuses it");
	return PLINTH_E_LOCKED;
}

static void vmxon_down(void *ctx)
{
	(void)ctx;
	(void)vmx_error("VMXOFF", cpu_vmxoff());
}

/* clang-format off */
static const struct step root_steps[] = {
	{"features", features_up, NULL},
	{"feature control", feature_control_up, NULL},
	{"regions", regions_up, NULL},
	{"CR4.VMXE", vmxe_up, vmxe_down},
	{"VMXON", vmxon_up, vmxon_down},
};
/* clang-format on */

#define N_ROOT_STEPS (sizeof(root_steps) / sizeof(root_steps[0]))

int vendor_root_on(struct cpu *cpu)
{
	const struct step *failed;
	int err;

	err = steps_up(root_steps, N_ROOT_STEPS, cpu, &failed);
	if (err)
		LOG_ERR("no VMX operation, because of step \"%s\"", failed->name);
	return err;
}

void vendor_root_off(struct cpu *cpu)
{
	steps_down(root_steps, N_ROOT_STEPS, cpu);
}

int vendor_flush(struct vcpu *vcpu)
{
	int err = vendor_common.slat ? vendor_common.slat->start() : 0;

	if (!err && vcpu->vendor->controls.has_vpid)
		err = vmx_error("INVVPID", cpu_invvpid(INVVPID_ALL, 0, 0));
	return err;
}

static int vmcs_load(uint64_t pa)
{
	int err = vmx_error("VMCLEAR", cpu_vmclear(pa));

	return err ? err : vmx_error("VMPTRLD", cpu_vmptrld(pa));
}

/* Another guest's vCPU: what this CPU offers is what its host's was found to have. */
static void adopt(struct vcpu *vcpu)
{
	vcpu->vendor->controls = vcpu->cpu->host->vendor->controls;
	vmcs_init(vcpu->vendor->vmcs);
}

int vendor_load(struct vcpu *vcpu, const struct vcpu_system *system, const struct vendor_root *root)
{
	int err;

	cpu_local()->vcpu->vendor->write_failure = (struct vmcs_failure){0};
	if (system && vcpu != vcpu->cpu->host)
		adopt(vcpu);
	err = vmcs_load(vcpu->vendor->vmcs_pa);
	if (err)
		return err;
	err = system ? vmcs_setup(vcpu, system, root) : vmcs_move(vcpu, root);
	if (err)
		vendor_unload(vcpu);
	return err;
}

int vendor_switch(struct vcpu *vcpu)
{
	return vmx_error("VMPTRLD", cpu_vmptrld(vcpu->vendor->vmcs_pa));
}

/* Nothing can be done about a failure; what follows on the way out does not depend on it. */
void vendor_unload(struct vcpu *vcpu)
{
	(void)vmx_error("VMCLEAR", cpu_vmclear(vcpu->vendor->vmcs_pa));
}

int vendor_enter(struct vcpu *vcpu)
{
	return vmx_error("VMLAUNCH", cpu_vmlaunch(vcpu));
}
