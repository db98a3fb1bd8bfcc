/* SPDX-License-Identifier: MIT */
/* MSRs: a list of those that hold state, what the vendor's part tells of itself, and #GP for the rest. */
#include "internal.h"

#define EFER_LME   0x100ull
#define EFER_LMA   0x400ull
#define EFER_KNOWN 0xd01ull

enum rule { ANY, CANONICAL, PAT, EFER, LOCK, DEBUG, APIC };

static const struct {
	uint32_t index;
	enum rule rule;
} msrs[MODEL_MSRS] = {
#define MSR(name, index, rule, value) [MODEL_MSR_##name] = {index, rule},
#include "msrs.def"
#undef MSR
};

static uint64_t *slot(struct model_cpu *cpu, uint32_t msr, enum rule *rule)
{
	for (unsigned int i = 0; i < MODEL_MSRS; i++) {
		if (msrs[i].index == msr) {
			*rule = msrs[i].rule;
			return &cpu->st.msr[i];
		}
	}
	return NULL;
}

/* Those of the MTRRs that can be written; -1: none of them. */
static int writable_mtrr(uint32_t msr)
{
	return msr == 0x202 ? 0 : msr == 0x203 ? 1 : msr == 0x2ff ? 2 : -1;
}

static bool mtrr_write(uint32_t msr, uint64_t value)
{
	int i = writable_mtrr(msr);

	if (i < 0)
		return false;
	model.mtrr[i].value = value;
	model.mtrr[i].written = true;
	return true;
}

/* MTRRs: write-back but for a hole below 4 GiB, and video memory and ROM below 1 MiB. */
static bool mtrr(uint32_t msr, uint64_t *value)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} mtrrs[] = {
		{0xfe, 0x502},
		{0x2ff, 0xc06},
		{0x200, 0xc0000000},
		{0x201, 0xffffffffc0000800},
		{0x202, 0},
		{0x203, 0},
		{0x250, 0x0606060606060606},
		{0x258, 0x0606060606060606},
		{0x259, 0},
		{0x268, 0x0505050505050505},
		{0x269, 0x0505050505050505},
		{0x26a, 0},
		{0x26b, 0},
		{0x26c, 0},
		{0x26d, 0},
		{0x26e, 0x0505050505050505},
		{0x26f, 0x0505050505050505},
	};

	int own = writable_mtrr(msr);

	if (own >= 0 && model.mtrr[own].written) {
		*value = model.mtrr[own].value;
		return true;
	}
	for (unsigned int i = 0; i < sizeof(mtrrs) / sizeof(mtrrs[0]); i++) {
		if (mtrrs[i].msr == msr) {
			*value = mtrrs[i].value &
				 (msr < 0x220 ? (1ull << model.kind->physical_bits) - 1 : ~0ull);
			return true;
		}
	}
	return false;
}

/* MSRs that not every CPU has. */
static bool absent(uint32_t msr)
{
	return (msr == MSR_IA32_PEBS_ENABLE && model.kind->counters < 2) ||
	       (msr == MSR_IA32_MCG_STATUS && model.kind->no_mca);
}

bool model_msr_read(uint32_t msr, uint64_t *value)
{
	enum rule rule;
	const uint64_t *found = slot(model_here(), msr, &rule);

	if (absent(msr))
		return false;
	if (!found)
		return model_vendor()->msr_read(msr, value) || mtrr(msr, value);
	*value = *found;
	return true;
}

static bool valid_pat(uint64_t pat)
{
	for (unsigned int i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

#define APIC_ON	      0x800ull
#define APIC_RESERVED 0x2ffull /* below the address; bit 8, the boot processor, may be written */

/* SDM, "x2APIC State Transitions": into x2APIC mode from xAPIC mode only, out of it to off only. */
static bool valid_apic_base(uint64_t before, uint64_t value)
{
	uint64_t now = before & (APIC_ON | APIC_BASE_X2APIC), next = value & (APIC_ON | APIC_BASE_X2APIC);

	if (value >> model.kind->physical_bits || value & APIC_RESERVED || next == APIC_BASE_X2APIC)
		return false;
	if (next == (APIC_ON | APIC_BASE_X2APIC))
		return now & APIC_ON;
	return !(now & APIC_BASE_X2APIC) || !(next & APIC_ON);
}

static bool valid(enum rule rule, uint64_t before, uint64_t value)
{
	switch (rule) {
	case CANONICAL: return canonical(value);
	case PAT: return valid_pat(value);
	case EFER: return !(value & ~EFER_KNOWN) && !((value ^ before) & EFER_LME);
	case LOCK: return !(before & FEATURE_CONTROL_LOCKED);
	case DEBUG: return !(value & ~0xffc7ull);
	case APIC: return valid_apic_base(before, value);
	default: return true;
	}
}

bool model_msr_write(uint32_t msr, uint64_t value)
{
	enum rule rule;
	uint64_t *found = slot(model_here(), msr, &rule);

	if (!found)
		return mtrr_write(msr, value);
	if (absent(msr) || !valid(rule, *found, value))
		return false;
	*found = rule == EFER ? (value & ~EFER_LMA) | (*found & EFER_LMA) : value;
	return true;
}

uint64_t model_rdmsr(uint32_t msr)
{
	uint64_t value = 0;

	model_tick();
	if (!model_msr_read(msr, &value))
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "RDMSR");
	return value;
}

void model_wrmsr(uint32_t msr, uint64_t value)
{
	model_tick();
	if (!model_msr_write(msr, value))
		model_raise(VECTOR_GP, 0, RAISE_PLAIN, "WRMSR");
}

int model_rdmsr_safe(uint32_t msr, uint64_t *value)
{
	model_tick();
	if (model_msr_read(msr, value))
		return 0;
	model_raise(VECTOR_GP, 0, RAISE_FIXUP, "RDMSR");
	return PLINTH_E_FAULT;
}

int model_wrmsr_safe(uint32_t msr, uint64_t value)
{
	model_tick();
	if (model_msr_write(msr, value))
		return 0;
	model_raise(VECTOR_GP, 0, RAISE_FIXUP, "WRMSR");
	return PLINTH_E_FAULT;
}

uint64_t model_set_local(struct cpu_local *local)
{
	uint64_t before = model_here()->st.msr[MODEL_MSR_FS_BASE];

	local->self = local;
	model_wrmsr(MSR_IA32_FS_BASE, (uint64_t)local);
	return before;
}

void model_restore_local(uint64_t fs_base)
{
	model_wrmsr(MSR_IA32_FS_BASE, fs_base);
}

struct cpu_local *model_local(void)
{
	return *(struct cpu_local **)model_here()->st.msr[MODEL_MSR_FS_BASE];
}
