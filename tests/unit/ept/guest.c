/* SPDX-License-Identifier: MIT */
/* The module on a machine: which CPUs it takes, what a guest may touch, and what happens when it touches
 * more. */
#include <plinth/ept.h>
#include <plinth/memory.h>

#include "drivers/common/internal.h"
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define REASON_VIOLATION 48
#define INFO_GP		 0x80000b0du

static enum model_end violate(uint64_t physical, uint64_t qualification)
{
	const struct model_exit exit = {
		.reason = REASON_VIOLATION, .physical = physical, .qualification = qualification};

	return model_exit(0, &exit);
}

/* -- CPUs ------------------------------------------------------------------------------- */

static int again(uint64_t slat, uint64_t unused)
{
	(void)unused;
	vcpu_fini();
	vcpu_register_slat((const struct vcpu_slat *)slat);
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
	cr_expect(root_logged("the CPU lacks secondary control bits 0x2"));
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
		cr_expect(root_logged("load without the module ept"));
	}
}

/* Pages of 1 GiB are welcome, not needed; addresses of any width. */
Test(ept_guest, cpus_with_other_sizes)
{
	static const uint32_t widths[] = {29, 36, 39, 48, 52};

	for (unsigned int large = 0; large < 2; large++) {
		for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
			struct model_kind kind = model_kinds[0];

			kind.caps.physical_bits = widths[i];
			if (!large)
				kind.caps.ept_vpid &= ~(1ull << 17);
			if (large && widths[i] > 40)
				continue; /* a table for each half TiB of it */
			cr_expect_eq(up_on(&kind), 0, "%u bits", widths[i]);
			root_expect_clean();
		}
	}
}

/* -- the guest's memory ---------------------------------------------------------------------- */

Test(ept_guest, another_gib_when_somebody_wants_it, .init = root_usual)
{
	const uint64_t far = 1ull << 37;
	uint64_t hpa;
	uint32_t access;

	model.cpu[0].rip = ROOT_RIP;
	cr_assert_eq(violate(far + 0x5000, 0), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP, "once more");
	cr_expect_eq(model.cpu[0].event.info, 0);
	cr_expect_eq(ept_get_page(far + 0x5000, &hpa, &access), 0);
	cr_expect_eq(hpa, far + 0x5000);
	cr_expect_eq(access, EPT_READ | EPT_WRITE | EPT_EXECUTE);
	root_expect_clean();
}

Test(ept_guest, beyond_the_last_address, .init = root_usual)
{
	cr_assert_eq(violate(1ull << model.kind->caps.physical_bits, 0), MODEL_GUEST);
	cr_expect_eq(model.cpu[0].event.info, INFO_GP);
	cr_expect(root_logged("guest may not touch physical 0x8000000000"));
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
	cr_assert_eq(ept_get_page(pool_pa, &scratch, &access), 0);
	cr_expect_neq(scratch, pool_pa);
	cr_expect_eq(access, EPT_READ | EPT_WRITE, "and no code");
	cr_assert_eq(ept_get_page(boot->root_pgd_pa, &hpa, &access), 0);
	cr_expect_eq(hpa, scratch);
	cr_assert_eq(ept_get_page(boot->launch_pgd_pa, &hpa, &access), 0);
	cr_expect_eq(hpa, scratch);
	cr_assert_eq(ept_get_page(os_virt_to_phys(core_shared_region(machine.core)), &hpa, &access), 0);
	cr_expect_eq(hpa, os_virt_to_phys(core_shared_region(machine.core)));
	cr_expect_eq(access, EPT_READ);
	cr_assert_eq(ept_get_page(os_virt_to_phys(core_tuning_page(machine.core)), &hpa, &access), 0);
	cr_expect_eq(hpa, os_virt_to_phys(core_tuning_page(machine.core)));
	cr_expect_eq(access, EPT_READ | EPT_WRITE | EPT_EXECUTE, "the driver writes it as the guest");
}

static enum exit_action take_all_pages(struct vcpu *vcpu)
{
	(void)vcpu;
	while (mem_page_alloc())
		;
	return EXIT_NEXT;
}

/* No memory for a table: the guest could not go on, so the CPU goes back. */
Test(ept_guest, no_memory_for_another_table)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.ept_vpid &= ~(1ull << 17);
	root_up(&kind);
	cr_assert_eq(root_run(take_all_pages, (struct model_exit){.length = 1}), MODEL_GUEST);
	cr_expect_eq(violate(1ull << 37, 0), MODEL_BACK);
	cr_expect(root_logged("no memory to map physical 0x2000000000"));
	cr_expect(root_logged("an exit that nobody handles"));
}

static enum exit_action flush_without_a_type(struct vcpu *vcpu)
{
	static struct model_kind kind;

	(void)vcpu;
	kind = *model.kind;
	kind.caps.ept_vpid &= ~(1ull << 26);
	model.kind = &kind;
	ept_flush();
	model.kind = &model_kinds[0];
	return EXIT_NEXT;
}

Test(ept_guest, a_flush_that_fails_is_told, .init = root_usual)
{
	cr_assert_eq(root_run(flush_without_a_type, (struct model_exit){.length = 1}), MODEL_GUEST);
	cr_expect(root_logged("INVEPT failed"));
}
