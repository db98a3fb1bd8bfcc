/* SPDX-License-Identifier: MIT */
/*
 * What the tests of rtld share: good files, places in them that can be
 * changed, sets of them, and memory with guard pages around it.
 */
#ifndef TEST_RTLD_SAMPLE_H
#define TEST_RTLD_SAMPLE_H

#include "elf64.h"
#include "rtld.h"

/* A file's bytes that end at a page which cannot be touched. */
struct sample {
	uint8_t *bytes;
	size_t size;
	char name[64];
	uint8_t *map;
	size_t map_size;
};

/* Read NAME.so of the sample folder; ends the test if that is not possible. */
void sample_load(struct sample *s, const char *name);
/* The same bytes again, in memory of their own. */
void sample_copy(struct sample *to, const struct sample *from);
/* Cut to size bytes, again ending at the guard page. */
void sample_cut(struct sample *s, size_t size);
/*
 * PT_NOTE becomes a PT_LOAD of this size at an address behind the others', with
 * bytes of its own in the file, all 0: these are returned.
 */
void *sample_extend(struct sample *s, uint64_t vaddr, uint32_t flags, size_t size);
/* A copy with that many empty PT_LOADs before and behind the others. */
void sample_add_empty(struct sample *to, const struct sample *from, uint32_t before, uint32_t behind);
void sample_free(struct sample *s);

/* Where things are in a good file; NULL or 0 if there is no such thing. */
struct elf64_phdr *sample_phdr(const struct sample *s, uint32_t type, uint32_t nth);
struct elf64_dyn *sample_dyn(const struct sample *s, uint64_t tag);
uint8_t *sample_at(const struct sample *s, uint64_t vaddr);
struct elf64_sym *sample_symbol(const struct sample *s, const char *name);
struct elf64_rela *sample_rela(const struct sample *s, uint64_t table_tag, uint32_t type);

/* A region between two pages that cannot be touched. */
struct fence {
	uint8_t *at;
	size_t size;
	uint8_t *map;
	size_t map_size;
};
void fence_open(struct fence *f, size_t size);
void fence_close(struct fence *f);

#define TEST_BASE    0x7000000000ull
#define TEST_ERRORS  64
#define TEST_MODULES 8

/* A set with all its memory. */
struct test_set {
	struct rtld_set *set;
	struct rtld_errors errors;
	struct rtld_error list[TEST_ERRORS];
	struct sample sample[TEST_MODULES];
	uint32_t samples;
	void *arena;
	struct fence work;
	struct fence image[TEST_MODULES];
};

void test_set_open(struct test_set *t, uint32_t flags);
/* Load and probe; the result of rtld_probe(). The sample stays the set's. */
int test_set_add(struct test_set *t, const char *name);
int test_set_add_sample(struct test_set *t, const struct sample *s);
/* Place all modules one after the other, with a page between them. */
void test_set_place(struct test_set *t, uint64_t base);
/* Place each module where its memory is, so that it can be run. */
void test_set_place_here(struct test_set *t);
/* Link; and again by a plan of the result, which must give the same bytes. */
int test_set_link(struct test_set *t);
/* Findings of that check. */
uint32_t test_set_count(const struct test_set *t, enum rtld_check check);
/* Where a name is by rtld_lookup(), which must find it. */
uint64_t test_set_look_up(const struct test_set *t, const char *name);
/* What a link wrote to an address of that module's. */
uint64_t test_set_word_at(const struct test_set *t, uint32_t module, uint64_t run);
void test_set_close(struct test_set *t);

#endif
