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

/* Which CPU, which step, which error; and the rest in the same line. */
static void expect_shortage(const char *what, const char *by, const char *most, const char *size)
{
	EXPECT_REPORT("CPU 1", "prepare", plinth_strerror(PLINTH_E_NOMEM), what, by, most, size);
}

static void expect_nothing_but_the_error(void)
{
	const char *error = plinth_strerror(PLINTH_E_NOMEM), *at = strstr(report.text, error);

	EXPECT_REPORT("CPU 1", "prepare", error);
	cr_expect(at && !strcmp(at + strlen(error), "\n"), "%s", report.text);
}

Test(core_shortage, each_has_its_own_remedy, .init = up)
{
	/* In the order of the load: entry, base. */
	run_short(
		&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_HEAP, .wanted = 1472, .by = 1, .most = 0});
	expect_shortage("heap", "mock-base wanted 1472", "mock-entry has most", "32");
	run_short(&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_PAGES, .wanted = 1, .by = 0, .most = 1});
	expect_shortage("pool", "mock-entry wanted 1", "mock-base has most",
			fact_decimal(core->space[SPACE_POOL].pages));
	run_short(&(struct plinth_shortage){
		.kind = PLINTH_SHORTAGE_ADDRESSES, .wanted = 4, .by = PLINTH_MEMORY_MODULES - 1});
	expect_shortage("addresses", "4", "stop", "start");
	cr_expect_null(strstr(report.text, "heap"), "%s", report.text);
}

/* A module's own reasons, and shortages that an earlier command has told of. */
Test(core_shortage, what_is_not_known_is_not_guessed, .init = up)
{
	run_short(NULL);
	expect_nothing_but_the_error();
	run_short(&(struct plinth_shortage){.kind = PLINTH_SHORTAGE_HEAP});
	EXPECT_REPORT("CPU 1", "heap");
	run_short(NULL);
	expect_nothing_but_the_error();
}

/* A guest may be able to write there. */
Test(core_shortage, nonsense_leads_nowhere, .init = up)
{
	run_short(&(struct plinth_shortage){.kind = 77, .by = ~0ull, .most = ~0ull});
	expect_nothing_but_the_error();
	run_short(&(struct plinth_shortage){
		.kind = PLINTH_SHORTAGE_HEAP, .by = ~0ull, .most = PLINTH_MEMORY_MODULES - 1});
	EXPECT_REPORT("CPU 1", "heap", "0");
	cr_expect_null(strstr(report.text, "mock-"), "%s", report.text);
}
