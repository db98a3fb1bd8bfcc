/* SPDX-License-Identifier: MIT */
/*
 * VMCS regions: their contents are in memory while they are inactive and in the CPU
 * while they are active (SDM, "Software Use of Virtual-Machine Control Structures").
 */
#include "vmx.h"

#include <stddef.h>
#include <string.h>

#define REGIONS (MODEL_CPUS + 12)
#define DATA	64 /* of the region: where the model keeps the fields */

static const uint32_t encodings[] = {
#define VMCS_FIELD(name, encoding, width) encoding,
#include <plinth/vmcs_fields.def>
#undef VMCS_FIELD
};

#define FIELDS (sizeof(encodings) / sizeof(encodings[0]))

struct vmcs {
	uint64_t pa; /* 0: this slot is free */
	bool active, launched;
	bool cleared; /* by VMCLEAR, which its memory needs before its first use */
	uint32_t cpu;
	uint64_t value[FIELDS];
};

static struct vmcs vmcss[REGIONS];
static unsigned int n_vmcss;	     /* the rest was never used */
static int16_t index_of[0x8000 / 2]; /* by encoding / 2, 1 + place; 0: no such field */

void vmcs_reset_all(void)
{
	memset(vmcss, 0, n_vmcss * sizeof(vmcss[0]));
	n_vmcss = 0;
	for (unsigned int i = 0; i < FIELDS; i++)
		index_of[encodings[i] / 2] = (int16_t)(i + 1);
}

/* Fields that exist only where a control can be set. */
static bool exists(uint32_t field)
{
	const struct vmx_caps *c = &model.kind->caps;
	uint32_t pin = (uint32_t)(c->pin >> 32), primary = (uint32_t)(c->primary >> 32);
	uint32_t secondary = primary & PRIMARY_SECONDARY ? (uint32_t)(c->secondary >> 32) : 0;
	uint32_t exit = (uint32_t)(c->exit >> 32), entry = (uint32_t)(c->entry >> 32);

	switch (field) {
	case VMCS_GUEST_SMBASE: return false; /* real ones have it, KVM's has not: nobody may need it */
	case VMCS_VPID: return secondary & SECONDARY_VPID;
	case VMCS_SECONDARY_CONTROLS: return primary & PRIMARY_SECONDARY;
	case VMCS_MSR_BITMAP: return primary & PRIMARY_MSR_BITMAPS;
	case VMCS_EPT_POINTER: return secondary & SECONDARY_EPT;
	case VMCS_XSS_EXIT_BITMAP: return secondary & SECONDARY_XSAVES;
	case VMCS_PCONFIG_EXIT_BITMAP: return secondary & SECONDARY_PCONFIG;
	case VMCS_TSC_MULTIPLIER: return secondary & SECONDARY_TSC_SCALING;
	case VMCS_TERTIARY_CONTROLS: return primary & PRIMARY_TERTIARY;
	case VMCS_GUEST_PERF_GLOBAL_CTRL: return (entry & ENTRY_LOAD_PERF) || (exit & EXIT_SAVE_PERF);
	case VMCS_GUEST_BNDCFGS: return (entry & ENTRY_LOAD_BND) || (exit & EXIT_CLEAR_BND);
	case VMCS_GUEST_RTIT_CTL: return (entry & ENTRY_LOAD_RTIT) || (exit & EXIT_CLEAR_RTIT);
	case VMCS_GUEST_SSP: return entry & ENTRY_LOAD_CET;
	case VMCS_GUEST_LBR_CTL: return (entry & ENTRY_LOAD_LBR) || (exit & EXIT_CLEAR_LBR);
	case VMCS_HOST_PERF_GLOBAL_CTRL: return exit & EXIT_LOAD_PERF;
	case VMCS_GUEST_PREEMPTION_TIMER: return pin & PIN_PREEMPTION_TIMER;
	case VMCS_GUEST_PAT: return (entry & ENTRY_LOAD_PAT) || (exit & EXIT_SAVE_PAT);
	case VMCS_GUEST_EFER: return (entry & ENTRY_LOAD_EFER) || (exit & EXIT_SAVE_EFER);
	case VMCS_HOST_PAT: return exit & EXIT_LOAD_PAT;
	case VMCS_HOST_EFER: return exit & EXIT_LOAD_EFER;
	default: return true;
	}
}

static uint64_t *value_of(struct vmcs *v, uint32_t field)
{
	int place = field < 0x8000 && !(field & 1) ? index_of[field / 2] - 1 : -1;

	return place >= 0 ? &v->value[place] : NULL;
}

static uint64_t width_mask(uint32_t field)
{
	static const uint64_t masks[] = {0xffff, ~0ull, 0xffffffff, ~0ull};

	return masks[field >> 13 & 3];
}

static bool read_only(uint32_t field)
{
	return (field >> 10 & 3) == 1;
}

static struct vmcs *current(const struct model_cpu *cpu)
{
	return cpu->current < 0 ? NULL : &vmcss[cpu->current];
}

uint64_t vmcs_get(const struct model_cpu *cpu, uint32_t field)
{
	uint64_t *value = current(cpu) ? value_of(current(cpu), field) : NULL;

	return value ? *value : 0;
}

void vmcs_put(const struct model_cpu *cpu, uint32_t field, uint64_t value)
{
	uint64_t *slot = current(cpu) ? value_of(current(cpu), field) : NULL;

	if (slot)
		*slot = value & width_mask(field);
}

uint64_t model_field(uint32_t cpu, uint32_t field)
{
	return vmcs_get(&model.cpu[cpu], field);
}

void model_set_field(uint32_t cpu, uint32_t field, uint64_t value)
{
	vmcs_put(&model.cpu[cpu], field, value);
}

bool vmcs_launched(const struct model_cpu *cpu)
{
	return current(cpu)->launched;
}

void vmcs_set_launched(const struct model_cpu *cpu)
{
	current(cpu)->launched = true;
}

unsigned int vmcs_active(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < n_vmcss; i++)
		n += vmcss[i].active;
	return n;
}

/* VMfail: with a current VMCS the error number says why (SDM, "VM Instruction Error Numbers"). */
int vmx_fail(uint32_t error)
{
	struct model_cpu *cpu = model_here();

	if (!current(cpu))
		return CPU_VMX_FAIL_INVALID;
	vmcs_put(cpu, VMCS_INSTRUCTION_ERROR, error);
	return CPU_VMX_FAIL_VALID;
}

/* Outside root operation all of these raise #UD. */
static bool usable(const char *what)
{
	if (model_in_root(model_here()))
		return true;
	model_raise(VECTOR_UD, 0, RAISE_PLAIN, what);
	return false;
}

static bool bad_region(uint64_t pa)
{
	return pa & 0xfff || pa >> model.kind->physical_bits || !model.physical || !model.physical(pa);
}

static struct vmcs *slot_for(uint64_t pa)
{
	struct vmcs *free = NULL;

	for (unsigned int i = 0; i < n_vmcss; i++) {
		if (vmcss[i].pa == pa)
			return &vmcss[i];
		if (!vmcss[i].active && (!free || !vmcss[i].pa))
			free = &vmcss[i];
	}
	if (n_vmcss < REGIONS)
		free = &vmcss[n_vmcss++];
	memset(free, 0, sizeof(*free));
	free->pa = pa;
	return free;
}

/* Back to memory, and out of every CPU. */
static void flush(struct vmcs *v)
{
	uint64_t pa = v->pa;
	uint8_t *memory = model.physical(pa);

	if (v->active)
		memcpy(memory + DATA, v->value, sizeof(v->value));
	for (uint32_t i = 0; i < model.n_cpus; i++)
		if (current(&model.cpu[i]) == v)
			model.cpu[i].current = -1;
	memset(v, 0, sizeof(*v));
	v->pa = pa;
	v->cleared = true;
}

int model_vmclear(uint64_t pa)
{
	struct vmcs *v;

	model_tick();
	if (!usable("VMCLEAR"))
		return CPU_VMX_FAULT;
	if (bad_region(pa)) {
		model_violation("VMCLEAR of 0x%llx, which cannot be a VMCS", (unsigned long long)pa);
		return vmx_fail(VMX_ERROR_CLEAR_ADDRESS);
	}
	if (pa == model_here()->virt_region) {
		model_violation("VMCLEAR of the VMXON region");
		return vmx_fail(VMX_ERROR_CLEAR_VMXON);
	}
	v = slot_for(pa);
	/* VMCLEAR can only dislike an address, and that of an active VMCS was good before. */
	if (!v->active && model_fault("VMCLEAR"))
		return vmx_fail(VMX_ERROR_CLEAR_ADDRESS);
	if (v->active && v->cpu != model.here)
		model_violation("VMCLEAR of a VMCS that is active on CPU %u", v->cpu);
	flush(v);
	return CPU_VMX_OK;
}

int model_vmptrld(uint64_t pa)
{
	const uint8_t *memory;
	struct vmcs *v;
	uint32_t revision;

	model_tick();
	if (!usable("VMPTRLD"))
		return CPU_VMX_FAULT;
	if (model_fault("VMPTRLD"))
		return vmx_fail(VMX_ERROR_LOAD_ADDRESS);
	if (bad_region(pa) || pa == model_here()->virt_region) {
		model_violation("VMPTRLD of 0x%llx, which cannot be a VMCS", (unsigned long long)pa);
		return vmx_fail(pa == model_here()->virt_region ? VMX_ERROR_LOAD_VMXON
								: VMX_ERROR_LOAD_ADDRESS);
	}
	memory = model.physical(pa);
	memcpy(&revision, memory, sizeof(revision));
	if (revision != (uint32_t)(model.kind->caps.basic & 0x7fffffff)) {
		model_violation("VMPTRLD of a region with revision 0x%x", revision);
		return vmx_fail(VMX_ERROR_LOAD_REVISION);
	}
	v = slot_for(pa);
	if (v->active && v->cpu != model.here)
		model_violation("VMPTRLD of a VMCS that is active on CPU %u", v->cpu);
	if (!v->active && !v->cleared)
		model_violation("VMPTRLD of a region that VMCLEAR did not make a VMCS");
	if (!v->active)
		memcpy(v->value, memory + DATA, sizeof(v->value));
	v->active = true;
	v->cpu = model.here;
	model_here()->current = (int)(v - vmcss);
	return CPU_VMX_OK;
}

uint64_t model_vmread(uint32_t field)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!usable("VMREAD"))
		return 0;
	if (!current(cpu)) {
		model_violation("VMREAD of 0x%x without a VMCS", field);
		return 0;
	}
	if (!exists(field) || !value_of(current(cpu), field)) {
		(void)vmx_fail(VMX_ERROR_FIELD);
		return 0;
	}
	return vmcs_get(cpu, field);
}

int model_vmwrite(uint32_t field, uint64_t value)
{
	struct model_cpu *cpu = model_here();

	model_tick();
	if (!usable("VMWRITE"))
		return CPU_VMX_FAULT;
	if (!current(cpu)) {
		model_violation("VMWRITE of 0x%x without a VMCS", field);
		return CPU_VMX_FAIL_INVALID;
	}
	if (!exists(field) || !value_of(current(cpu), field) ||
	    (!current(cpu)->launched && model_fault("VMWRITE"))) {
		return vmx_fail(VMX_ERROR_FIELD);
	}
	if (read_only(field)) {
		model_violation("VMWRITE of the read-only field 0x%x", field);
		return vmx_fail(VMX_ERROR_READ_ONLY);
	}
	vmcs_put(cpu, field, value);
	return CPU_VMX_OK;
}
