/* SPDX-License-Identifier: MIT */
/* Modules that do not fit, and what is told about those that do. */
#include "fixture.h"

#include <string.h>

static const struct {
	const char *names[2];
	unsigned int n;
	int err;
	const char *lines[3][4]; /* facts of each */
} bad[] = {
	{{"entry", "base_wrong_abi"},
	 2,
	 PLINTH_E_ABI,
	 {{"base_wrong_abi", "99", "1", "driver is the older"}}},
	{{"entry", "base_old_abi"}, 2, PLINTH_E_ABI, {{"base_old_abi", "0", "1", "module is the older"}}},
	{{"entry", "base_no_note"}, 2, PLINTH_E_ABI, {{"base_no_note", "PLINTH_MODULE()"}}},
	{{"base", "entry_no_start"}, 2, PLINTH_E_NOSYM, {{"entry_start", "entry"}}},
	{{"base"}, 1, PLINTH_E_NOSYM, {{"entry_init"}, {"entry_fini"}, {"entry_check"}}},
	{{"base", "entry_undefined"},
	 2,
	 PLINTH_E_NOSYM,
	 {{"nobody_has_this", "entry_undefined"}, {"nor_this", "entry_undefined"}}},
	{{"entry"}, 1, PLINTH_E_LINK, {{"base", "entry"}}},
	{{"base", "base"}, 2, PLINTH_E_LINK, {{"base"}}},
	{{"entry", "base_short_note"}, 2, PLINTH_E_ABI, {{"base_short_note", "PLINTH_MODULE()"}}},
	{{"base_long_role"}, 1, PLINTH_E_NOSYM, {{"entry_start"}}},
	{{"base_no_note", "base_wrong_abi"},
	 2,
	 PLINTH_E_ABI,
	 {{"base_no_note", "PLINTH_MODULE()"}, {"base_wrong_abi", "99"}}},
};

static void expect_line(const char *const facts[4])
{
	EXPECT_REPORT(facts[0], facts[1], facts[2], facts[3]);
}

Test(core_modules, what_does_not_fit_is_named, .init = fixture_up)
{
	const struct mock_world before = mock_world;

	for (size_t i = 0; i < ARRAY_SIZE_OF(bad); i++) {
		cr_expect_eq(load_modules(bad[i].names, bad[i].n, 0, 0), bad[i].err, "row %zu: %s", i,
			     report.text);
		for (unsigned int k = 0; k < 3; k++)
			expect_line(bad[i].lines[k]);
		worlds_equal(&before, bad[i].names[0]);
	}
}

Test(core_modules, a_file_that_is_no_module, .init = fixture_up)
{
	static const _Alignas(8) char text[64] = "#!/bin/sh\n";
	const struct core_file file = {.name = "script.so", .bytes = text, .n_bytes = sizeof(text)};
	struct core_load load = {.files = &file, .n_files = 1};

	cr_expect_eq(core_load(core, &load, &report), PLINTH_E_FORMAT);
	EXPECT_REPORT("script.so");
	load.n_files = 0;
	cr_expect_eq(core_load(core, &load, &report), PLINTH_E_LIMIT);
	load.n_files = PLINTH_CTL_MAX_FILES + 1;
	cr_expect_eq(core_load(core, &load, &report), PLINTH_E_LIMIT);
	EXPECT_REPORT("65", "64");
}

Test(core_modules, heap_limits, .init = fixture_up)
{
	cr_expect_eq(load_modules(good_modules, 2, 0, PLINTH_CTL_MIN_HEAP - 1), PLINTH_E_LIMIT);
	EXPECT_REPORT("heap", "32767", "32768", "1073741824");
	cr_expect_eq(load_modules(good_modules, 2, 0, PLINTH_CTL_MAX_HEAP + 1), PLINTH_E_LIMIT);
}

Test(core_modules, are_listed, .init = fixture_up)
{
	struct plinth_ctl_module list[4] = {0};
	char names[2][40];

	cr_expect_eq(core_modules(core, list, 4, sizeof(*list)), 0);
	cr_assert_eq(load_good(), 0);
	cr_expect_eq(core_modules(core, list, 1, sizeof(*list)), 2);
	cr_expect_eq(list[1].abi, 0, "there was room for one");
	cr_expect_eq(core_modules(core, list, 4, sizeof(*list)), 2);
	cr_expect_str_eq(list[0].role, "entry");
	cr_expect_str_eq(list[0].name, "mock-entry");
	cr_expect_str_eq(list[1].role, "base");
	cr_expect_str_eq(list[1].version, "1.2.3");
	cr_expect_str_eq(list[1].description, "what the mock entry module needs");
	cr_expect_eq(list[1].abi, PLINTH_MODULE_ABI);
	cr_expect(list[1].base_va > list[0].base_va + list[0].bytes ||
			  list[0].base_va > list[1].base_va + list[1].bytes,
		  "a guard page lies between");
	cr_expect_eq(core_modules(core, names, 2, sizeof(names[0])), 2, "a receiver that knows less");
	cr_expect_str_eq(names[1], "base");
	cr_expect_eq(mock_world.locked, 0);
}

Test(core_modules, shared_region_is_copied, .init = fixture_up)
{
	struct plinth_shared head;

	cr_expect_eq(core_shared(core, &head, sizeof(head)), 0);
	cr_assert_eq(load_good(), 0);
	cr_expect_geq(core_shared(core, &head, sizeof(head)), head.cpu_offset + 2 * head.cpu_stride);
	cr_expect_eq(head.magic, PLINTH_SHARED_MAGIC);
	cr_expect_eq(head.n_cpus, 2);
	cr_expect_gt(core_shared(core, NULL, 0), sizeof(head));
}

Test(core_modules, log_levels, .init = fixture_up)
{
	const struct plinth_tuning *tuning;
	char tag[8] = "exit";

	cr_expect_eq(core_set_level(core, "", 1, &report), PLINTH_E_STATE, "nothing is loaded");
	cr_assert_eq(load_good(), 0);
	tuning = core_tuning_page(core);
	cr_expect_eq(core_set_level(core, "", 4, &report), PLINTH_E_INVAL);
	cr_expect_eq(core_set_level(core, "", PLINTH_LEVEL_DEFAULT, &report), PLINTH_E_INVAL);
	cr_expect_eq(core_set_level(core, "", 3, &report), 0);
	cr_expect_eq(tuning->log_level, 3);
	cr_expect_eq(core_set_level(core, tag, 0, &report), 0);
	cr_expect_eq(core_set_level(core, tag, 1, &report), 0, "the same rule again");
	cr_expect_eq(tuning->rules[0].used, 1);
	cr_expect_eq(tuning->rules[0].level, 1);
	cr_expect_eq(tuning->rules[1].used, 0);
	cr_expect_eq(core_set_level(core, tag, PLINTH_LEVEL_DEFAULT, &report), 0);
	cr_expect_eq(tuning->rules[0].used, 0);
	for (tag[4] = 'a'; tag[4] < 'a' + PLINTH_LOG_RULES; tag[4]++)
		cr_expect_eq(core_set_level(core, tag, 2, &report), 0);
	cr_expect_eq(core_set_level(core, tag, 2, &report), PLINTH_E_LIMIT);
	EXPECT_REPORT(tag, "16");
}

Test(core_modules, trace_kinds, .init = fixture_up)
{
	const struct plinth_tuning *tuning;

	cr_expect_eq(core_set_trace(core, 1, &report), PLINTH_E_STATE, "nothing is loaded");
	EXPECT_REPORT("trace", "load");
	cr_assert_eq(load_good(), 0);
	tuning = core_tuning_page(core);
	cr_expect_eq(tuning->trace_off, 0, "all are recorded after a load");
	cr_expect_eq(core_set_trace(core, 0, &report), PLINTH_E_INVAL);
	cr_expect_eq(core_set_trace(core, 1ull << PLINTH_EXIT_CPUID, &report), 0);
	cr_expect_eq(tuning->trace_off, ~(1ull << PLINTH_EXIT_CPUID));
}

/* -- notes ---------------------------------------------------------------------------- */

/* A copy of the file "base" whose note may be changed. */
static struct core_file base_copy(struct plinth_module_note **note)
{
	static _Alignas(4096) uint8_t bytes[1 << 20];
	struct core_file file = find_module("base");

	cr_assert_lt(file.n_bytes, sizeof(bytes));
	memcpy(bytes, file.bytes, file.n_bytes);
	for (size_t i = 0; i + sizeof(**note) <= file.n_bytes; i += 4) {
		*note = (struct plinth_module_note *)(bytes + i);
		if ((*note)->desc_bytes == sizeof((*note)->desc) &&
		    !memcmp((*note)->name, PLINTH_NOTE_NAME, sizeof(PLINTH_NOTE_NAME))) {
			file.bytes = bytes;
			return file;
		}
	}
	cr_assert(false, "no note");
	return file;
}

static int load_with(const struct core_file *base)
{
	const struct core_file files[2] = {find_module("entry"), *base};
	const struct core_load load = {.files = files, .n_files = 2, .heap_bytes = PLINTH_CTL_MIN_HEAP};

	report_clear(&report);
	return core_load(core, &load, &report);
}

Test(core_modules, notes_of_another_size, .init = fixture_up)
{
	struct plinth_module_note *note;
	const struct core_file base = base_copy(&note);

	note->desc.size--;
	cr_expect_eq(load_with(&base), PLINTH_E_ABI);
	EXPECT_REPORT("base", PLINTH_NOTE_NAME, "bytes");
	note->desc.size++;
	cr_expect_eq(load_with(&base), 0, "%s", report.text);
}

/* What a file says of itself goes to a terminal: nothing but what can be printed, and its end. */
Test(core_modules, names_that_cannot_be_printed, .init = fixture_up)
{
	struct plinth_ctl_module list[2];
	struct plinth_module_note *note;
	const struct core_file base = base_copy(&note);

	memcpy(note->desc.version, "1\x1b[2J\x7f\xff~ ", 9);
	memset(note->desc.name, 'n', sizeof(note->desc.name));
	cr_assert_eq(load_with(&base), 0, "%s", report.text);
	cr_expect_eq(core_modules(core, list, 2, sizeof(*list)), 2);
	cr_expect_eq(strlen(list[1].name), sizeof(list[1].name) - 1, "cut");
	cr_expect_eq(strncmp(list[1].version, "1?[2J??~ ", 9), 0, "%s", list[1].version);
}

/* As many as there is room for are told one by one, the others by their number. */
Test(core_modules, more_findings_than_anybody_reads, .init = fixture_up)
{
	struct core_file files[PLINTH_CTL_MAX_FILES];
	const struct core_load load = {
		.files = files, .n_files = PLINTH_CTL_MAX_FILES, .heap_bytes = PLINTH_CTL_MIN_HEAP};
	const struct mock_world before = mock_world;

	for (unsigned int i = 0; i < PLINTH_CTL_MAX_FILES; i++)
		files[i] = find_module("entry");
	cr_expect_eq(core_load(core, &load, &report), PLINTH_E_LINK);
	EXPECT_REPORT("entry");
	cr_expect(report.full || facts_in(report.text, FACTS("more", "findings")), "%s", report.text);
	worlds_equal(&before, "after a load of one module 64 times");
}
