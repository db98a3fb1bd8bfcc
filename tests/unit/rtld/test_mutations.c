/* SPDX-License-Identifier: MIT */
/* One change to a good file, and exactly one finding: the right one. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sample.h"

enum where {
	CUT_,
	EHDR_,
	PHDR_,
	DYN_,
	DYNS_,
	DYN_SHIFTED_,
	SYM_,
	SYM_NULL_,
	SYM_AT_END_,
	RELA_,
	RELA_DYNAMIC_,
	RELA_TINY_,
	JMP_,
	GNU_,
	GNU_BUCKET_,
	GNU_ENDLESS_,
	SYSV_,
	SYSV_CHAIN_,
	SYSV_SELF_,
	SYSV_SHORT_,
	STR_,
	RELR_,
	RELR_TWICE_,
	NOTE_,
	INIT_DATA_,
	VERSYM_END_,
	VERDEF_,
};

enum operation { SET, ADD };

struct mutation {
	enum rtld_check check;
	const char *file;
	struct {
		enum where where;
		uint64_t key;
		uint32_t nth;
		const char *name;
	} place;
	uint32_t field, width;
	enum operation operation;
	uint64_t value;
	int line;
};

/* Places, without their braces. */
#define CUT	      CUT_, 0, 0, 0
#define EHDR	      EHDR_, 0, 0, 0
#define PHDR(type, n) PHDR_, type, n, 0
#define DYN(tag)      DYN_, tag, 0, 0
#define DYNS	      DYNS_, 0, 0, 0
#define DYN_SHIFTED   DYN_SHIFTED_, 0, 0, 0
#define SYM(name)     SYM_, 0, 0, name
#define SYM_NULL      SYM_NULL_, 0, 0, 0
#define SYM_AT_END    SYM_AT_END_, 0, 0, 0
#define RELA(type)    RELA_, type, 0, 0
#define RELA_DYNAMIC  RELA_DYNAMIC_, 0, 0, 0
#define RELA_TINY     RELA_TINY_, 0, 0, 0
#define JMP(type)     JMP_, type, 0, 0
#define GNU	      GNU_, 0, 0, 0
#define GNU_BUCKET    GNU_BUCKET_, 0, 0, 0
#define GNU_ENDLESS   GNU_ENDLESS_, 0, 0, 0
#define SYSV	      SYSV_, 0, 0, 0
#define SYSV_CHAIN    SYSV_CHAIN_, 0, 0, 0
#define SYSV_SELF     SYSV_SELF_, 0, 0, 0
#define SYSV_SHORT    SYSV_SHORT_, 0, 0, 0
#define STR	      STR_, 0, 0, 0
#define RELR	      RELR_, 0, 0, 0
#define RELR_TWICE    RELR_TWICE_, 0, 0, 0
#define NOTE	      NOTE_, 0, 0, 0
#define INIT_DATA     INIT_DATA_, 0, 0, 0
#define VERSYM_END    VERSYM_END_, 0, 0, 0
#define VERDEF	      VERDEF_, 0, 0, 0

static const struct mutation mutations[] = {
#define MUTATION(check, file, place, field, width, operation, value)                                         \
	{RTLD_##check, file, {place}, field, width, operation, (uint64_t)(value), __LINE__},
#include "mutations.def"
#undef MUTATION
};

#define COUNT (sizeof(mutations) / sizeof(mutations[0]))

static uint8_t *table(const struct sample *s, uint64_t tag)
{
	return sample_at(s, sample_dyn(s, tag)->value);
}

static uint32_t *buckets(const struct sample *s)
{
	uint32_t *h = (uint32_t *)table(s, 0x6ffffef5);

	return h + 4 + 2 * h[2];
}

/* Not a bucket is 0 in these files? Take the first that is used. */
static uint32_t *used_bucket(const struct sample *s)
{
	uint32_t *b = buckets(s);

	while (!*b)
		b++;
	return b;
}

/* Clear the end mark of every chain word up to the end of the file part. */
static void make_endless(struct sample *s)
{
	uint32_t *h = (uint32_t *)table(s, 0x6ffffef5);
	struct elf64_phdr *p = sample_phdr(s, PT_LOAD, 0);
	uint32_t *end = (uint32_t *)(s->bytes + p->offset + p->filesz);
	uint32_t *w = buckets(s) + h[0], keep;

	for (keep = 0; w < end && keep < 0x10000; w++, keep++)
		*w &= ~1u;
}

/* Let a table start so near to the end of its PT_LOAD's file part. */
static void move_to_end(struct sample *s, uint64_t tag, uint32_t bytes)
{
	struct elf64_phdr *p = sample_phdr(s, PT_LOAD, 0);

	sample_dyn(s, tag)->value = (p->vaddr + p->filesz - bytes) & ~7ull;
}

static void put(uint8_t *at, const struct mutation *m)
{
	uint64_t old = 0, new;

	cr_assert(at, "line %d: no such place in %s", m->line, m->file);
	memcpy(&old, at + m->field, m->width);
	new = m->operation == ADD ? old + m->value : m->value;
	cr_assert_neq(old, new, "line %d changes nothing", m->line);
	memcpy(at + m->field, &new, m->width);
}

/* Changes that are more than one field. */
static void special(struct sample *s, const struct mutation *m)
{
	struct elf64_phdr *p;
	struct elf64_dyn *d;
	uint32_t *h, *r;

	switch (m->place.where) {
	case CUT_: sample_cut(s, m->value); return;
	case DYNS_: /* every entry from DT_NULL on becomes an ignored one */
		p = sample_phdr(s, PT_DYNAMIC, 0);
		for (d = sample_dyn(s, 0); (uint8_t *)d < s->bytes + p->offset + p->filesz; d++)
			d->tag = 21 /* DT_DEBUG */;
		return;
	case DYN_SHIFTED_: /* aligned in memory, but not in the file */
		p = sample_phdr(s, PT_DYNAMIC, 0);
		p->offset += m->value;
		while (p-- > sample_phdr(s, PT_LOAD, 0))
			if (p->type == PT_LOAD && p->flags & PF_W) {
				p->align = m->value;
				p->offset += m->value;
			}
		return;
	case SYM_AT_END_: move_to_end(s, 6, sizeof(struct elf64_sym)); return;
	case RELA_DYNAMIC_: sample_rela(s, 7, 8)->offset = sample_phdr(s, PT_DYNAMIC, 0)->vaddr; return;
	case RELA_TINY_: /* into a PT_LOAD in which no word has room */
		*sample_phdr(s, PT_NOTE, 0) = (struct elf64_phdr){
			.type = PT_LOAD,
			.flags = PF_R | PF_W,
			.align = 1,
			.vaddr = 0x100001,
			.memsz = 3,
		};
		sample_rela(s, 7, 8)->offset = 0x100001;
		return;
	case GNU_ENDLESS_: make_endless(s); return;
	case SYSV_SELF_:
		h = (uint32_t *)table(s, 4);
		for (r = h + 2; !*r; r++)
			;
		h[2 + h[0] + *r] = *r;
		return;
	case SYSV_SHORT_: /* one chain, of the first symbol alone */
		h = (uint32_t *)table(s, 4);
		memset(h + 2, 0, 4 * (h[0] + h[1]));
		h[1] = 2;
		return;
	case RELR_TWICE_:
		r = (uint32_t *)table(s, 36);
		memcpy(r + 2, r, 8);
		return;
	case INIT_DATA_: /* DT_INIT in place of DT_RELACOUNT, into data */
		d = sample_dyn(s, 0x6ffffff9);
		*d = (struct elf64_dyn){12, sample_phdr(s, PT_DYNAMIC, 0)->vaddr};
		return;
	case VERSYM_END_: move_to_end(s, 0x6ffffff0, 8); return;
	default: cr_assert_fail("line %d: unknown place", m->line);
	}
}

static void mutate(struct sample *s, const struct mutation *m)
{
	switch (m->place.where) {
	case EHDR_: put(s->bytes, m); break;
	case PHDR_: put((uint8_t *)sample_phdr(s, m->place.key, m->place.nth), m); break;
	case DYN_: put((uint8_t *)sample_dyn(s, m->place.key), m); break;
	case SYM_: put((uint8_t *)sample_symbol(s, m->place.name), m); break;
	case SYM_NULL_: put(table(s, 6), m); break;
	case RELA_: put((uint8_t *)sample_rela(s, 7, m->place.key), m); break;
	case JMP_: put((uint8_t *)sample_rela(s, 23, m->place.key), m); break;
	case GNU_: put(table(s, 0x6ffffef5), m); break;
	case GNU_BUCKET_: put((uint8_t *)used_bucket(s), m); break;
	case SYSV_: put(table(s, 4), m); break;
	case SYSV_CHAIN_: {
		uint32_t *h = (uint32_t *)table(s, 4);

		put((uint8_t *)(h + 2 + h[0] + 1), m);
		break;
	}
	case STR_: put(table(s, 5), m); break;
	case RELR_: put(table(s, 36), m); break;
	case NOTE_: put(s->bytes + sample_phdr(s, PT_NOTE, 0)->offset, m); break;
	case VERDEF_: put(table(s, 0x6ffffffc), m); break;
	default: special(s, m);
	}
}

static void check_one(const struct mutation *m)
{
	struct test_set t;
	struct sample s;
	char line[512] = "nothing";
	int got;

	test_set_open(&t, 0);
	sample_load(&s, m->file);
	mutate(&s, m);
	got = test_set_add_sample(&t, &s);
	if (t.errors.count)
		rtld_format_error(&t.list[0], line, sizeof(line));
	cr_expect_lt(got, 0, "line %d, %s: accepted", m->line, m->file);
	cr_expect_eq(t.errors.count, 1, "line %d, %s: %u findings", m->line, m->file, t.errors.count);
	cr_expect_eq(t.list[0].check, m->check, "line %d, %s: %s", m->line, m->file, line);
	cr_expect_eq(rtld_count(t.set), 0);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_mutations, each_is_refused_by_its_check)
{
	size_t i;

	for (i = 0; i < COUNT; i++)
		check_one(&mutations[i]);
}

/* Checks of one file that the table above must reach; the rest are of sets. */
static bool is_tested_elsewhere(unsigned int check)
{
	return check >= RTLD_SET_FULL || check == RTLD_OK || check == RTLD_FILE_ALIGN ||
	       check == RTLD_LOAD_NONE || check == RTLD_LOAD_MANY || check == RTLD_SYMBOL_COUNT ||
	       check == RTLD_PROBE_COST || check == RTLD_HASH_CROWD;
}

Test(rtld_mutations, every_check_has_one)
{
	unsigned int check;
	size_t i;

	for (check = 0; check < RTLD_CHECKS; check++) {
		bool found = is_tested_elsewhere(check);

		for (i = 0; i < COUNT; i++)
			found |= mutations[i].check == check;
		cr_expect(found, "no mutation for %s", rtld_check_name(check));
	}
}

/* No cut of a good file may crash, and none that loses bytes may pass. */
Test(rtld_mutations, every_length)
{
	static const char *const files[] = {"base-gnu", "user-lazy", "base-lld"};
	size_t i, size;

	for (i = 0; i < 3; i++) {
		struct sample whole;
		uint64_t end = 0;
		struct elf64_phdr *p;
		uint32_t k;

		sample_load(&whole, files[i]);
		for (k = 0; (p = sample_phdr(&whole, PT_LOAD, k)); k++)
			if (p->offset + p->filesz > end)
				end = p->offset + p->filesz;
		for (size = 0; size < end; size += size < 1024 ? 1 : 61) {
			struct test_set t;
			struct sample s;

			test_set_open(&t, 0);
			sample_copy(&s, &whole);
			sample_cut(&s, size);
			cr_expect_lt(test_set_add_sample(&t, &s), 0, "%s cut to %zu bytes", files[i], size);
			sample_free(&s);
			test_set_close(&t);
		}
		sample_free(&whole);
	}
}

/* Every byte of header, program headers and dynamic section, three values. */
Test(rtld_mutations, every_byte)
{
	static const uint8_t values[] = {0x00, 0xff, 0x80};
	struct sample whole;
	size_t at, v;

	sample_load(&whole, "user-lazy");
	for (at = 0; at < whole.size; at += at < 0x800 ? 1 : 7)
		for (v = 0; v < 3; v++) {
			struct test_set t;
			int got;

			test_set_open(&t, 0);
			whole.bytes[at] ^= values[v] | 1;
			got = test_set_add_sample(&t, &whole);
			whole.bytes[at] ^= values[v] | 1;
			cr_expect(got == 0 || t.errors.count == 1, "byte %zu: refused without a finding", at);
			test_set_close(&t);
		}
	sample_free(&whole);
}
