/* SPDX-License-Identifier: MIT */
/* See sample.h. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sample.h"

#define PAGE RTLD_PAGE

static size_t pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

void fence_open(struct fence *f, size_t size)
{
	f->size = pages(size);
	f->map_size = f->size + 2 * PAGE;
	f->map = mmap(NULL, f->map_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(f->map, MAP_FAILED);
	f->at = f->map + PAGE;
	cr_assert_eq(mprotect(f->at, f->size, PROT_READ | PROT_WRITE), 0);
	memset(f->at, 0xa5, f->size);
}

void fence_close(struct fence *f)
{
	if (f->map)
		munmap(f->map, f->map_size);
	*f = (struct fence){0};
}

/* Eight-byte aligned, so up to seven bytes may lie before the guard page. */
static void make(struct sample *s, const void *bytes, size_t size)
{
	struct fence f = {0};

	fence_open(&f, size ? size : 1);
	s->map = f.map;
	s->map_size = f.map_size;
	s->size = size;
	s->bytes = f.at + f.size - (size + 7) / 8 * 8;
	memcpy(s->bytes, bytes, size);
}

void sample_load(struct sample *s, const char *name)
{
	static uint8_t buffer[1 << 20];
	char path[4096];
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.so", getenv("RTLD_SAMPLES"), name);
	f = fopen(path, "rb");
	cr_assert(f, "cannot open %s", path);
	size = fread(buffer, 1, sizeof(buffer), f);
	fclose(f);
	cr_assert_gt(size, 1000);
	snprintf(s->name, sizeof(s->name), "%s.so", name);
	make(s, buffer, size);
}

void sample_copy(struct sample *to, const struct sample *from)
{
	memcpy(to->name, from->name, sizeof(to->name));
	make(to, from->bytes, from->size);
}

void sample_cut(struct sample *s, size_t size)
{
	struct sample whole = *s;

	make(s, whole.bytes, size);
	munmap(whole.map, whole.map_size);
}

void *sample_extend(struct sample *s, uint64_t vaddr, uint32_t flags, size_t size)
{
	struct sample whole = *s;
	size_t at = pages(whole.size);
	uint8_t *bytes = calloc(1, at + size);

	memcpy(bytes, whole.bytes, whole.size);
	make(s, bytes, at + size);
	free(bytes);
	munmap(whole.map, whole.map_size);
	*sample_phdr(s, PT_NOTE, 0) = (struct elf64_phdr){
		.type = PT_LOAD,
		.flags = flags,
		.align = 8,
		.offset = at,
		.vaddr = vaddr,
		.filesz = size,
		.memsz = size,
	};
	return s->bytes + at;
}

/* In a new table at the end. */
void sample_add_empty(struct sample *to, const struct sample *from, uint32_t before, uint32_t behind)
{
	const struct elf64_ehdr *e = (const void *)from->bytes;
	const struct elf64_phdr empty = {
		.type = PT_LOAD,
		.flags = PF_R,
		.align = 1,
	};
	size_t at = (from->size + 7) / 8 * 8;
	uint32_t count = before + e->phnum + behind, i;
	struct sample s = *from;
	struct elf64_phdr *p;

	s.size = at + count * sizeof(*p);
	s.bytes = calloc(1, s.size);
	memcpy(s.bytes, from->bytes, from->size);
	p = (void *)(s.bytes + at);
	for (i = 0; i < before; i++)
		*p++ = empty;
	memcpy(p, from->bytes + e->phoff, e->phnum * sizeof(*p));
	p += e->phnum;
	for (i = 0; i < behind; i++) {
		*p = empty;
		p++->vaddr = 0x100000;
	}
	((struct elf64_ehdr *)s.bytes)->phoff = at;
	((struct elf64_ehdr *)s.bytes)->phnum = count;
	sample_copy(to, &s);
	free(s.bytes);
}

void sample_free(struct sample *s)
{
	if (s->map)
		munmap(s->map, s->map_size);
	*s = (struct sample){0};
}

struct elf64_phdr *sample_phdr(const struct sample *s, uint32_t type, uint32_t nth)
{
	const struct elf64_ehdr *e = (const void *)s->bytes;
	struct elf64_phdr *p = (void *)(s->bytes + e->phoff);
	uint32_t i;

	for (i = 0; i < e->phnum; i++)
		if (p[i].type == type && !nth--)
			return &p[i];
	return NULL;
}

struct elf64_dyn *sample_dyn(const struct sample *s, uint64_t tag)
{
	struct elf64_phdr *p = sample_phdr(s, PT_DYNAMIC, 0);
	struct elf64_dyn *d = (void *)(s->bytes + p->offset);

	for (; d->tag; d++)
		if (d->tag == tag)
			return d;
	return tag ? NULL : d;
}

uint8_t *sample_at(const struct sample *s, uint64_t vaddr)
{
	struct elf64_phdr *p;
	uint32_t i;

	for (i = 0; (p = sample_phdr(s, PT_LOAD, i)); i++)
		if (vaddr >= p->vaddr && vaddr - p->vaddr < p->filesz)
			return s->bytes + p->offset + (vaddr - p->vaddr);
	return NULL;
}

struct elf64_sym *sample_symbol(const struct sample *s, const char *name)
{
	const char *strings = (char *)sample_at(s, sample_dyn(s, 5)->value);
	struct elf64_sym *sym = (void *)sample_at(s, sample_dyn(s, 6)->value);
	uint32_t i;

	for (i = 1; i < 64; i++)
		if (!strcmp(strings + sym[i].name, name))
			return &sym[i];
	return NULL;
}

struct elf64_rela *sample_rela(const struct sample *s, uint64_t table_tag, uint32_t type)
{
	uint64_t size_tag = table_tag == 7 ? 8 : 2, i;
	struct elf64_dyn *d = sample_dyn(s, table_tag);
	struct elf64_rela *r;

	if (!d)
		return NULL;
	r = (void *)sample_at(s, d->value);
	for (i = 0; i < sample_dyn(s, size_tag)->value / sizeof(*r); i++)
		if (r[i].type == type)
			return &r[i];
	return NULL;
}

void test_set_open(struct test_set *t, uint32_t flags)
{
	size_t size = rtld_set_size(TEST_MODULES);

	memset(t, 0, sizeof(*t));
	t->errors.list = t->list;
	t->errors.room = TEST_ERRORS;
	t->arena = aligned_alloc(16, (size + 15) / 16 * 16);
	t->set = rtld_set_init(t->arena, size, TEST_MODULES, flags, &t->errors);
	cr_assert(t->set);
}

int test_set_add_sample(struct test_set *t, const struct sample *s)
{
	struct sample *own = &t->sample[t->samples++];

	sample_copy(own, s);
	return rtld_probe(t->set, own->name, own->bytes, own->size);
}

int test_set_add(struct test_set *t, const char *name)
{
	struct sample s;
	int m;

	sample_load(&s, name);
	m = test_set_add_sample(t, &s);
	sample_free(&s);
	return m;
}

static void place(struct test_set *t, uint64_t base, bool here)
{
	uint32_t i;

	for (i = 0; i < rtld_count(t->set); i++) {
		const struct rtld_info *info = rtld_info(t->set, i);
		struct fence *f = &t->image[i];

		fence_close(f);
		fence_open(f, info->image_size);
		cr_assert_eq(rtld_place(t->set, i, f->at, here ? (uintptr_t)f->at : base), 0);
		base += info->image_size + PAGE;
		base = (base + info->align - 1) / info->align * info->align;
	}
}

void test_set_place(struct test_set *t, uint64_t base)
{
	place(t, base, false);
}

void test_set_place_here(struct test_set *t)
{
	place(t, 0, true);
}

/* The images one after the other. */
static uint8_t *copy_images(const struct test_set *t, size_t *size)
{
	uint8_t *all, *at;
	uint32_t i;

	for (i = 0, *size = 0; i < rtld_count(t->set); i++)
		*size += rtld_info(t->set, i)->image_size;
	all = at = malloc(*size + 1);
	cr_assert(all);
	for (i = 0; i < rtld_count(t->set); i++) {
		const struct rtld_info *info = rtld_info(t->set, i);

		memcpy(at, info->write, info->image_size);
		at += info->image_size;
	}
	return all;
}

/* What has been linked, linked again by its plan: the same bytes, the same findings. */
static void link_by_plan(struct test_set *t, void *work, size_t work_size, uint32_t findings)
{
	size_t size = rtld_plan_size(t->set), images, again;
	uint32_t all = t->errors.count;
	uint8_t *plan, *before, *after;

	if (!size)
		return;
	plan = malloc(size);
	cr_assert_eq(rtld_plan_write(t->set, plan, size), 0);
	before = copy_images(t, &images);
	rtld_set_plan(t->set, plan, size);
	cr_assert_eq(rtld_link(t->set, work, work_size), 0);
	cr_assert(rtld_plan_used(t->set));
	cr_assert_eq(t->errors.count, all + findings);
	after = copy_images(t, &again);
	cr_assert_eq(again, images);
	cr_assert_eq(memcmp(before, after, images), 0, "the plan gives other bytes");
	rtld_set_plan(t->set, NULL, 0);
	cr_assert_eq(rtld_link(t->set, work, work_size), 0);
	t->errors.count = all;
	free(plan);
	free(before);
	free(after);
}

int test_set_link(struct test_set *t)
{
	size_t size = rtld_work_size(t->set);
	uint32_t before = t->errors.count;
	uint8_t *work;
	int err;

	fence_close(&t->work);
	fence_open(&t->work, size);
	/* As near to the guard page as the alignment allows. */
	work = t->work.at + (t->work.size - size) / 16 * 16;
	err = rtld_link(t->set, work, size);
	if (!err)
		link_by_plan(t, work, size, t->errors.count - before);
	return err;
}

uint32_t test_set_count(const struct test_set *t, enum rtld_check check)
{
	uint32_t i, n = 0;

	for (i = 0; i < t->errors.count && i < TEST_ERRORS; i++)
		n += t->list[i].check == check;
	return n;
}

uint64_t test_set_look_up(const struct test_set *t, const char *name)
{
	uint64_t run = 0;

	cr_assert_eq(rtld_lookup(t->set, name, &run), 0, "%s", name);
	return run;
}

uint64_t test_set_word_at(const struct test_set *t, uint32_t module, uint64_t run)
{
	const struct rtld_info *info = rtld_info(t->set, module);
	uint64_t word;

	memcpy(&word, info->write + (run - info->run), 8);
	return word;
}

void test_set_close(struct test_set *t)
{
	uint32_t i;

	for (i = 0; i < TEST_MODULES; i++) {
		sample_free(&t->sample[i]);
		fence_close(&t->image[i]);
	}
	fence_close(&t->work);
	free(t->arena);
}
