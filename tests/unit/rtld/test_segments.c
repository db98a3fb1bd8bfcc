/* SPDX-License-Identifier: MIT */
/* PT_LOADs and RELRO as no linker lays them out: what is mapped how, and that nothing else changes. */
#include <criterion/criterion.h>
#include <string.h>

#include "sample.h"

static uint32_t regions_of(const struct test_set *t, struct rtld_region *list, uint32_t room)
{
	struct rtld_cursor at = {0};
	uint32_t n = 0;

	while (n < room && rtld_next_region(t->set, 0, &at, &list[n]))
		n++;
	return n;
}

static void link_sample(struct test_set *t, const struct sample *s)
{
	test_set_open(t, 0);
	cr_assert_eq(test_set_add_sample(t, s), 0);
	test_set_place(t, TEST_BASE);
	cr_assert_eq(test_set_link(t), 0);
}

/* They take no page, wherever they are. */
Test(rtld_segments, empty_ones)
{
	struct rtld_region want[16], got[16];
	struct sample plain, more;
	struct rtld_symbol symbol;
	struct test_set a, b;
	uint64_t run = 0;
	uint32_t i, n;

	sample_load(&plain, "base-gnu");
	sample_add_empty(&more, &plain, 2, 2);
	link_sample(&a, &plain);
	link_sample(&b, &more);
	n = regions_of(&a, want, 16);
	cr_assert_gt(n, 4);
	cr_assert_eq(regions_of(&b, got, 16), n);
	for (i = 0; i < n; i++) {
		cr_expect_eq(got[i].run, want[i].run, "region %u", i);
		cr_expect_eq(got[i].size, want[i].size, "region %u", i);
		cr_expect_eq(got[i].perms, want[i].perms, "region %u", i);
		cr_expect_eq(got[i].sealed, want[i].sealed, "region %u", i);
	}
	/* Only the ELF header, which is loaded too, says where the program headers are. */
	cr_expect_arr_eq(a.image[0].at + 64, b.image[0].at + 64, a.image[0].size - 64);
	cr_assert_eq(rtld_lookup(b.set, "base_sum", &run), 0);
	cr_assert_eq(rtld_symbol_at(b.set, run, &symbol), 0);
	cr_expect_str_eq(symbol.name, "base_sum");
	sample_free(&plain);
	sample_free(&more);
	test_set_close(&a);
	test_set_close(&b);
}

/* Of RELRO whole pages are sealed, and one that it shares only if nothing else is on it. */
Test(rtld_segments, relro_of_any_size)
{
	static const struct {
		const char *what;
		uint64_t skip, cut; /* at both ends, of the PT_LOAD */
		bool neighbour;	    /* another PT_LOAD behind it, in its last page */
		uint64_t sealed;
	} cases[] = {
		{"all of it", 0, 0, false, 2 * RTLD_PAGE},
		{"all of it, with a neighbour", 0, 0, true, RTLD_PAGE},
		{"not the end", 0, 8, false, RTLD_PAGE},
		{"not the start", 8, 0, false, RTLD_PAGE},
		{"neither", 8, 8, false, 0},
		{"a word of the first page", 8, 0x280, false, 0},
		{"nothing", 0, 0x298, false, 0},
		{"the whole of its last page", 0, -0xf40ull, false, 2 * RTLD_PAGE},
		{"a bit more", 0, -0xfe0ull, false, 2 * RTLD_PAGE},
		{"almost a page more", 0, -0x1f3full, false, 2 * RTLD_PAGE},
		{"almost a page more, but not the start", 8, -0x1f3full, false, RTLD_PAGE},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf64_phdr *data, *relro;
		struct rtld_region list[16];
		struct test_set t;
		struct sample s;
		uint64_t sealed = 0;
		uint32_t n;

		sample_load(&s, "base-gnu");
		data = sample_phdr(&s, PT_LOAD, 3);
		cr_assert_eq(data->flags, PF_R | PF_W);
		data->memsz = 0x298; /* from the end of one page into the next */
		relro = sample_phdr(&s, PT_GNU_RELRO, 0);
		relro->vaddr = data->vaddr + cases[i].skip;
		relro->memsz = data->memsz - cases[i].skip - cases[i].cut;
		if (cases[i].neighbour)
			*sample_phdr(&s, PT_NOTE, 0) = (struct elf64_phdr){
				.type = PT_LOAD,
				.flags = PF_R | PF_W,
				.vaddr = data->vaddr + data->memsz,
				.memsz = 64,
			};
		link_sample(&t, &s);
		n = regions_of(&t, list, 16);
		while (n--)
			sealed += list[n].sealed ? list[n].size : 0;
		cr_expect_eq(sealed, cases[i].sealed, "%s: 0x%lx bytes", cases[i].what, sealed);
		sample_free(&s);
		test_set_close(&t);
	}
}
