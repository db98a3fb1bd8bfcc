/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's life on CPUs of many kinds, with segments of many kinds, and with memory that runs out at any
 * page.
 */
#include <string.h>

#include <plinth/exit_handler.h>
#include <plinth/memory.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"
#include "tests/mocks/memory.h"

/* -- kinds of CPUs ----------------------------------------------------------------------- */

static void expect_start_and_stop(const struct model_kind *kind)
{
	struct plinth_ctl_map maps[256];
	uint64_t rows;

	root_loaded(kind, 2);
	rows = core_maps(machine.core, maps, 256, sizeof(maps[0]));
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(core_maps(machine.core, maps, 256, sizeof(maps[0])), rows,
		     "nothing that was mapped for it is left");
	cr_expect_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	root_expect_clean();
}

Test(vcpu_life, without_xsaves)
{
	struct model_kind kind = model_kinds[0];

	kind.xsaves = kind.rdtscp = kind.invpcid = false;
	expect_start_and_stop(&kind);
}

static int start_with_a_bit(uint64_t bit, uint64_t unused)
{
	struct vcpu *vcpu;
	int err = cpu_create(0, exit_handlers(), &vcpu);

	(void)unused;
	if (err)
		return err;
	model.cpu[0].st.cr4 |= bit;
	err = vcpu_start(vcpu, 0, 0, 0, 0);
	model.cpu[0].st.cr4 &= ~bit;
	cpu_destroy(vcpu->cpu);
	return err;
}

/*
 * Whoever was asked whether a CPU could be started, and then starts it, finds what came into use meanwhile.
 */
Test(vcpu_life, what_came_into_use_since_the_check)
{
	root_loaded(&model_kinds[0], 1);
	cr_expect_eq(root_call(start_with_a_bit, CR4_FRED, 0), PLINTH_E_NOTSUP);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "CR4.FRED", "fred=off"));
	root_expect_clean();
}

/* The control is there, the INVVPID it needs is not. */
Test(vcpu_life, vpid_that_cannot_be_flushed)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.ept_vpid &= ~(1ull << 42);
	root_up(&kind);
	cr_expect_eq(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_VPID, 0);
	expect_start_and_stop(&kind);
}

Test(vcpu_life, user_wait_and_pconfig)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.secondary |= (uint64_t)(SECONDARY_USER_WAIT | SECONDARY_PCONFIG) << 32;
	kind.waitpkg = kind.pconfig = true;
	root_up(&kind);
	cr_expect_eq(model_field(0, VMCS_SECONDARY_CONTROLS) & (SECONDARY_USER_WAIT | SECONDARY_PCONFIG),
		     SECONDARY_USER_WAIT | SECONDARY_PCONFIG);
}

/* Exits end the guest's traces and entries cannot take them up again: there is nothing to translate. */
Test(vcpu_life, traces_that_only_end)
{
	struct model_kind kind = model_kinds[0];

	kind.caps.exit |= EXIT_CLEAR_RTIT | (uint64_t)EXIT_CLEAR_RTIT << 32;
	kind.caps.entry &= ~((uint64_t)ENTRY_LOAD_RTIT << 32);
	kind.caps.secondary |= (uint64_t)SECONDARY_PT_GUEST_PHYS << 32;
	root_up(&kind);
	cr_expect(model_field(0, VMCS_EXIT_CONTROLS) & EXIT_CLEAR_RTIT);
	cr_expect_not(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_PT_GUEST_PHYS);
	root_expect_clean();
}

static int without_slat(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	vcpu_fini();
	vcpu_register_slat(NULL);
	return vcpu_init(root_boot());
}

Test(vcpu_life, without_second_level_translation)
{
	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(root_call(without_slat, 0, 0), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_EPT, 0);
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}

/* The highest leaf of CPUID decides what there is, whatever a higher one would answer. */
Test(vcpu_life, a_cpu_without_leaf_7)
{
	struct model_kind kind = model_kinds[0];

	kind.highest_leaf = 6;
	root_up(&kind);
	cr_expect_eq(model_field(0, VMCS_SECONDARY_CONTROLS) & (SECONDARY_INVPCID | SECONDARY_XSAVES), 0);
	cr_expect_neq(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_RDTSCP, 0);
}

/*
 * A guest that its CPU refuses: nothing of it ran, so the start is taken back, with an error and the reason.
 */
Test(vcpu_life, a_first_entry_that_fails)
{
	struct model_cpu *cpu = &model.cpu[0];
	uint64_t *gdt;

	root_loaded(&model_kinds[0], 1);
	gdt = (uint64_t *)model_low(cpu->st.gdt.base);
	/* No loaded TR has an idle task state. */
	gdt[cpu->st.seg[MODEL_TR].selector / 8] &= ~(1ull << 41);
	cr_expect_eq(machine_start(), PLINTH_E_ENTRY, "%s", machine.report.text);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "reason", "0x80000021"));
	cr_expect_eq(cpu->st.msr[MODEL_MSR_PERF_GLOBAL_CTRL], 0xf, "the exit had stopped the counters");
	cr_expect_eq(cpu->st.msr[MODEL_MSR_PEBS_ENABLE], 3);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "vmxchk:", fact_hex(VMCS_GUEST_TR_RIGHTS)),
		  "the rule that was broken");
	cr_expect_eq(cpu->rip, MACHINE_GATE);
	cr_expect_eq(cpu->st.cr4 & CR4_VMXE, 0);
	cr_expect_not(cpu->virt_on);
	cr_expect_eq(machine_unload(), 0);
}

/* -- segments -------------------------------------------------------------------------------- */

#define LDT_SELECTOR(i) ((i) << 3 | 4)

/* A descriptor: base, limit, byte 5, upper half of byte 6. */
static uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t type, uint8_t flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)type << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

/* SDM, "Segment Selectors": the LDT is looked at where a selector says so, index 0 of it included. */
Test(vcpu_life, segments_of_the_local_descriptor_table)
{
	static uint64_t gdt[16], ldt[4];
	const struct cpu_table table = {.base = (uint64_t)gdt, .limit = sizeof(gdt) - 1};
	struct vcpu_segment_state s[SEG_COUNT];
	struct model_segment *seg;

	machine_reset(&model_kinds[0], 1);
	seg = model.cpu[0].st.seg;
	ldt[0] = descriptor(0x10000, 0xfffff, 0xf3, 0xc);
	ldt[1] = descriptor(0x87654321, 0x1234, 0xf3, 0x4);
	gdt[1] = descriptor(0, 0xfffff, 0x93, 0xc);
	gdt[2] = descriptor(0, 0xfffff, 0x9b, 0xa);
	gdt[4] = descriptor((uint32_t)(uint64_t)ldt, sizeof(ldt) - 1, 0x82, 0);
	gdt[5] = (uint64_t)ldt >> 32;
	gdt[8] = descriptor(0x5000, 0x67, 0x8b, 0);
	gdt[9] = 0xffffff01;
	seg[MODEL_LDTR].selector = 4 << 3;
	seg[MODEL_TR].selector = 8 << 3;
	seg[MODEL_CS].selector = 2 << 3;
	seg[MODEL_SS].selector = 0;
	seg[MODEL_ES].selector = seg[MODEL_FS].selector = seg[MODEL_GS].selector = LDT_SELECTOR(1);
	seg[MODEL_DS].selector = LDT_SELECTOR(0);
	segments_capture(s, &table);
	cr_expect_eq(s[SEG_LDTR].base, (uint64_t)ldt);
	cr_expect_eq(s[SEG_TR].base, 0xffffff0100005000);
	cr_expect_eq(s[SEG_TR].limit, 0x67);
	cr_expect_eq(s[SEG_ES].base, 0x87654321);
	cr_expect_eq(s[SEG_ES].limit, 0x1234);
	cr_expect_eq(s[SEG_ES].rights, 0x40f3);
	cr_expect_eq(s[SEG_DS].base, 0x10000);
	cr_expect_eq(s[SEG_DS].limit, 0xffffffff);
	cr_expect_eq(s[SEG_CS].rights, 0xa09b);
	cr_expect_eq(s[SEG_SS].rights, SEG_UNUSABLE);
	cr_expect_eq(s[SEG_FS].limit, 0x1234);
	cr_expect_eq(s[SEG_FS].base, model.cpu[0].st.msr[MODEL_MSR_FS_BASE], "not the descriptor's");
	cr_expect_eq(s[SEG_GS].base, model.cpu[0].st.msr[MODEL_MSR_GS_BASE]);
}

/* A guest with a GDT larger than the VMM's copy of it: what is used of it lies within. */
Test(vcpu_life, a_large_descriptor_table, .init = root_usual)
{
	static _Alignas(4096) uint64_t large[512];
	struct model_cpu *cpu = &model.cpu[0];

	memcpy(large, (const void *)model_low(cpu->st.gdt.base), 128);
	cpu->st.gdt.base = (uint64_t)large;
	cpu->st.gdt.limit = sizeof(large) - 1;
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(cpu->st.gdt.base, (uint64_t)large);
	cr_expect_eq(cpu->st.gdt.limit, sizeof(large) - 1);
}

/* -- memory runs out ---------------------------------------------------------------------------- */

/* Pages that somebody else took, linked through their first words. */
static uint64_t *taken;

static uint64_t free_pages(void)
{
	const struct plinth_shared *shared = core_shared_region(machine.core);

	return shared->pool_pages - shared->pool_used;
}

static int leave_pages(uint64_t pages, uint64_t unused)
{
	(void)unused;
	while (free_pages() > pages) {
		uint64_t *page = mem_page_alloc();

		*page = (uint64_t)taken;
		taken = page;
	}
	return 0;
}

static int give_pages_back(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	while (taken) {
		uint64_t *page = taken;

		taken = (uint64_t *)*page;
		mem_page_free(page);
	}
	return 0;
}

static uint64_t heap_in_use(void)
{
	return core_shared_region(machine.core)->heap_used;
}

Test(vcpu_life, a_cpu_that_gets_only_some_of_its_pages)
{
	uint64_t pages = 0, heap, left;

	root_loaded(&model_kinds[0], 1);
	/* Once, so that the page tables behind its stacks are there. */
	cr_assert_eq(machine_start(), 0);
	cr_assert_eq(machine_stop(), 0);
	heap = heap_in_use();
	root_call(leave_pages, 0, 0);
	for (;; pages++) {
		int err;

		root_call(give_pages_back, 0, 0);
		root_call(leave_pages, pages, 0);
		left = free_pages();
		err = machine_start();
		if (!err)
			break;
		cr_expect_eq(err, PLINTH_E_NOMEM, "%llu pages: %s", (unsigned long long)pages,
			     machine.report.text);
		cr_expect_eq(heap_in_use(), heap, "%llu pages", (unsigned long long)pages);
		cr_expect_eq(free_pages(), left, "%llu pages", (unsigned long long)pages);
		cr_assert_lt(pages, 100);
	}
	cr_expect_geq(pages, PLINTH_ROOT_STACK_PAGES + PLINTH_NMI_STACK_PAGES + PLINTH_FAULT_STACK_PAGES + 3);
	cr_expect_eq(machine_stop(), 0);
	root_call(give_pages_back, 0, 0);
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}

static int take_the_heap(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	for (size_t bytes = 4096; bytes; bytes /= 2)
		while (mem_alloc(bytes, 0))
			;
	return 0;
}

Test(vcpu_life, a_cpu_without_heap)
{
	uint64_t left;

	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(machine_start(), 0);
	cr_assert_eq(machine_stop(), 0);
	root_call(take_the_heap, 0, 0);
	left = free_pages();
	cr_expect_eq(machine_start(), PLINTH_E_NOMEM, "%s", machine.report.text);
	cr_expect_eq(free_pages(), left);
	root_expect_clean();
}

static uint64_t leaked;

/* The vCPU module and second-level translation come up again, with so many pages left. */
static int up_with(uint64_t pages, uint64_t unused)
{
	uint64_t before;
	int err;

	(void)unused;
	vcpu_fini();
	/* Registered by a constructor, which runs once; vcpu_fini() forgot it. */
	vcpu_register_slat((const struct slat *)unused);
	leave_pages(pages, 0);
	before = free_pages();
	err = vcpu_init(root_boot());
	leaked = err ? before - free_pages() : 0;
	give_pages_back(0, 0);
	return err ? (vcpu_init(root_boot()) ? PLINTH_E_CORRUPT : err) : 0;
}

Test(vcpu_life, module_memory_runs_out)
{
	uint64_t pages = 0;
	const struct slat *slat;
	int err;

	/* Away from the first 2 MiB, which are mapped page by page anyhow. */
	machine_reset(&model_kinds[0], 1);
	cr_assert_not_null(memory_alloc(1024, MEM_PAGE));
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
	slat = vcpu_common.slat;
	cr_assert_not_null(slat);
	do {
		err = root_call(up_with, pages, (uint64_t)slat);
		if (err)
			cr_expect_eq(err, PLINTH_E_NOMEM, "%llu pages: %d", (unsigned long long)pages, err);
		cr_expect_eq(leaked, 0, "%llu pages", (unsigned long long)pages);
		cr_assert_lt(pages++, 3000);
	} while (err);
	cr_expect_gt(pages, 5);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}

/* All addresses that the VMM can map something at, or all it has page tables for. */
static enum exit_action take_addresses(struct vcpu *vcpu)
{
	(void)vcpu;
	for (size_t n = 64; n; n /= 2)
		while (mem_map(0x80000000, n, MEM_R))
			;
	return EXIT_RETRY;
}

/* Where the APIC cannot be mapped the CPU cannot be reset: it halts, and says so. */
Test(vcpu_life, an_init_without_addresses, .init = root_usual)
{
	cr_assert_eq(root_run(take_addresses, (struct model_exit){0}), MODEL_GUEST);
	cr_expect_eq(model_exit(0, &(struct model_exit){.reason = 3}), MODEL_HALTED);
	cr_expect_eq(root_state(), PLINTH_CPU_HALTED);
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "INIT", "CPU 0"));
	cr_expect_not(model.cpu[0].virt_on);
	root_expect_clean();
}
