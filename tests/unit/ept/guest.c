/* SPDX-License-Identifier: MIT */
/*
 * The module on a machine: which CPUs it takes, what a guest may touch, and what happens when it touches
 * more.
 */
#include <plinth/slat.h>
#include <plinth/memory.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#include "root/root.h"

#define REASON_VIOLATION 48
#define INFO_GP		 0x80000b0du

static enum model_end violate(uint64_t physical, uint64_t qualification)
{
	const struct model_exit exit = {
		.reason = REASON_VIOLATION, .physical = physical, .detail = qualification};

	return model_exit(0, &exit);
}

/* -- CPUs ------------------------------------------------------------------------------- */

static int again(uint64_t slat, uint64_t unused)
{
	(void)unused;
	vcpu_fini();
	vcpu_register_slat((const struct slat *)slat);
	return vcpu_init(root_boot());
}

/* The modules come up on a good CPU and then again on another kind. */
static int up_on(const struct model_kind *kind)
{
	static struct model_kind copy;

	root_loaded(&model_kinds[0], 1);
	copy = *kind;
	model.kind = &copy;
	return root_call(again, (uint64_t)vcpu_common.slat, 0);
}

Test(ept_guest, a_cpu_without_it_is_refused_at_the_start)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.secondary &= ~((uint64_t)SECONDARY_EPT << 32);
	cr_expect_eq(up_on(&kind), 0, "the load works, so that the check can say what is missing");
	cr_expect_eq(machine_start(), PLINTH_E_NOTSUP);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "secondary", fact_hex(SECONDARY_EPT)), 1);
}

Test(ept_guest, a_cpu_without_secondary_controls_is_not_asked_for_more)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.primary &= ~((uint64_t)PRIMARY_SECONDARY << 32);
	cr_expect_eq(up_on(&kind), 0);
	root_expect_clean();
}

Test(ept_guest, a_cpu_with_too_little_of_it)
{
	static const uint64_t needed[] = {1ull << 6, 1ull << 14, 1ull << 16, 1ull << 20, 1ull << 26};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		struct model_kind kind = model_kinds[0];

		kind.caps.ept_vpid &= ~needed[i];
		cr_expect_eq(up_on(&kind), PLINTH_E_NOTSUP, "bit 0x%llx", (unsigned long long)needed[i]);
		cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_ERR, "IA32_VMX_EPT_VPID_CAP", fact_hex(needed[i])), 1,
			     "bit 0x%llx", (unsigned long long)needed[i]);
	}
}

/* Pages of 1 GiB are welcome, not needed; addresses of any width. */
static const uint32_t widths[] = {29, 36, 39, 40, 42, 46, 48, 52};

#define N_WIDTHS (sizeof(widths) / sizeof(widths[0]))
#define NO_1G	 (1ull << 17)
#define WALK_5	 (1ull << 7)

/*
 * The CPU that a number stands for: each width, with large pages and without, with five levels where that
 * matters.
 */
static struct model_kind wide(size_t n)
{
	struct model_kind kind = model_kinds[0];

	kind.physical_bits = widths[n / 4];
	if (n & 1)
		kind.caps.ept_vpid &= ~NO_1G;
	if (n & 2)
		kind.caps.ept_vpid |= WALK_5;
	return kind;
}

Test(ept_guest, cpus_with_other_sizes)
{
	for (size_t i = 0; i < 4 * N_WIDTHS; i++) {
		struct model_kind kind = wide(i);

		cr_expect_eq(up_on(&kind), 0, "%u bits, case %zu", widths[i / 4], i);
		root_expect_clean();
	}
}

static uint64_t end_of(const struct model_kind *kind)
{
	uint64_t bits = kind->physical_bits;

	return 1ull << (bits < 30 ? 30 : bits > 48 && !(kind->caps.ept_vpid & WALK_5) ? 48 : bits);
}

/* A word at the end of each size of addresses there is, on CPUs of any width. */
Test(ept_guest, distant_addresses)
{
	for (size_t i = 0; i < 4 * N_WIDTHS; i++) {
		static struct model_kind kind;

		kind = wide(i);
		/* No CPU has so many levels and no large pages; there it would end with the spare ones. */
		if (kind.physical_bits > 48 && (i & 3) == 3)
			continue;
		root_up(&kind);
		for (unsigned int bits = 30; bits <= 52; bits++) {
			uint64_t gpa = (1ull << bits) - 0x3000;
			bool there = gpa < end_of(&kind);

			model.cpu[0].event.info = 0;
			cr_assert_eq(violate(gpa, 1), MODEL_GUEST, "%u bits, case %zu", bits, i);
			cr_expect_eq(model.cpu[0].event.info, there ? 0 : INFO_GP, "%u bits, case %zu", bits,
				     i);
		}
		root_expect_clean();
	}
}

/* -- the guest's memory ---------------------------------------------------------------------- */

Test(ept_guest, another_gib_when_somebody_wants_it, .init = root_usual)
{
	const uint64_t far = 1ull << 37;
	uint64_t hpa;
	uint32_t access;

	model.cpu[0].rip = ROOT_RIP;
	cr_assert_eq(violate(far + 0x5000, 1), MODEL_GUEST);
	cr_expect(model.cpu[0].rip == ROOT_RIP && !model.cpu[0].event.info, "once more");
	cr_expect_eq(slat_get(slat_host(), far + 0x5000, &hpa, &access), 0);
	cr_expect_eq(hpa, far + 0x5000);
	cr_expect_eq(access, SLAT_READ | SLAT_WRITE | SLAT_EXECUTE);
	root_expect_clean();
}

Test(ept_guest, beyond_the_last_address, .init = root_usual)
{
	cr_assert_eq(violate(1ull << model.kind->physical_bits, 1), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, INFO_GP);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_WARN, fact_hex(1ull << model.kind->physical_bits)), 1);
	root_expect_clean();
}

static uint64_t pool_pa;

static int find_pool(uint64_t a, uint64_t b)
{
	void *page = mem_page_alloc();

	(void)a;
	(void)b;
	mem_page_free(page);
	return mem_virt_to_phys(page, &pool_pa);
}

/* Its own memory the VMM shows as a page without worth, its shared region as what can only be read. */
Test(ept_guest, the_vmm_is_hidden)
{
	const struct plinth_boot *boot;
	uint64_t hpa, scratch;
	uint32_t access;

	root_loaded(&model_kinds[0], 1);
	boot = root_boot();
	cr_assert_eq(root_call(find_pool, 0, 0), 0);
	cr_assert_eq(slat_get(slat_host(), pool_pa, &scratch, &access), 0);
	cr_expect_neq(scratch, pool_pa);
	cr_expect_eq(access, SLAT_READ | SLAT_WRITE, "and no code");
	cr_assert_eq(slat_get(slat_host(), boot->root_pgd_pa, &hpa, &access), 0);
	cr_expect_eq(hpa, scratch);
	cr_assert_eq(slat_get(slat_host(), boot->launch_pgd_pa, &hpa, &access), 0);
	cr_expect_eq(hpa, scratch);
	cr_assert_eq(slat_get(slat_host(), os_virt_to_phys(core_shared_region(machine.core)), &hpa, &access),
		     0);
	cr_expect_eq(hpa, os_virt_to_phys(core_shared_region(machine.core)));
	cr_expect_eq(access, SLAT_READ);
	cr_assert_eq(slat_get(slat_host(), os_virt_to_phys(core_tuning_page(machine.core)), &hpa, &access),
		     0);
	cr_expect_eq(hpa, os_virt_to_phys(core_tuning_page(machine.core)));
	cr_expect_eq(access, SLAT_READ | SLAT_WRITE | SLAT_EXECUTE, "the driver writes it as the guest");
}

static enum exit_action take_all_pages(struct vcpu *vcpu)
{
	(void)vcpu;
	while (mem_page_alloc())
		;
	return EXIT_NEXT;
}

static struct model_kind without_1g(void)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.ept_vpid &= ~NO_1G;
	return kind;
}

/*
 * A GiB after the other, with a pool that is empty and without: the guest goes on, and no exit takes memory.
 */
Test(ept_guest, no_memory_at_the_guests_will)
{
	for (unsigned int empty = 0; empty < 2; empty++) {
		static struct model_kind kind;
		uint64_t used;

		kind = without_1g();
		root_up(&kind);
		if (empty)
			cr_assert_eq(root_run(take_all_pages, (struct model_exit){.length = 1}), MODEL_GUEST);
		used = core_shared_region(machine.core)->pool_used;
		for (uint64_t gib = 4; gib < 512; gib++) {
			model.cpu[0].event.info = 0;
			model.cpu[0].regs.rsi = gib;
			cr_assert_eq(violate(gib << 30, 1), MODEL_GUEST, "GiB %llu", (unsigned long long)gib);
			cr_expect_eq(model.cpu[0].event.info, 0, "GiB %llu", (unsigned long long)gib);
		}
		cr_expect_eq(core_shared_region(machine.core)->pool_used, used);
		root_expect_clean();
	}
}

/* One instruction that wants two distant GiB at once, when there is room for one more: refused in the end. */
Test(ept_guest, an_instruction_that_wants_too_much)
{
	static struct model_kind kind;
	unsigned int n = 0;

	kind = without_1g();
	root_up(&kind);
	for (uint64_t gib = 4; gib < 100; gib++) {
		model.cpu[0].regs.rsi = gib;
		cr_assert_eq(violate(gib << 30, 1), MODEL_GUEST);
	}
	model.cpu[0].event.info = 0;
	do {
		cr_assert_eq(violate((uint64_t)(200 + n % 2) << 30, 1), MODEL_GUEST);
		cr_assert_lt(n++, 100);
	} while (!model.cpu[0].event.info);
	cr_expect_eq(model.cpu[0].event.info, INFO_GP);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_WARN, "ept:", fact_hex((uint64_t)(200 + (n - 1) % 2) << 30)), 1);
	cr_assert_eq(violate(300ull << 30, 1), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, 0, "the next one is served");
	root_expect_clean();
}

/* -- INVEPT that fails ------------------------------------------------------------------------- */

static struct model_kind without_all(void)
{
	struct model_kind kind = without_1g();

	kind.caps.ept_vpid &= ~(1ull << 26);
	return kind;
}

static int flushed;

static enum exit_action flush_without_a_type(struct vcpu *vcpu)
{
	static struct model_kind kind;

	(void)vcpu;
	kind = without_all();
	model.kind = &kind;
	flushed = slat_flush(slat_host()) ? 0 : PLINTH_E_VIRT;
	model.kind = &model_kinds[0];
	return EXIT_NEXT;
}

Test(ept_guest, a_flush_that_fails_is_told, .init = root_usual)
{
	cr_assert_eq(root_run(flush_without_a_type, (struct model_exit){.length = 1}), MODEL_GUEST);
	cr_expect_eq(flushed, PLINTH_E_VIRT);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "INVEPT"));
}

/* What the CPU might remember is not used again; the guest's access is refused, and the VMM lives. */
Test(ept_guest, an_access_that_needs_a_flush_that_fails)
{
	static struct model_kind kind, bad;

	kind = without_1g();
	bad = without_all();
	root_up(&kind);
	for (uint64_t gib = 4; gib < 100; gib++) {
		model.cpu[0].regs.rsi = gib;
		cr_assert_eq(violate(gib << 30, 1), MODEL_GUEST);
	}
	model.kind = &bad;
	model.cpu[0].event.info = 0;
	cr_assert_eq(violate(200ull << 30, 1), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, INFO_GP);
	cr_expect_eq(ROOT_LOGGED(PLINTH_LOG_WARN, "INVEPT", fact_hex(200ull << 30)), 1);
	model.kind = &kind;
	model.cpu[0].event.info = 0;
	cr_assert_eq(violate(200ull << 30, 1), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, 0);
}
