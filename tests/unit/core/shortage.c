/* SPDX-License-Identifier: MIT */
/* What is said of each thing the VMM can have too little of. */
#include "fixture.h"

static struct plinth_shortage *shortage(void)
{
	return &core_shared_region(core)->shortage;
}

/* One happens in a command, and then the VMM's error arrives. */
static void run_short(const struct plinth_shortage *what)
{
	report_clear(&report);
	core->report = &report;
	explain_mark(core);
	if (what) {
		uint64_t times = shortage()->times;

		*shortage() = *what;
		shortage()->times = times + 1;
	}
	explain(core, 1, "prepare", PLINTH_E_NOMEM);
	core->report = NULL;
}

static void up(void)
{
	fixture_up();
	cr_assert_eq(load_good(), 0, "%s", report.text);
}

Test(core_shortage, each_has_its_own_remedy, .init = up)
{
	/* In the order of the load: entry, base. */
	run_short(
		&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_HEAP, .wanted = 1472, .by = 1, .most = 0});
	EXPECT_REPORT("CPU 1: prepare failed: out of memory: the heap of 32 KiB is used up (mock-base wanted "
		      "1472 bytes, "
		      "mock-entry has most): load with a larger heap\n");
	run_short(&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_PAGES, .wanted = 1, .by = 0, .most = 1});
	EXPECT_REPORT(" pages is used up (mock-entry wanted 1 more, mock-base has most), and a larger heap "
		      "does not help: "
		      "load without modules of your own, or without optional ones; with Plinth's alone it is "
		      "a defect: "
		      "report it\n");
	run_short(&(struct plinth_shortage){
		.kind = PLINTH_SHORTAGE_ADDRESSES, .wanted = 4, .by = PLINTH_MEMORY_MODULES - 1});
	EXPECT_REPORT("out of memory: the VMM's addresses are used up (4 in a row wanted): stop and start");
	cr_expect_null(strstr(report.text, "heap"), "%s", report.text);
}

/* A module's own reasons, and shortages that an earlier command has told of. */
Test(core_shortage, what_is_not_known_is_not_guessed, .init = up)
{
	run_short(NULL);
	cr_expect_str_eq(report.text, "CPU 1: prepare failed: out of memory\n");
	run_short(&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_HEAP});
	EXPECT_REPORT("larger heap");
	run_short(NULL);
	cr_expect_str_eq(report.text, "CPU 1: prepare failed: out of memory\n");
}

/* A guest may be able to write there. */
Test(core_shortage, nonsense_leads_nowhere, .init = up)
{
	run_short(&(struct plinth_shortage){.kind = 77, .by = ~0ull, .most = ~0ull});
	cr_expect_str_eq(report.text, "CPU 1: prepare failed: out of memory\n");
	run_short(&(struct plinth_shortage){
		.kind = PLINTH_SHORTAGE_HEAP, .by = ~0ull, .most = PLINTH_MEMORY_MODULES - 1});
	EXPECT_REPORT("a module wanted 0 bytes, a module has most");
}
