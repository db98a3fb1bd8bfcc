/* SPDX-License-Identifier: MIT */
/* Good files in every form, and files that no single change can make. */
#include <criterion/criterion.h>
#include <plinth/error.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sample.h"

static const char *const good[] = {
	"base-gnu", "base-lazy", "base-sysv", "base-both", "base-lld",
	"base-relr", "base-version", "user-gnu", "user-lazy", "user-sysv",
	"user-both", "user-lld", "user-relr", "user-version", "strong",
	"lonely",
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

	test_set_open(&t, 0);
	test_set_add(&t, "user-gnu");
	info = rtld_info(t.set, 0);
	cr_expect_str_eq(info->name, "user.so");
	cr_expect_str_eq(info->file, "user-gnu.so");
	cr_expect_eq(info->needed, 1);
	cr_expect_str_eq(rtld_needed(t.set, 0, 0), "base.so");
	cr_expect_eq(rtld_needed(t.set, 0, 1), NULL);
	cr_expect_eq(rtld_needed(t.set, 1, 0), NULL);
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

static void expect_only(struct test_set *t, const struct sample *s,
			enum rtld_check check)
{
	cr_expect_lt(test_set_add_sample(t, s), 0);
	cr_expect_eq(t->errors.count, 1);
	cr_expect_eq(t->list[0].check, check, "%s",
		     rtld_check_name(t->list[0].check));
}

Test(rtld_probe, unaligned_buffer)
{
	struct test_set t;
	struct sample s;

	test_set_open(&t, 0);
	sample_load(&s, "base-gnu");
	memmove(s.bytes - 4, s.bytes, s.size);
	cr_expect_eq(rtld_probe(t.set, "x", s.bytes - 4, s.size),
		     PLINTH_E_INVAL);
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

/* A copy with n empty PT_LOADs behind the others, in a new table at the end. */
static void add_segments(struct sample *to, const struct sample *from,
			 uint32_t n)
{
	static uint8_t buffer[1 << 20];
	struct elf64_ehdr *e = (void *)buffer;
	struct elf64_phdr *p;
	struct sample s = *from;
	uint32_t i;

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, from->bytes, from->size);
	p = (void *)(buffer + (from->size + 7) / 8 * 8);
	memcpy(p, buffer + e->phoff, e->phnum * sizeof(*p));
	e->phoff = (uint8_t *)p - buffer;
	for (i = 0; i < n; i++)
		p[e->phnum++] = (struct elf64_phdr){
			.type = PT_LOAD, .flags = PF_R, .align = 1,
			.vaddr = 0x100000,
		};
	s.bytes = buffer;
	s.size = (uint8_t *)(p + e->phnum) - buffer;
	sample_copy(to, &s);
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
	add_segments(&more, &s, RTLD_MAX_SEGMENTS - have);
	cr_expect_eq(test_set_add_sample(&t, &more), 0);
	cr_expect_eq(rtld_info(t.set, 0)->segments, RTLD_MAX_SEGMENTS);
	sample_free(&more);
	test_set_close(&t);

	test_set_open(&t, 0);
	add_segments(&more, &s, RTLD_MAX_SEGMENTS - have + 1);
	expect_only(&t, &more, RTLD_LOAD_MANY);
	sample_free(&more);
	sample_free(&s);
	test_set_close(&t);
}

/* PT_NOTE becomes a PT_LOAD that holds 17 MiB of SysV hash table. */
Test(rtld_probe, too_many_symbols)
{
	size_t extra = 17 << 20, at;
	struct elf64_phdr *p;
	struct test_set t;
	struct sample s, big;
	uint8_t *bytes;
	uint32_t *hash;

	test_set_open(&t, 0);
	sample_load(&s, "base-sysv");
	at = (s.size + RTLD_PAGE - 1) / RTLD_PAGE * RTLD_PAGE;
	bytes = calloc(1, at + extra);
	p = sample_phdr(&s, PT_NOTE, 0);
	*p = (struct elf64_phdr){
		.type = PT_LOAD, .flags = PF_R, .align = 8, .offset = at,
		.vaddr = 0x100000, .filesz = extra, .memsz = extra,
	};
	sample_dyn(&s, 4)->value = 0x100000;
	memcpy(bytes, s.bytes, s.size);
	hash = (uint32_t *)(bytes + at);
	hash[0] = 1;
	hash[1] = RTLD_MAX_SYMBOLS + 1;
	big = s;
	big.bytes = bytes;
	big.size = at + extra;
	expect_only(&t, &big, RTLD_SYMBOL_COUNT);
	free(bytes);
	sample_free(&s);
	test_set_close(&t);
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
	struct rtld_errors errors = { 0 };
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
		cr_expect(i < t.errors.count && t.list[i].check == checks[i], "finding %u: %s instead of %s", i,
			  i < t.errors.count ? rtld_check_name(t.list[i].check) : "none",
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
	expect_findings(&s, (const enum rtld_check[]){ RTLD_NOTE_ENTRY, RTLD_SYMBOL_KIND, RTLD_INIT_ALIGN, 0 });
	/* The symbols cannot be looked at without the strings they are named by. */
	*sample_at(&s, sample_dyn(&s, 5)->value) = 'x';
	expect_findings(&s, (const enum rtld_check[]){ RTLD_NOTE_ENTRY, RTLD_STRTAB_FIRST, RTLD_INIT_ALIGN, 0 });
	/* Nor anything but notes without the dynamic section. */
	sample_dyn(&s, 10)->tag = 21;
	expect_findings(&s, (const enum rtld_check[]){ RTLD_NOTE_ENTRY, RTLD_TAG_MISSING, 0 });
	s.bytes[18] = 3;
	expect_findings(&s, (const enum rtld_check[]){ RTLD_EHDR_MACHINE, 0 });
	sample_free(&s);
}
