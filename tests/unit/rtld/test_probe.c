/* SPDX-License-Identifier: MIT */
/* Good files in every form, and files that no single change can make. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sample.h"

static const char *const good[] = {
	"base-gnu",  "base-lazy",   "base-sysv", "base-both",	"base-lld", "base-relr", "base-version",
	"user-gnu",  "user-lazy",   "user-sysv", "user-both",	"user-lld", "user-relr", "user-version",
	"base-tags", "base-marked", "user-tags", "user-marked", "strong",   "lonely",
};

Test(rtld_probe, good_files)
{
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct rtld_info *info;
		struct test_set t;

		test_set_open(&t, 0);
		cr_assert_eq(test_set_add(&t, good[i]), 0, "%s", good[i]);
		cr_expect_eq(t.errors.count, 0);
		info = rtld_info(t.set, 0);
		cr_expect_eq(info->image_size % RTLD_PAGE, 0);
		cr_expect_geq(info->segments, 3, "%s", good[i]);
		cr_expect_gt(info->exports, 0, "%s", good[i]);
		test_set_close(&t);
	}
}

Test(rtld_probe, what_is_known_of_a_module)
{
	const struct rtld_info *info;
	struct test_set t;
	uint32_t at = 0;

	test_set_open(&t, 0);
	test_set_add(&t, "user-gnu");
	info = rtld_info(t.set, 0);
	cr_expect_str_eq(info->name, "user.so");
	cr_expect_str_eq(info->file, "user-gnu.so");
	cr_expect_eq(info->needed, 1);
	cr_expect_str_eq(rtld_next_needed(t.set, 0, &at), "base.so");
	cr_expect_eq(rtld_next_needed(t.set, 0, &at), NULL);
	cr_expect_eq(rtld_next_needed(t.set, 1, &at), NULL);
	cr_expect_eq(info->init_count, 1);
	cr_expect_eq(info->fini_count, 1);
	cr_expect_eq(info->exports, 5);
	cr_expect_eq(rtld_find_module(t.set, "user.so"), 0);
	cr_expect_eq(rtld_find_module(t.set, "nobody.so"), PLINTH_E_NOSYM);
	cr_expect_eq(rtld_info(t.set, 1), NULL);
	test_set_close(&t);
}

Test(rtld_probe, note)
{
	struct test_set t;
	const uint32_t *desc;
	size_t size = 0;

	test_set_open(&t, 0);
	test_set_add(&t, "base-gnu");
	desc = rtld_find_note(t.set, 0, "Plinth", 42, &size);
	cr_assert(desc);
	cr_expect_eq(size, 8);
	cr_expect_eq(desc[0], 0x11223344);
	cr_expect_eq(rtld_find_note(t.set, 0, "Plinth", 43, &size), NULL);
	cr_expect_eq(rtld_find_note(t.set, 0, "Plint", 42, &size), NULL);
	cr_expect_eq(rtld_find_note(t.set, 0, "Plinthe", 42, &size), NULL);
	cr_expect_eq(rtld_find_note(t.set, 1, "Plinth", 42, &size), NULL);
	cr_expect(rtld_find_note(t.set, 0, "GNU", 3, &size));
	cr_expect_eq(size, 20);
	test_set_close(&t);
}

static void expect_only(struct test_set *t, const struct sample *s, enum rtld_check check)
{
	cr_expect_lt(test_set_add_sample(t, s), 0);
	cr_expect_eq(t->errors.count, 1);
	cr_expect_eq(t->list[0].check, check, "%s", rtld_check_name(t->list[0].check));
}

Test(rtld_probe, unaligned_buffer)
{
	struct test_set t;
	struct sample s;

	test_set_open(&t, 0);
	sample_load(&s, "base-gnu");
	memmove(s.bytes - 4, s.bytes, s.size);
	cr_expect_eq(rtld_probe(t.set, "x", s.bytes - 4, s.size), PLINTH_E_INVAL);
	cr_expect_eq(t.list[0].check, RTLD_FILE_ALIGN);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_probe, no_segment)
{
	struct test_set t;
	struct sample s;
	struct elf64_phdr *p;

	test_set_open(&t, 0);
	sample_load(&s, "base-gnu");
	while ((p = sample_phdr(&s, PT_LOAD, 0)))
		p->type = 0;
	while ((p = sample_phdr(&s, PT_GNU_RELRO, 0)))
		p->type = 0;
	while ((p = sample_phdr(&s, PT_DYNAMIC, 0)))
		p->type = 0;
	expect_only(&t, &s, RTLD_LOAD_NONE);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_probe, many_segments)
{
	struct sample s, more;
	struct test_set t;
	uint32_t have;

	test_set_open(&t, 0);
	sample_load(&s, "base-gnu");
	for (have = 0; sample_phdr(&s, PT_LOAD, have); have++)
		;
	sample_add_empty(&more, &s, 0, RTLD_MAX_SEGMENTS - have);
	cr_expect_eq(test_set_add_sample(&t, &more), 0);
	cr_expect_eq(rtld_info(t.set, 0)->segments, RTLD_MAX_SEGMENTS);
	sample_free(&more);
	test_set_close(&t);

	test_set_open(&t, 0);
	sample_add_empty(&more, &s, 0, RTLD_MAX_SEGMENTS - have + 1);
	expect_only(&t, &more, RTLD_LOAD_MANY);
	sample_free(&more);
	sample_free(&s);
	test_set_close(&t);
}

/* A new PT_LOAD holds 17 MiB of hash table, which is more than so many symbols want. */
static void expect_too_many(const char *name, uint64_t tag, const uint32_t *table, size_t bytes,
			    enum rtld_check check, uint64_t limit)
{
	struct test_set t;
	struct sample s;

	test_set_open(&t, 0);
	sample_load(&s, name);
	memcpy(sample_extend(&s, 0x100000, PF_R, 17 << 20), table, bytes);
	sample_dyn(&s, tag)->value = 0x100000;
	expect_only(&t, &s, check);
	cr_expect_eq(t.list[0].limit, limit);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_probe, too_many_symbols)
{
	static const uint32_t sysv[] = {1, RTLD_MAX_SYMBOLS + 1};
	/* One bucket, whose chain starts at the first symbol and has no end. */
	static const uint32_t gnu[] = {1, 1, 1, 0, 0, 0, 1};

	static uint32_t chain[2 + 1 + 401] = {1, 401, 1};
	uint32_t i;

	for (i = 1; i < 400; i++)
		chain[3 + i] = i + 1;
	expect_too_many("base-sysv", 4, chain, sizeof(chain), RTLD_HASH_CROWD, 128);
	expect_too_many("base-sysv", 4, sysv, sizeof(sysv), RTLD_SYMBOL_COUNT, RTLD_MAX_SYMBOLS);
	expect_too_many("base-gnu", 0x6ffffef5, gnu, sizeof(gnu), RTLD_HASH_CROWD, 128);
}

Test(rtld_probe, full_set)
{
	struct test_set t;
	int i;

	test_set_open(&t, 0);
	for (i = 0; i < TEST_MODULES; i++)
		cr_expect_eq(test_set_add(&t, "strong"), i);
	t.samples--;
	sample_free(&t.sample[t.samples]);
	cr_expect_eq(test_set_add(&t, "strong"), PLINTH_E_LIMIT);
	cr_expect_eq(t.list[0].check, RTLD_SET_FULL);
	test_set_close(&t);
}

Test(rtld_probe, set_arguments)
{
	static _Alignas(16) uint8_t arena[1 << 16];
	struct rtld_errors errors = {0};
	size_t size = rtld_set_size(1);

	cr_expect_eq(rtld_set_size(0), 0);
	cr_expect_eq(rtld_set_size(RTLD_MAX_MODULES + 1), 0);
	cr_expect_gt(rtld_set_size(RTLD_MAX_MODULES), 0);
	cr_expect(rtld_set_init(arena, size, 1, 0, &errors));
	cr_expect_not(rtld_set_init(arena, size - 1, 1, 0, &errors));
	cr_expect_not(rtld_set_init(arena + 8, size, 1, 0, &errors));
	cr_expect_not(rtld_set_init(arena, size, 1, 0x80, &errors));
	cr_expect_not(rtld_set_init(arena, size, 1, 0, NULL));
}

/* Findings beyond the room are counted, not written. */
Test(rtld_probe, no_room_for_findings)
{
	struct test_set t;
	struct sample s;

	test_set_open(&t, 0);
	t.errors.room = 0;
	t.list[0].check = 12345;
	sample_load(&s, "base-gnu");
	s.bytes[0] = 0;
	cr_expect_eq(test_set_add_sample(&t, &s), PLINTH_E_FORMAT);
	cr_expect_eq(t.errors.count, 1);
	cr_expect_eq(t.list[0].check, 12345);
	sample_free(&s);
	test_set_close(&t);
}

/* Findings of a file that has been changed; checks[] as they must come, 0 at the end. */
static void expect_findings(const struct sample *s, const enum rtld_check *checks)
{
	struct test_set t;
	uint32_t i;

	test_set_open(&t, 0);
	cr_expect_eq(test_set_add_sample(&t, s), PLINTH_E_FORMAT);
	for (i = 0; checks[i]; i++)
		cr_expect(i < t.errors.count && t.list[i].check == checks[i], "finding %u: %s instead of %s",
			  i, i < t.errors.count ? rtld_check_name(t.list[i].check) : "none",
			  rtld_check_name(checks[i]));
	cr_expect_eq(t.errors.count, i);
	test_set_close(&t);
}

/* What does not rely on what has failed is looked at all the same. */
Test(rtld_probe, several_defects)
{
	struct sample s;

	sample_load(&s, "base-gnu");
	*(uint32_t *)(s.bytes + sample_phdr(&s, PT_NOTE, 0)->offset) = 0x7fffffff;
	sample_symbol(&s, "base_choice")->info = 0xff;
	sample_dyn(&s, 25)->value += 4;
	expect_findings(&s, (const enum rtld_check[]){RTLD_NOTE_ENTRY, RTLD_SYMBOL_KIND, RTLD_INIT_ALIGN, 0});
	/* The symbols cannot be looked at without the strings they are named by. */
	*sample_at(&s, sample_dyn(&s, 5)->value) = 'x';
	expect_findings(&s,
			(const enum rtld_check[]){RTLD_NOTE_ENTRY, RTLD_STRTAB_FIRST, RTLD_INIT_ALIGN, 0});
	/* Nor anything but notes without the dynamic section. */
	sample_dyn(&s, 10)->tag = 21;
	expect_findings(&s, (const enum rtld_check[]){RTLD_NOTE_ENTRY, RTLD_TAG_MISSING, 0});
	s.bytes[18] = 3;
	expect_findings(&s, (const enum rtld_check[]){RTLD_EHDR_MACHINE, 0});
	sample_free(&s);
}

/* The types of references are not looked at: their definitions' count. */
Test(rtld_probe, references_of_any_type)
{
	static const uint8_t types[] = {STT_TLS, STT_GNU_IFUNC, STT_SECTION};
	size_t i;

	for (i = 0; i < sizeof(types); i++) {
		struct test_set t;
		struct sample s;

		test_set_open(&t, 0);
		sample_load(&s, "user-gnu");
		sample_symbol(&s, "base_sum")->info = STB_GLOBAL << 4 | types[i];
		cr_assert_eq(test_set_add_sample(&t, &s), 0, "type %u", types[i]);
		cr_assert_eq(test_set_add(&t, "base-gnu"), 1);
		test_set_place(&t, TEST_BASE);
		cr_expect_eq(test_set_link(&t), 0, "type %u", types[i]);
		sample_free(&s);
		test_set_close(&t);
	}
}

#define LIST 4000u /* entries of a list of names */

/* Two definitions of versions that share a long list of names, `shift` bytes into a PT_LOAD. */
static void make_versions(struct sample *s, uint32_t names, uint32_t shift)
{
	struct elf64_verdef *d;
	struct elf64_verdaux *aux;
	struct elf64_phdr *p;
	uint32_t i;

	sample_load(s, "base-version");
	d = sample_extend(s, 0x100000, PF_R, 0x9000);
	aux = (void *)(d + 2);
	for (i = 0; i < 2; i++)
		d[i] = (struct elf64_verdef){
			.count = names,
			.aux = (uint8_t *)aux - (uint8_t *)&d[i],
			.next = sizeof(*d),
		};
	for (i = 0; i < LIST; i++)
		aux[i] = (struct elf64_verdaux){.next = sizeof(*aux)};
	memmove((uint8_t *)d + shift, d, sizeof(*d) * 2 + sizeof(*aux) * LIST);
	for (i = 0; (p = sample_phdr(s, PT_LOAD, i)); i++)
		if (p->vaddr == 0x100000) {
			p->align = 1;
			p->offset += shift;
			p->filesz = p->memsz = p->filesz - shift;
		}
	sample_dyn(s, 0x6ffffffc)->value = 0x100000;
	sample_dyn(s, 0x6ffffffd)->value = 2;
}

/* Shared lists must not cost more than a file has room for; nor is a word read that is not aligned. */
Test(rtld_probe, lists_of_versions)
{
	static const struct {
		uint32_t names, shift;
		enum rtld_check check;
	} cases[] = {
		{100, 0, RTLD_OK},
		{LIST, 0, RTLD_PROBE_COST},
		{100, 2, RTLD_VERSION_RANGE},
		{100, 4, RTLD_OK},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct test_set t;
		struct sample s;

		test_set_open(&t, 0);
		make_versions(&s, cases[i].names, cases[i].shift);
		if (cases[i].check)
			expect_only(&t, &s, cases[i].check);
		else
			cr_expect_eq(test_set_add_sample(&t, &s), 0, "case %zu", i);
		sample_free(&s);
		test_set_close(&t);
	}
}

/* RELATIVE entries are checked four at a time: any number of them, and one that is bad at any place. */
Test(rtld_probe, numbers_of_relative_entries)
{
	uint32_t n, bad, i;

	for (n = 1; n <= 9; n++)
		for (bad = 0; bad <= n; bad++) {
			struct elf64_rela *r;
			struct test_set t;
			struct sample s;
			uint64_t place;

			sample_load(&s, "base-gnu");
			place = sample_rela(&s, 7, R_X86_64_RELATIVE)->offset;
			r = sample_extend(&s, 0x100000, PF_R, 0x1000);
			for (i = 0; i < n; i++)
				r[i] = (struct elf64_rela){.offset = i + 1 == bad ? 0 : place,
							   .type = R_X86_64_RELATIVE};
			sample_dyn(&s, 7)->value = 0x100000;
			sample_dyn(&s, 8)->value = n * sizeof(*r);
			test_set_open(&t, 0);
			if (bad) {
				expect_only(&t, &s, RTLD_RELOC_PLACE);
				cr_expect_eq(t.list[0].index, bad - 1, "%u of %u", bad, n);
			} else {
				cr_assert_eq(test_set_add_sample(&t, &s), 0);
				cr_expect_eq(rtld_info(t.set, 0)->relative, n);
			}
			sample_free(&s);
			test_set_close(&t);
		}
}
