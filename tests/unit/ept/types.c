/* SPDX-License-Identifier: MIT */
/* The memory types of the guest's memory are those of the MTRRs, whoever changes them and when. */
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define MSR_BASE    0x202u
#define MSR_MASK    0x203u
#define MSR_DEFAULT 0x2ffu
#define AT	    ((1ull << 30) + (2ull << 20)) /* in RAM that is written back */
#define RANGE	    (1ull << 20)
#define UNCACHED    0u
#define WRITE_BACK  6u
#define CACHES_OFF  0x40000000ull /* CR0.CD */

static void write_msr(uint32_t msr, uint64_t value)
{
	struct model_cpu *cpu = &model.cpu[0];

	cpu->regs.rcx = msr;
	cpu->regs.rax = (uint32_t)value;
	cpu->regs.rdx = value >> 32;
	cpu->event.info = 0;
	cpu->rip = ROOT_RIP;
	cr_assert_eq(model_guest_msr(0, true), MODEL_GUEST);
	cr_expect_eq(cpu->event.info, 0);
	cr_expect_eq(cpu->rip, ROOT_RIP + 2);
}

/* As the CPU finds it: on demand, through the tables that its VMCS names. */
static uint32_t type_at(uint64_t gpa)
{
	const struct model_exit violation = {.reason = 48, .physical = gpa, .detail = 1};
	uint64_t pointer, entry = 0;

	cr_assert_eq(model_exit(0, &violation), MODEL_GUEST);
	pointer = model_field(0, 0x201a);
	entry = pointer;
	for (unsigned int shift = 39; shift >= 12; shift -= 9) {
		entry = ((const uint64_t *)model.physical(entry & 0x000ffffffffff000ull))[gpa >> shift & 511];
		if (entry & 1u << 7 || !(entry & 7))
			break;
	}
	return entry & 7 ? (uint32_t)(entry >> 3 & 7) : UINT32_MAX;
}

static void set_range(uint64_t base, uint32_t type)
{
	write_msr(MSR_BASE, base | type);
	write_msr(MSR_MASK, (((1ull << 39) - RANGE) & ~0xfffull) | 0x800);
}

/* While the guest runs: at once; and what is half done while caches are off counts for nothing. */
Test(ept_types, follow_the_mtrrs, .init = root_usual)
{
	uint64_t cr0 = model.cpu[0].st.cr0;
	uint32_t told;

	cr_expect_eq(type_at(AT), WRITE_BACK);
	told = ROOT_LOGGED(PLINTH_LOG_INFO, "ept:");
	set_range(AT, UNCACHED);
	cr_expect_eq(type_at(AT), UNCACHED);
	cr_expect_eq(type_at(AT + RANGE), WRITE_BACK);
	cr_expect_eq(type_at(AT - 0x1000), WRITE_BACK);
	cr_expect_gt(ROOT_LOGGED(PLINTH_LOG_INFO, "ept:"), told, "the log tells");
	model.cpu[0].st.cr0 |= CACHES_OFF;
	write_msr(MSR_DEFAULT, 6);
	set_range(AT + RANGE, UNCACHED);
	cr_expect_eq(type_at(AT), UNCACHED, "not yet");
	cr_expect_eq(type_at(2 * AT), WRITE_BACK);
	write_msr(MSR_DEFAULT, 0xc06);
	model.cpu[0].st.cr0 = cr0;
	cr_expect_eq(type_at(AT), WRITE_BACK);
	cr_expect_eq(type_at(AT + RANGE), UNCACHED);
	write_msr(MSR_DEFAULT, 6);
	cr_expect_eq(type_at(2 * AT), UNCACHED, "switched off with caches on: by the manual all of it");
	root_expect_clean();
}

/* Between a stop and a start: nobody tells of it. */
Test(ept_types, are_looked_at_again_at_a_start, .init = root_usual)
{
	cr_expect_eq(type_at(AT), WRITE_BACK);
	cr_assert_eq(machine_stop(), 0);
	model.mtrr[0].value = AT | UNCACHED;
	model.mtrr[1].value = (((1ull << 39) - RANGE) & ~0xfffull) | 0x800;
	model.mtrr[0].written = model.mtrr[1].written = true;
	cr_assert_eq(machine_start(), 0);
	cr_expect_eq(type_at(AT), UNCACHED);
	cr_expect_eq(type_at(AT + RANGE), WRITE_BACK);
	root_expect_clean();
}
