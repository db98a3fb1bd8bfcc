/* SPDX-License-Identifier: MIT */
/* Rules of the SDM for instructions done in the guest's stead, on CPUs that no model of ours has. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static struct vcpu vcpu;
static struct plinth_shared_cpu shared;
static uint64_t regs[VCPU_REG_COUNT]; /* of the guest */
static uint64_t supported;	      /* XCR0 bits of the CPU */
static uint64_t xcr0;
static uint32_t highest = 13; /* leaf of CPUID */
static bool refuses;	      /* the CPU refuses XSETBV in the end */
static uint8_t raised;
static struct {
	uint16_t port;
	uint8_t value;
} written[4];
static unsigned int n_written;

uint64_t vcpu_read(struct vcpu *v, enum vcpu_reg reg)
{
	(void)v;
	return regs[reg];
}

int vcpu_write(struct vcpu *v, enum vcpu_reg reg, uint64_t value)
{
	(void)v;
	regs[reg] = value;
	return 0;
}

void vcpu_memory_access(struct vcpu *v, struct vcpu_memory_access *out)
{
	(void)v;
	*out = (struct vcpu_memory_access){0};
}

uint64_t vcpu_gpr(struct vcpu *v, unsigned int number)
{
	(void)v;
	return number;
}

void vcpu_set_gpr(struct vcpu *v, unsigned int number, uint64_t value)
{
	(void)v;
	(void)number;
	(void)value;
}

void vcpu_cr_access(struct vcpu *v, struct vcpu_cr_access *out)
{
	(void)v;
	*out = (struct vcpu_cr_access){.cr = 8};
}

void vcpu_inject(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error)
{
	(void)v;
	cr_expect_eq(has_error, vector == VECTOR_GP);
	cr_expect_eq(error, 0);
	raised = vector;
}

void vcpu_settle(struct vcpu *v)
{
	(void)v;
}

void vcpu_take_init(struct vcpu *v)
{
	(void)v;
	abort();
}

void cpu_cpuid(uint32_t leaf, uint32_t subleaf, struct cpu_leaf *out)
{
	cr_expect_eq(subleaf, 0);
	if (!leaf) {
		*out = (struct cpu_leaf){.eax = highest};
		return;
	}
	cr_expect_eq(leaf, 13);
	cr_expect_geq(highest, 13, "it is not there");
	*out = (struct cpu_leaf){.eax = (uint32_t)supported, .edx = (uint32_t)(supported >> 32)};
}

int cpu_xsetbv_safe(uint32_t index, uint64_t value)
{
	cr_expect_eq(index, 0);
	if (refuses)
		return PLINTH_E_FAULT;
	xcr0 = value;
	return 0;
}

void cpu_wbinvd(void)
{
}

void cpu_out8(uint16_t port, uint8_t value)
{
	cr_assert_lt(n_written, 4);
	written[n_written].port = port;
	written[n_written++].value = value;
}

void log_emit(enum plinth_log_level level, const char *tag, const char *format, ...)
{
	(void)level;
	(void)tag;
	(void)format;
}

/* -- XSETBV ----------------------------------------------------------------------------- */

#define X87    1ull
#define SSE    2ull
#define AVX    4ull
#define BND    0x18ull
#define AVX512 0xe0ull
#define PKRU   0x200ull
#define TILE   0x60000ull
#define FAR    (1ull << 40)

static enum exit_action set(uint64_t value)
{
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.shared = &shared;
	vcpu.regs.rax = 0xabcd000000000000 | (uint32_t)value;
	vcpu.regs.rdx = 0xabcd000000000000 | value >> 32;
	regs[VCPU_CR4] = CR4_OSXSAVE;
	regs[VCPU_CPL] = 0;
	xcr0 = raised = 0;
	return exit_xsetbv(&vcpu);
}

Test(rules, xsetbv)
{
	static const struct {
		uint64_t supported, value;
		bool valid;
	} cases[] = {
		{X87 | SSE, X87, true},
		{X87 | SSE, X87 | SSE, true},
		{X87 | SSE, SSE, false}, /* x87 cannot be off */
		{X87 | SSE, 0, false},
		{X87 | SSE, X87 | SSE | AVX, false}, /* not there */
		{X87 | SSE | AVX, X87 | SSE | AVX, true},
		{X87 | SSE | AVX, X87 | AVX, false}, /* AVX is the upper half of SSE's registers */
		{X87 | SSE | AVX | AVX512, X87 | SSE | AVX | AVX512, true},
		{X87 | SSE | AVX | AVX512, X87 | SSE | AVX512, false},
		{X87 | SSE | AVX | AVX512, X87 | SSE | AVX | 0x20, false}, /* all of it or nothing */
		{X87 | SSE | AVX | AVX512, X87 | SSE | AVX | 0xc0, false},
		{X87 | SSE | BND, X87 | BND, true},
		{X87 | SSE | BND, X87 | 8, false},
		{X87 | SSE | BND, X87 | 16, false},
		{X87 | SSE | TILE, X87 | TILE, true},
		{X87 | SSE | TILE, X87 | 0x20000, false},
		{X87 | SSE | PKRU, X87 | PKRU, true},
		{X87 | SSE | FAR, X87 | FAR, true},
		{X87 | SSE, X87 | FAR, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum exit_action action;

		supported = cases[i].supported;
		action = set(cases[i].value);
		cr_expect_eq(action, cases[i].valid ? EXIT_NEXT : EXIT_RETRY, "0x%llx of 0x%llx",
			     (unsigned long long)cases[i].value, (unsigned long long)cases[i].supported);
		cr_expect_eq(xcr0, cases[i].valid ? cases[i].value : 0);
		cr_expect_eq(raised, cases[i].valid ? 0 : VECTOR_GP);
	}
}

/* The kernel can hide the leaf that says which bits there are; they are there all the same. */
Test(rules, xsetbv_without_its_leaf)
{
	highest = 3;
	cr_expect_eq(set(X87 | SSE | AVX), EXIT_NEXT);
	cr_expect_eq(xcr0, X87 | SSE | AVX);
	cr_expect_eq(set(X87 | AVX), EXIT_RETRY);
	cr_expect_eq(raised, VECTOR_GP);
}

/* The CPU has the last word. */
Test(rules, xsetbv_that_the_cpu_refuses)
{
	supported = X87 | SSE;
	refuses = true;
	cr_expect_eq(set(X87), EXIT_RETRY);
	cr_expect_eq(raised, VECTOR_GP);
}

Test(rules, xsetbv_that_is_not_the_kernels)
{
	supported = X87 | SSE;
	set(X87);
	raised = 0;
	regs[VCPU_CPL] = 3;
	cr_expect_eq(exit_xsetbv(&vcpu), EXIT_RETRY);
	cr_expect_eq(raised, VECTOR_GP);
	regs[VCPU_CPL] = 0;
	vcpu.regs.rcx = 1;
	cr_expect_eq(exit_xsetbv(&vcpu), EXIT_RETRY);
	cr_expect_eq(raised, VECTOR_GP);
	vcpu.regs.rcx = 0xffffffff00000000;
	cr_expect_eq(exit_xsetbv(&vcpu), EXIT_NEXT, "the upper half of RCX is ignored");
	regs[VCPU_CR4] = 0;
	cr_expect_eq(exit_xsetbv(&vcpu), EXIT_RETRY);
	cr_expect_eq(raised, VECTOR_UD);
}

/* -- the rest ------------------------------------------------------------------------------- */

/* No control register but 0, 3 and 4 can exit; whoever sees one does not know the machine. */
Test(rules, a_control_register_that_never_exits)
{
	cr_expect_eq(exit_cr_access(&vcpu), EXIT_FATAL);
}

/* A machine that the first way does not reset is reset the next way; if none does, the CPU stops. */
Test(rules, a_triple_fault_tries_every_reset)
{
	cr_expect_eq(exit_triple_fault(&vcpu), EXIT_FATAL);
	cr_assert_eq(n_written, 3);
	cr_expect(written[0].port == 0xcf9 && written[0].value == 0x02);
	cr_expect(written[1].port == 0xcf9 && written[1].value == 0x06);
	cr_expect(written[2].port == 0x64 && written[2].value == 0xfe);
}
