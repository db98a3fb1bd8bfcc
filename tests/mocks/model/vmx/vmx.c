/* SPDX-License-Identifier: MIT */
/* Into and out of VMX operation, invalidations, and the launch (SDM, "VMX Instruction Reference"). */
#include "vmx.h"

#include <string.h>

#define TYPE_ALL		   2u
#define EPT_CAP_INVEPT		   (1ull << 20)
#define EPT_CAP_INVEPT_ALL	   (1ull << 26)
#define EPT_CAP_INVEPT_ONE	   (1ull << 25)
#define EPT_CAP_INVVPID		   (1ull << 32)
#define EPT_CAP_INVVPID_TYPE(type) (1ull << (40 + (type)))

static int vmx_fault(const char *what)
{
	/* Inside the VMM its fix-up makes a result of it; elsewhere the kernel gets the exception. */
	model_raise(VECTOR_GP, 0, RAISE_FIXUP, what);
	return CPU_VMX_FAULT;
}

/* SDM, "Restrictions on VMX Operation". */
bool vmx_cr_ok(uint32_t cr, uint64_t value)
{
	const struct vmx_caps *c = &model.kind->caps;

	if (cr)
		return !(~value & c->cr4_fixed0) && !(value & ~model.kind->cr4);
	return !(~value & c->cr0_fixed0) && !(value & ~c->cr0_fixed1);
}

static bool locked_on(const struct model_cpu *cpu)
{
	uint64_t want = FEATURE_CONTROL_LOCKED |
			(model.kind->in_smx ? FEATURE_CONTROL_VMX_IN_SMX : FEATURE_CONTROL_VMX);

	return (cpu->st.msr[MODEL_MSR_FEATURE_CONTROL] & want) == want;
}

int model_vmxon(uint64_t pa)
{
	struct model_cpu *cpu = model_here();
	const uint32_t *memory;

	model_tick();
	if (model.kind->no_vmx || !(cpu->st.cr4 & CR4_VMXE))
		return vmx_fault("VMXON with CR4.VMXE 0");
	if (cpu->virt_on)
		return vmx_fail(VMX_ERROR_VMXON);
	if (!locked_on(cpu))
		return vmx_fault("VMXON with IA32_FEATURE_CONTROL not locked and on");
	if (model.kind->refuses_vmxon)
		return vmx_fault("VMXON on a hypervisor that refuses it");
	if (!vmx_cr_ok(0, cpu->st.cr0) || !vmx_cr_ok(4, cpu->st.cr4))
		return vmx_fault("VMXON with CR0 or CR4 not as VMX fixes them");
	if (model_fault("VMXON"))
		return CPU_VMX_FAIL_INVALID;
	memory = pa & 0xfff || pa >> model.kind->physical_bits ? NULL : model.physical(pa);
	if (!memory || *memory != (uint32_t)(model.kind->caps.basic & 0x7fffffff)) {
		model_violation("VMXON region 0x%llx: not aligned, no memory or wrong revision",
				(unsigned long long)pa);
		return CPU_VMX_FAIL_INVALID;
	}
	cpu->virt_on = true;
	cpu->virt_region = pa;
	cpu->current = -1;
	return CPU_VMX_OK;
}

int model_vmxoff(void)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!model_in_root(cpu)) {
		model_raise(VECTOR_UD, 0, RAISE_PLAIN, "VMXOFF");
		return CPU_VMX_FAULT;
	}
	cpu->virt_on = false;
	cpu->virt_region = 0;
	cpu->current = -1;
	if (cpu->init_pending)
		model_init_arrives(cpu);
	return CPU_VMX_OK;
}

/* Both can fail for a type the CPU lacks only. */
static int invalidate(bool can, bool type_ok, bool fails, const char *what)
{
	model_tick();
	if (!model_in_root(model_here()) || !can) {
		model_raise(VECTOR_UD, 0, RAISE_PLAIN, what);
		return CPU_VMX_FAULT;
	}
	if (!type_ok)
		model_violation("%s of a type the CPU has not", what);
	if (!type_ok || fails)
		return vmx_fail(VMX_ERROR_INVALIDATE);
	model_here()->invalidations++;
	return CPU_VMX_OK;
}

int model_invept(uint64_t type, uint64_t eptp)
{
	uint64_t caps = model.kind->caps.ept_vpid;
	bool type_ok =
		(type == TYPE_ALL && caps & EPT_CAP_INVEPT_ALL) || (type == 1 && caps & EPT_CAP_INVEPT_ONE);

	(void)eptp;
	return invalidate(caps & EPT_CAP_INVEPT, type_ok, false, "INVEPT");
}

int model_invvpid(uint64_t type, uint16_t vpid, uint64_t va)
{
	uint64_t caps = model.kind->caps.ept_vpid;
	bool can = caps & EPT_CAP_INVVPID && model.kind->caps.secondary >> 32 & SECONDARY_VPID;
	bool type_ok = type < 4 && caps & EPT_CAP_INVVPID_TYPE(type) && (type == TYPE_ALL || vpid);

	(void)va;
	/* While a guest lives its types have been tried before. */
	return invalidate(can, type_ok, model_here()->current < 0 && model_fault("INVVPID"), "INVVPID");
}

uint64_t model_vm_exit_address(void)
{
	return (uint64_t)model_switch_back;
}

int model_vmlaunch(struct vcpu *vcpu)
{
	struct model_cpu *cpu = model_here();
	bool exits = false;
	int result;

	model_tick();
	if (!model_in_root(cpu)) {
		model_raise(VECTOR_UD, 0, RAISE_PLAIN, "VMLAUNCH");
		return CPU_VMX_FAULT;
	}
	if (model_fault("VMLAUNCH"))
		return vmx_fail(VMX_ERROR_CONTROLS);
	result = vmx_enter(cpu, &vcpu->regs, false, &exits);
	if (result)
		return result;
	model_switch_back(exits ? MODEL_EXIT : MODEL_GUEST);
}
