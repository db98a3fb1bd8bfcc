/* SPDX-License-Identifier: MIT */
/* Files whose jump slots look as no linker writes them: they are filled at once, or not sealed. */
#include <criterion/criterion.h>
#include <string.h>

#include "sample.h"

#define DT_PLTGOT  3
#define DT_DEBUG   21
#define DT_FLAGS_1 0x6ffffffbull

static struct elf64_rela *slots_of(const struct sample *s)
{
	return (void *)sample_at(s, sample_dyn(s, 23)->value);
}

static uint32_t count_of(const struct sample *s)
{
	return sample_dyn(s, 2)->value / sizeof(struct elf64_rela);
}

/* What the i-th slot holds in the file. */
static uint64_t *stub_of(const struct sample *s, uint32_t i)
{
	return (uint64_t *)sample_at(s, slots_of(s)[i].offset);
}

/* The PT_LOAD with the slots, which is the last that can be written. */
static struct elf64_phdr *data_of(const struct sample *s)
{
	struct elf64_phdr *p = NULL;
	uint32_t i;

	for (i = 0; sample_phdr(s, PT_LOAD, i); i++)
		if (sample_phdr(s, PT_LOAD, i)->flags & PF_W)
			p = sample_phdr(s, PT_LOAD, i);
	return p;
}

static void open_set(struct test_set *t, const struct sample *s)
{
	test_set_open(t, RTLD_LAZY_PLT);
	cr_assert_eq(test_set_add(t, "many"), 0);
	cr_assert_eq(test_set_add_sample(t, s), 1);
	test_set_place(t, TEST_BASE);
}

/* -- slots that cannot wait -- */

static void no_pltgot(struct sample *s)
{
	sample_dyn(s, DT_PLTGOT)->tag = DT_DEBUG;
}

static void flag_now(struct sample *s)
{
	*sample_dyn(s, 0) = (struct elf64_dyn){DT_FLAGS_1, 1};
}

static void pltgot_in_headers(struct sample *s)
{
	sample_dyn(s, DT_PLTGOT)->value = 0;
}

/* The word behind the dynamic section is the second of them. */
static void pltgot_in_dynamic(struct sample *s)
{
	const struct elf64_phdr *p = sample_phdr(s, PT_DYNAMIC, 0);

	sample_dyn(s, DT_PLTGOT)->value = p->vaddr + p->memsz - 16;
}

static void pltgot_at_the_end(struct sample *s)
{
	const struct elf64_phdr *p = data_of(s);

	sample_dyn(s, DT_PLTGOT)->value = p->vaddr + p->memsz - 16;
}

static void pltgot_behind_its_place(struct sample *s)
{
	sample_dyn(s, DT_PLTGOT)->value += 8;
}

static void slots_that_descend(struct sample *s)
{
	struct elf64_rela *r = slots_of(s);
	uint64_t first = r[0].offset;

	r[0].offset = r[1].offset;
	r[1].offset = first;
}

static void stub_nowhere(struct sample *s)
{
	*stub_of(s, 3) = 0x7f0000000000;
}

static void slots_in_relro(struct sample *s)
{
	const struct elf64_phdr *p = data_of(s);
	struct elf64_phdr *relro = sample_phdr(s, PT_GNU_RELRO, 0);

	relro->vaddr = p->vaddr;
	relro->memsz = p->memsz;
}

static void slot_not_in_the_file(struct sample *s)
{
	data_of(s)->filesz -= 8;
}

static const struct {
	const char *what;
	void (*change)(struct sample *s);
} eager[] = {
	{"no DT_PLTGOT", no_pltgot},
	{"DF_1_NOW", flag_now},
	{"DT_PLTGOT where nothing can be written", pltgot_in_headers},
	{"no room for the first word", pltgot_in_dynamic},
	{"no room for the second word", pltgot_at_the_end},
	{"a slot in place of the second word", pltgot_behind_its_place},
	{"slots that do not ascend", slots_that_descend},
	{"a slot that leads nowhere", stub_nowhere},
	{"slots in RELRO", slots_in_relro},
	{"a slot that is not in the file", slot_not_in_the_file},
};

static void expect_filled(const struct test_set *t, const char *what)
{
	const struct rtld_info *info = rtld_info(t->set, 1);
	const struct sample *s = &t->sample[1];
	struct elf64_sym *sym = (void *)sample_at(s, sample_dyn(s, 6)->value);
	const char *strings = (char *)sample_at(s, sample_dyn(s, 5)->value);
	uint32_t i;

	for (i = 0; i < count_of(s); i++) {
		const struct elf64_rela *r = &slots_of(s)[i];
		uint64_t run = 0, got;

		memcpy(&got, info->write + (r->offset - info->low), sizeof(got));
		cr_assert_eq(rtld_lookup(t->set, strings + sym[r->symbol].name, &run), 0);
		cr_assert_eq(got, run, "%s: slot %u", what, i);
	}
}

Test(rtld_lazy_files, filled_at_once)
{
	size_t i;

	for (i = 0; i < sizeof(eager) / sizeof(eager[0]); i++) {
		struct test_set t;
		struct sample s;

		sample_load(&s, "caller");
		eager[i].change(&s);
		open_set(&t, &s);
		cr_expect_not(rtld_is_lazy(t.set, 1), "%s", eager[i].what);
		cr_assert_eq(test_set_link(&t), 0, "%s", eager[i].what);
		expect_filled(&t, eager[i].what);
		sample_free(&s);
		test_set_close(&t);
	}
}

/* -- slots that can wait, but are not sealed with all their pages -- */

static void nothing(struct sample *s)
{
	(void)s;
}

static void into_note(struct sample *s, struct elf64_phdr p)
{
	p.type = PT_LOAD;
	p.flags = PF_R | PF_W;
	*sample_phdr(s, PT_NOTE, 0) = p;
}

static void empty_behind(struct sample *s)
{
	const struct elf64_phdr *p = data_of(s);

	into_note(s, (struct elf64_phdr){.vaddr = p->vaddr + p->memsz});
}

static void others_behind(struct sample *s)
{
	into_note(s, (struct elf64_phdr){.vaddr = 0x100000, .memsz = 64});
}

static void others_in_the_page(struct sample *s)
{
	const struct elf64_phdr *p = data_of(s);

	into_note(s, (struct elf64_phdr){.vaddr = p->vaddr + p->memsz, .memsz = 64});
}

static void in_two_parts(struct sample *s)
{
	struct elf64_phdr *p = data_of(s), rest = *p;

	p->filesz = p->memsz = 0x800;
	rest.vaddr += 0x800;
	rest.offset += 0x800;
	rest.filesz -= 0x800;
	rest.memsz -= 0x800;
	rest.align = 8;
	into_note(s, rest);
}

static void more_before_the_slots(struct sample *s)
{
	sample_dyn(s, DT_PLTGOT)->value -= 8;
}

/* The last slot one word further. */
static void gap(struct sample *s)
{
	uint32_t last = count_of(s) - 1;
	struct elf64_phdr *p = data_of(s);
	uint64_t stub = *stub_of(s, last);

	p->filesz += 8;
	p->memsz += 8;
	slots_of(s)[last].offset += 8;
	*stub_of(s, last) = stub;
}

static const struct {
	const char *what;
	void (*change)(struct sample *s);
	bool sealed;
} shapes[] = {
	{"a PT_LOAD of their own", nothing, true},
	{"an empty one in its page", empty_behind, true},
	{"another one behind it", others_behind, true},
	{"another one in its page", others_in_the_page, false},
	{"two PT_LOADs", in_two_parts, false},
	{"a word that is no slot before them", more_before_the_slots, false},
	{"a gap", gap, false},
};

Test(rtld_lazy_files, sealed_if_nothing_else_is_there)
{
	size_t i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct rtld_region r;
		struct test_set t;
		struct sample s;

		sample_load(&s, "caller-own");
		shapes[i].change(&s);
		open_set(&t, &s);
		cr_assert(rtld_is_lazy(t.set, 1), "%s", shapes[i].what);
		cr_expect_eq(rtld_lazy_region(t.set, 1, &r), shapes[i].sealed, "%s", shapes[i].what);
		if (shapes[i].sealed)
			cr_expect_eq(r.size, 2 * RTLD_PAGE, "%s", shapes[i].what);
		cr_expect_null(rtld_lazy_table(t.set, 1), "nobody gave memory for it");
		sample_free(&s);
		test_set_close(&t);
	}
}
