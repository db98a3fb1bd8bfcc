/* SPDX-License-Identifier: MIT */
#include "internal.h"

#define HIGHEST		  0x19u
#define HIGHEST_LIMITED	  3u
#define MISC_ENABLE_LIMIT (1ull << 22)
#define XSS_PT		  0x100ull
#define RIGHTS_L	  0x2000u
#define HIGHEST_EXTENDED  0x80000008u

static void features(struct cpu_leaf *out)
{
	*out = (struct cpu_leaf){
		.eax = 0x50654, .ebx = model.here << 24, .ecx = 0x7efa3203, .edx = 0xbfebfbff};
	out->ecx &= ~CPUID_1_ECX_OSXSAVE;
	out->ecx |= model.kind->hypervisor ? CPUID_1_ECX_HYPERVISOR : 0;
	out->edx &= ~(model.kind->no_debug_store ? 1u << 21 : 0);
	/* What the CPU reports is what its own CR4 says. */
	out->ecx |= model_here()->st.cr4 & CR4_OSXSAVE ? CPUID_1_ECX_OSXSAVE : 0;
}

static void more_features(struct cpu_leaf *out)
{
	const struct model_kind *k = model.kind;

	out->eax = 1;
	out->ebx = (k->invpcid ? 1u << 10 : 0) | (k->pt ? CPUID_7_EBX_PT : 0);
	out->ecx = (k->waitpkg ? 1u << 5 : 0) | (k->rdpid ? 1u << 22 : 0) |
		   (model_here()->st.cr4 & CR4_PKE ? CPUID_7_ECX_OSPKE : 0);
	out->edx = k->pconfig ? 1u << 18 : 0;
}

static uint32_t still_more_features(void)
{
	const struct model_kind *k = model.kind;

	return (k->msrlist ? 1u << 27 : 0) | (k->lam ? CPUID_7_1_EAX_LAM : 0) |
	       (k->cr4 & CR4_LASS ? CPUID_7_1_EAX_LASS : 0) | (k->cr4 & CR4_FRED ? CPUID_7_1_EAX_FRED : 0);
}

static void counters(struct cpu_leaf *out)
{
	if (!model.kind->counters)
		return;
	out->eax = 0x07300000 | (uint32_t)__builtin_popcount((uint32_t)model.kind->perf_global) << 8 |
		   model.kind->counters;
	out->edx = 48 << 5 | (uint32_t)__builtin_popcountll(model.kind->perf_global >> 32);
}

/* One core, and so many of them in the package; whoever asks has that number. */
static void topology(uint32_t subleaf, struct cpu_leaf *out)
{
	*out = (struct cpu_leaf){.ecx = subleaf, .edx = model.here};
	if (subleaf < 2)
		*out = (struct cpu_leaf){.eax = subleaf ? 16 : 0,
					 .ebx = subleaf ? model.n_cpus : 1,
					 .ecx = (subleaf + 1) << 8 | subleaf,
					 .edx = model.here};
}

/* XSAVE areas: of x87 and SSE with the header, of AVX, and of the trace, which only supervisors save. */
static void xsave(uint32_t subleaf, struct cpu_leaf *out)
{
	const struct model_state *st = &model_here()->st;
	uint32_t user = 0x240 + (st->xcr0 & 4 ? 0x100 : 0);

	if (!subleaf)
		*out = (struct cpu_leaf){.eax = 7, .ebx = user, .ecx = 0x340};
	else if (subleaf == 1)
		*out = (struct cpu_leaf){.eax = 7 | (model.kind->xsaves ? 1u << 3 : 0),
					 .ebx = user + (st->msr[MODEL_MSR_XSS] & XSS_PT ? 0x80 : 0),
					 .ecx = XSS_PT};
}

/* SDM, "CPUID": SYSCALL is for 64-bit mode only. */
static uint32_t extended_features(void)
{
	const uint32_t syscall =
		model_here()->st.seg[MODEL_CS].rights & RIGHTS_L ? CPUID_EXTENDED_EDX_SYSCALL : 0;

	return 0x20100000 | syscall | (model.kind->no_1g ? 0 : CPUID_EXTENDED_EDX_1G) |
	       (model.kind->rdtscp ? 1u << 27 : 0);
}

static uint32_t highest(void)
{
	const bool limited = model_here()->st.msr[MODEL_MSR_MISC_ENABLE] & MISC_ENABLE_LIMIT;

	return limited ? HIGHEST_LIMITED : model.kind->highest_leaf ? model.kind->highest_leaf : HIGHEST;
}

/* "SomebodyElse" in each block of 100h leaves. */
static bool hypervisor(uint32_t leaf, struct cpu_leaf *out)
{
	if (leaf < 0x40000000 || leaf >= 0x40000000 + model.kind->hypervisor * 0x100)
		return false;
	*out = leaf & 0xff ? (struct cpu_leaf){.eax = leaf ^ 0x1234}
			   : (struct cpu_leaf){leaf + 1, 0x656d6f53, 0x79646f62, 0x65736c45};
	return true;
}

void model_cpuid_answer(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out)
{
	*out = (struct cpu_leaf){0};
	if (hypervisor(leaf, out) || (leaf < 0x80000000 && leaf > highest() && leaf <= HIGHEST))
		return;
	switch (leaf) {
	case 0: out->eax = highest(); break;
	case 1: features(out); break;
	case 7:
		if (!subleaf)
			more_features(out);
		else if (subleaf == 1)
			out->eax = still_more_features();
		break;
	case 10: counters(out); break;
	case CPUID_TOPOLOGY: topology(subleaf, out); break;
	case 13: xsave(subleaf, out); break;
	case CPUID_KEY_LOCKER:
		out->ebx = model.kind->key_locker && model_here()->st.cr4 & CR4_KL ? 1 : 0;
		break;
	case 0x80000000: out->eax = HIGHEST_EXTENDED; break;
	case 0x80000001: out->edx = extended_features(); break;
	case 0x80000008: out->eax = model.kind->linear_bits << 8 | model.kind->physical_bits; break;
	default:
		/* Beyond the highest leaf a CPU answers with the highest one. */
		if (leaf > HIGHEST && leaf < 0x80000000)
			out->eax = 0xe10;
		break;
	}
	model_vendor()->cpuid(leaf, out);
}

void model_cpuid(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out)
{
	model_tick();
	model_cpuid_answer(leaf, subleaf, out);
}

int model_cpuid_guest(struct vcpu *vcpu)
{
	struct cpu_leaf out;

	model_cpuid((uint32_t)vcpu->regs.rax, (uint32_t)vcpu->regs.rcx, &out);
	vcpu->regs.rax = out.eax;
	vcpu->regs.rbx = out.ebx;
	vcpu->regs.rcx = out.ecx;
	vcpu->regs.rdx = out.edx;
	return EXIT_NEXT;
}
