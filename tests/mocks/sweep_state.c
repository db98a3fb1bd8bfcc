/* SPDX-License-Identifier: MIT */
/*
 * What depends on the state of whoever asks, or on who is beneath: CPUID under each bit it follows,
 * hypercalls, and the MSRs that are looked at, from guests in every rare state, against the oracle.
 */
#include "exits.h"

#define LIMIT_LEAVES (1ull << 22) /* of IA32_MISC_ENABLE */
#define XSS_PT	     0x100ull

static const char *const kinds[] = {"skylake", "no-efer-control", "on-a-hypervisor", "on-two-hypervisors",
				    "key-locker"};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void power_on_kind(const char *name)
{
	for (unsigned int i = 0; i < model_n_kinds; i++)
		if (!strcmp(model_kinds[i].name, name))
			exits_power_on(&model_kinds[i]);
}

/* In that state, and with those bits of CR4, MSRs and XCR0; the start of the guest is as it was. */
enum { NO_XSAVE = 1, WITH_KEYS = 2, LIMITED = 4, FAULTS = 8, NARROW_XCR0 = 16, WITH_XSS = 32, VARIANTS = 64 };

static void put(unsigned int bits, unsigned int variant)
{
	struct model_state *st = &model.cpu[0].st;

	exits_put_guest(bits);
	if (variant & NO_XSAVE)
		st->cr4 &= ~CR4_OSXSAVE;
	if (variant & WITH_KEYS && model.kind->key_locker)
		st->cr4 |= CR4_KL;
	st->msr[MODEL_MSR_MISC_ENABLE] |= variant & LIMITED ? LIMIT_LEAVES : 0;
	st->msr[MODEL_MSR_FEATURES_ENABLES] = variant & FAULTS ? 1 : 0;
	st->msr[MODEL_MSR_XSS] = variant & WITH_XSS ? XSS_PT : 0;
	st->xcr0 = variant & NARROW_XCR0 ? 3 : 7;
}

static bool is_new(unsigned int bits, unsigned int variant)
{
	/* Without faulting hardware below 3 is no native state: there the CPU does not exit. */
	if (variant & FAULTS && !model.kind->faults && bits & USER)
		return false;
	return !exits_illegal(bits) && !(variant & WITH_KEYS && !model.kind->key_locker);
}

Test(state, cpuid)
{
	static const uint32_t leaves[] = {0,	      1,	  2,	      7,	  13,
					  0x14,	      0x19,	  0x40000000, 0x40000001, 0x40000100,
					  0x40000101, 0x40000200, 0x40000300, 0x80000001};

	for (size_t k = 0; k < N_KINDS; k++) {
		power_on_kind(kinds[k]);
		for (unsigned int variant = 0; variant < VARIANTS; variant++) {
			for (unsigned int bits = 0; bits < 1u << GUEST_BITS;
			     bits += bits & (AFTER_STI | AFTER_SS) ? 8 : 1) {
				for (size_t i = 0;
				     is_new(bits, variant) && i < sizeof(leaves) / sizeof(*leaves); i++) {
					static const struct model_exit exit = {.kind = PLINTH_EXIT_CPUID,
									       .length = 2};

					put(bits, variant);
					model.cpu[0].regs = exits_pattern();
					model.cpu[0].regs.rax = leaves[i];
					model.cpu[0].regs.rcx = variant & 1;
					sweep_label("%s: leaf 0x%x, guest 0x%x, variant 0x%x", kinds[k],
						    leaves[i], bits, variant);
					exits_try(bits, &exit);
				}
			}
		}
	}
	sweep_report("CPUID by the guest's state");
}

/* XCR0 can be written where its leaf is hidden. */
Test(state, xsetbv_without_its_leaf)
{
	static const struct model_exit exit = {.kind = PLINTH_EXIT_XSETBV, .length = 3};

	power_on_kind("skylake");
	for (uint64_t value = 0; value < 16; value++) {
		put(0, LIMITED);
		model.cpu[0].regs = (struct vcpu_regs){.rax = value};
		sweep_label("XCR0 = 0x%llx with CPUID limited", (unsigned long long)value);
		exits_try(0, &exit);
	}
	sweep_report("XSETBV with CPUID limited");
}

/* The kernel's go down with all registers, and come back with all; a process's do not. */
Test(state, hypercalls)
{
	static const uint64_t numbers[] = {
		0, 1, 5, 0x0badc0de, 0x564d5868, PLINTH_HYPERCALL_STOP, PLINTH_HYPERCALL_MAPS, ~0ull};
	uint32_t answered = 0;

	for (size_t k = 0; k < N_KINDS; k++) {
		power_on_kind(kinds[k]);
		for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
			struct vcpu_regs regs = exits_pattern();

			regs.rax = numbers[i];
			exits_try_all(
				(struct model_exit){.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES},
				&regs);
		}
		cr_expect_eq(model.hypercalls > 0, model.kind->hypervisor > 0, "%s", kinds[k]);
		answered += model.hypercalls;
	}
	cr_expect_gt(answered, 0);
	sweep_report("hypercalls to whoever is beneath");
}

static const struct access {
	uint32_t msr;
	uint64_t value;
} accesses[] = {
	{0x1b, 0xfee00800},
	{0x1b, 0xfee00900},
	{0x1b, 0xfee00c00},
	{0x1b, 0xfee00400},
	{0x1b, 0xfee00000},
	{0x1b, 0xfed00800},
	{0x1b, 0xfee01800},
	{0x1b, 0x00000800},
	{0x1b, 0x80000fee00800},
	{0x1b, 0xfee00801},
	{0x79, 0xffff888000000000},
	{0x1a0, 0x850089},
	{0x1a0, 0xc50089},
	{0x1a0, 0x400850089},
	{0x1a0, 0},
	{0x600, 0},
	{0x600, 0xfffffe0000000000},
	{0x600, 0x800000000000},
	{0xc0000080, 0xd01},
	{0xc0000080, 0x501},
	{0xc0000080, 0xd00},
	{0xc0000080, 0xc01},
	{0xc0000080, 0x901},
	{0xc0000080, 0x8d01},
	{0x40000000, 5},
	{0x40000001, 5},
	{0x400000ff, 5},
	{0x40000100, 5},
};

Test(state, msrs)
{
	for (size_t k = 0; k < N_KINDS; k++) {
		power_on_kind(kinds[k]);
		for (size_t i = 0; i < sizeof(accesses) / sizeof(*accesses); i++) {
			for (uint32_t kind = PLINTH_EXIT_MSR_READ; kind <= PLINTH_EXIT_MSR_WRITE; kind++) {
				struct vcpu_regs regs = exits_pattern();

				regs.rcx = accesses[i].msr;
				regs.rax = (uint32_t)accesses[i].value;
				regs.rdx = accesses[i].value >> 32;
				exits_try_all((struct model_exit){.kind = kind, .length = 2}, &regs);
			}
		}
	}
	sweep_report("MSRs that are looked at");
}
