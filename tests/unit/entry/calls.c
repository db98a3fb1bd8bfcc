/* SPDX-License-Identifier: MIT */
/*
 * The launch ABI's functions, called in the wrong order, with the wrong numbers, and with too little memory.
 */
#include <plinth/entry.h>
#include <plinth/memory.h>

#include "drivers/common/internal.h"
#include "root/root.h"

static struct plinth_boot changed;

static int init_changed(uint64_t a, uint64_t cpu)
{
	(void)a;
	return entry_init(&changed, cpu);
}

static int fini_then_init_changed(uint64_t a, uint64_t cpu)
{
	entry_fini(cpu);
	return init_changed(a, cpu);
}

static int prepare(uint64_t target, uint64_t cpu)
{
	return entry_prepare(target, cpu);
}

static int release(uint64_t target, uint64_t cpu)
{
	entry_release(target, cpu);
	return 0;
}

static int start(uint64_t cpu, uint64_t unused)
{
	(void)unused;
	return entry_start(cpu, MACHINE_GATE, 0, 0);
}

Test(entry_calls, another_abi)
{
	root_loaded(&model_kinds[0], 2);
	changed = *root_boot();
	changed.size--;
	cr_expect_eq(root_call(init_changed, 0, 0), PLINTH_E_ABI);
	changed = *root_boot();
	changed.abi++;
	cr_expect_eq(root_call(init_changed, 0, 0), PLINTH_E_ABI);
}

Test(entry_calls, cpus_that_do_not_exist)
{
	root_loaded(&model_kinds[0], 2);
	changed = *root_boot();
	changed.n_cpus = 0;
	cr_expect_eq(root_call(init_changed, 0, 0), PLINTH_E_INVAL);
	changed.n_cpus = 2;
	cr_expect_eq(root_call(init_changed, 0, 2), PLINTH_E_INVAL);
	cr_expect_eq(root_call(prepare, 2, 0), PLINTH_E_INVAL);
	cr_expect_eq(root_call(prepare, ~0ull, 0), PLINTH_E_INVAL);
	cr_expect_eq(root_call(release, 2, 0), 0);
	cr_expect_eq(root_call(start, 2, 0), PLINTH_E_STATE);
	cr_expect_eq(root_call(start, ~0ull, 0), PLINTH_E_STATE);
}

Test(entry_calls, prepare_start_release_in_any_order)
{
	const struct plinth_shared_cpu *block;

	root_loaded(&model_kinds[0], 2);
	block = plinth_shared_cpu(core_shared_region(machine.core), 1);
	cr_expect_eq(root_call(start, 1, 0), PLINTH_E_STATE, "not prepared");
	cr_expect_eq(root_call(release, 1, 0), 0, "nothing to release");
	cr_expect_eq(root_call(prepare, 1, 0), 0);
	cr_expect_eq(block->state, PLINTH_CPU_READY);
	cr_expect_neq(block->stack_top, 0);
	cr_expect_eq(root_call(prepare, 1, 0), PLINTH_E_STATE, "twice");
	cr_expect(ROOT_LOGGED(PLINTH_LOG_ERR, "CPU 1", plinth_strerror(PLINTH_E_STATE)),
		  "and the log says so");
	cr_expect_eq(root_call(release, 1, 0), 0);
	cr_expect_eq(block->state, PLINTH_CPU_OFF);
	cr_expect_eq(block->stack_top, 0);
	cr_expect_eq(root_call(release, 1, 0), 0, "twice");
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}

/* What came up before the step that failed goes down again, and the next init finds everything free. */
Test(entry_calls, a_heap_that_is_too_small_for_the_list_of_cpus)
{
	uint64_t pages = 0;
	int err;

	root_loaded(&model_kinds[0], 1);
	do {
		changed = *root_boot();
		changed.heap_bytes = ++pages * MEM_PAGE;
		changed.n_cpus = 1000;
		changed.window_pages += changed.n_cpus;
		err = root_call(pages == 1 ? fini_then_init_changed : init_changed, 0, 0);
		cr_assert(!err || err == PLINTH_E_NOMEM, "%llu pages: %d", (unsigned long long)pages, err);
		cr_assert_lt(pages, 100);
	} while (err);
	cr_expect_gt(pages, 2, "the list alone takes two");
	changed = *root_boot();
	cr_expect_eq(root_call(fini_then_init_changed, 0, 0), 0);
	cr_expect_eq(machine_start(), 0, "%s", machine.report.text);
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0);
	root_expect_clean();
}
