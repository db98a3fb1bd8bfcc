/* SPDX-License-Identifier: MIT */
/* What the sources of rtld share; nobody else includes this. */
#ifndef RTLD_INTERNAL_H
#define RTLD_INTERNAL_H

#include <plinth/error.h>

#include "elf64.h"
#include "rtld.h"

/* What is rarely called must not take registers from the loop around it. */
#define RTLD_COLD __attribute__((__noinline__))

/* Slots for the dynamic tags, those first whose values are kept; see tags.def. */
enum rtld_tag {
#define RTLD_KEEP(id, tag) RTLD_DT_##id,
#define RTLD_TAG(id, tag, policy)
#include "tags.def"
#undef RTLD_KEEP
#undef RTLD_TAG
	RTLD_KEPT_TAGS,
	RTLD_LAST_KEPT = RTLD_KEPT_TAGS - 1,
#define RTLD_KEEP(id, tag)
#define RTLD_TAG(id, tag, policy) RTLD_DT_##id,
#include "tags.def"
#undef RTLD_KEEP
#undef RTLD_TAG
	RTLD_TAGS
};

#define RTLD_BUILD_ID 20u /* bytes: SHA-1, as linkers write it */

/* A range of addresses as in the file. */
struct rtld_range {
	uint64_t start;
	uint64_t size;
};

struct rtld_gnu {
	uint32_t buckets;
	uint32_t first; /* lowest symbol in the table */
	uint32_t end;	/* one past the highest */
	uint32_t bloom_mask;
	uint32_t shift;
	const uint64_t *bloom;
	const uint32_t *bucket;
	const uint32_t *word; /* hash word of symbol `first` */
};

struct rtld_sysv {
	uint32_t buckets;
	uint32_t chains; /* 0: the file has no such table */
	const uint32_t *bucket;
	const uint32_t *chain;
};

enum rtld_visit { RTLD_UNSEEN, RTLD_OPEN, RTLD_DONE };

struct rtld_module {
	struct rtld_info info;
	struct rtld_set *set;
	uint32_t position; /* for messages: failed probes counted */
	uint32_t place;	   /* index in the set */
	uint64_t bias;	   /* run address = address in the file + bias */
	bool placed;
	bool symbolic; /* own definitions first (DT_SYMBOLIC) */

	const struct elf64_phdr *phdr;
	uint32_t phdrs;
	uint32_t targets;
	struct rtld_range relro;
	const uint8_t *build_id; /* RTLD_BUILD_ID bytes, or NULL */

	struct rtld_range dynamic;
	const struct elf64_dyn *dyn;
	uint32_t dyns;			 /* entries before DT_NULL */
	uint32_t names_end;		 /* one past the last that has a name */
	uint64_t tag[RTLD_KEPT_TAGS];	 /* values */
	uint32_t tag_at[RTLD_KEPT_TAGS]; /* entry + 1, 0 if absent */

	const char *strings;
	uint64_t strings_size;
	const char *strings_end;
	const struct elf64_sym *symbol;
	uint64_t symbol_room;	/* symbols that would fit into the file part */
	uint32_t symbols_known; /* symbols seen so far, see symbol.c */
	struct rtld_gnu gnu;
	struct rtld_sysv sysv;

	const struct elf64_rela *rela;
	const struct elf64_rela *jmprel;
	const uint64_t *relr;
	uint32_t relas;
	uint32_t relatives; /* leading RELATIVE entries of rela */
	uint32_t jmprels;
	uint32_t relrs;
	struct rtld_range init_array;
	struct rtld_range fini_array;

	enum rtld_visit visit; /* order.c */
	uint32_t walk;	       /* DT_NEEDED entries looked at */
	uint32_t parent;
	uint64_t needs;	   /* bit i: DT_NEEDED has the i-th module */
	uint32_t *bind;	   /* resolve.c: provider of each symbol */
	uint64_t *value;   /* of each entry behind the RELATIVE ones, then of jmprel */
	bool lazy;	   /* jump slots are filled at the first call */
	size_t lazy_table; /* offset in lazy->tables */
	size_t lazy_state; /* offset in lazy->states */

	/* From here on not cleared by rtld_probe(). */
	struct rtld_segment segment[RTLD_MAX_SEGMENTS];
	struct rtld_range target[RTLD_MAX_SEGMENTS]; /* writable PT_LOADs */
};

struct rtld_set {
	uint32_t room;
	uint32_t count;
	uint32_t probed;
	uint32_t flags;
	struct rtld_errors *errors;
	uint32_t *order; /* module indexes, providers first */
	uint32_t ordered;
	bool resolved;
	bool linked;
	const void *plan;
	size_t plan_size;
	struct rtld_plan_result planned;
	const struct rtld_lazy *lazy;
	size_t lazy_tables; /* bytes, of all modules so far */
	size_t lazy_states;
	uint64_t granted; /* steps that binding has: what the probes have left */
	uint64_t budget;  /* steps before the next pause; 0: there were not enough */
	uint64_t reserve; /* steps behind that */
	bool (*pause)(void);
	struct rtld_module module[];
};

/*
 * The budget makes the work linear in the size of the files. A step is a few
 * instructions. A probe has three for four bytes of its file, and so many for small
 * ones; what it leaves is for binding. All shared objects of a Debian machine need less
 * than two. Whoever goes through a table whose length the file gives pays for it: before
 * the loop if an entry's cost is the same for all, else in the loop. Files whose tables
 * lie over each other, or whose names do, run out.
 */
#define RTLD_STEPS_FOR_4 3u
#define RTLD_STEPS	 (1u << 16)

/* Longest chain of a hash table, since nobody pays for looking a name up. Linkers make them of 4 to 16. */
#define RTLD_MAX_CHAIN 128u

/* budget.c: steps for what comes now; and who asks, once the first part is used up. */
void rtld_grant(struct rtld_set *set, uint64_t steps);
bool rtld_spend_more(struct rtld_set *set, uint64_t steps);

/* Take steps; false if there are not enough, and from then on. */
static inline bool rtld_spend(struct rtld_set *set, uint64_t steps)
{
	if (steps >= set->budget)
		return rtld_spend_more(set, steps);
	set->budget -= steps;
	return true;
}

static inline uint64_t rtld_steps_left(const struct rtld_set *set)
{
	return set->budget + set->reserve;
}

/*
 * A provider is one word: module << 22 | symbol. Symbol 0 never provides, and
 * module 1023 does not exist, so the values below mean no provider.
 */
#define RTLD_BIND_SHIFT	 22
#define RTLD_BIND_SYM	 (RTLD_MAX_SYMBOLS - 1)
#define RTLD_BIND_UNSEEN UINT32_MAX	  /* not referenced so far */
#define RTLD_BIND_ZERO	 (UINT32_MAX - 1) /* referenced, nobody has it */

static inline bool rtld_binds(uint32_t provider)
{
	return provider < RTLD_BIND_ZERO;
}

static inline uint64_t rtld_page_floor(uint64_t address)
{
	return address & ~(uint64_t)(RTLD_PAGE - 1);
}

/* The caller knows that this does not wrap. */
static inline uint64_t rtld_page_ceil(uint64_t address)
{
	return rtld_page_floor(address + RTLD_PAGE - 1);
}

/* Is [start, start + size) inside the range? No sum, so nothing can wrap. */
static inline bool rtld_within(const struct rtld_range *range, uint64_t start, uint64_t size)
{
	uint64_t skip = start - range->start;

	return start >= range->start && skip <= range->size && size <= range->size - skip;
}

/* error.c: add one record, give the code of its check. */
int rtld_report(struct rtld_set *set, const struct rtld_error *error);
int rtld_fail(struct rtld_module *m, enum rtld_check check, enum rtld_table table, uint64_t index,
	      uint64_t value, uint64_t limit);
int rtld_fail_symbol(struct rtld_module *m, enum rtld_check check, enum rtld_table table, uint64_t index,
		     uint64_t value, uint64_t limit, uint32_t symbol);

/* budget.c: spend, or report that the file takes too long to check. */
int rtld_pay(struct rtld_module *m, uint64_t steps);
/* The length of a name in the string table, paid for; or PLINTH_E_LIMIT, not reported. */
int rtld_name_length(const struct rtld_module *m, const char *name, uint64_t *length);

/* The steps of rtld_probe(), in this order; each 0 or a code. */
int rtld_check_header(struct rtld_module *m);	/* header.c */
int rtld_check_segments(struct rtld_module *m); /* segment.c */
int rtld_check_notes(struct rtld_module *m);	/* note.c */
int rtld_check_dynamic(struct rtld_module *m);	/* dynamic.c */
int rtld_check_strings(struct rtld_module *m);	/* string.c */
int rtld_check_hash(struct rtld_module *m);	/* hash.c */
int rtld_check_relocs(struct rtld_module *m);	/* reloc.c */
int rtld_check_relr(struct rtld_module *m);	/* relr.c */
int rtld_check_symbols(struct rtld_module *m);	/* symbol.c */
int rtld_check_versions(struct rtld_module *m); /* version.c */
int rtld_check_init(struct rtld_module *m);	/* init.c */

/* version.c: the version word of a symbol, if the file has such: which one, and whether it is hidden. */
#define RTLD_VERSION_HIDDEN 0x8000u
uint32_t rtld_version_of(const struct rtld_module *m, uint32_t symbol);

/* segment.c: the file's bytes at an address, if [vaddr, +size) is in one file part. */
const void *rtld_view(const struct rtld_module *m, uint64_t vaddr, uint64_t size);
/* Likewise, and how many bytes of the file part follow. */
const void *rtld_view_room(const struct rtld_module *m, uint64_t vaddr, uint64_t *room);
const struct rtld_segment *rtld_segment_of(const struct rtld_module *m, uint64_t vaddr, uint64_t size);

/* dynamic.c */
static inline bool rtld_has(const struct rtld_module *m, enum rtld_tag tag)
{
	return m->tag_at[tag] != 0;
}
int rtld_fail_tag(struct rtld_module *m, enum rtld_check check, enum rtld_tag tag, uint64_t limit);
/* Bytes of the table at tag's address; align is that of its entries, a power of two. */
int rtld_tag_view(struct rtld_module *m, enum rtld_tag tag, uint64_t size, uint64_t align, const void **out);

/* name.c: names end inside the string table they are in (see rtld_check_strings). */
struct rtld_name {
	const char *text;
	uint64_t length;
	uint32_t hash; /* GNU hash */
};
void rtld_name_hash(struct rtld_name *name, const char *text, const char *end);
/* Both in one register: length in the upper half, hash in the lower. */
uint64_t rtld_name_key(const char *text, const char *end);
bool rtld_name_at(const struct rtld_module *m, uint32_t offset, const struct rtld_name *name);

/* symbol.c */
const char *rtld_symbol_name(const struct rtld_module *m, uint32_t symbol);
/* Can other modules bind to it? */
static inline bool rtld_exported(const struct elf64_sym *s)
{
	unsigned int visibility = s->other & 3;

	return s->shndx != SHN_UNDEF && s->info >> 4 != STB_LOCAL &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}
static inline bool rtld_is_weak(const struct elf64_sym *s)
{
	return s->info >> 4 == STB_WEAK;
}
static inline uint64_t rtld_symbol_run(const struct rtld_module *m, const struct elf64_sym *s)
{
	return s->shndx == SHN_ABS ? s->value : s->value + m->bias;
}

/* The value of what a provider provides. */
static inline uint64_t rtld_provided(const struct rtld_set *set, uint32_t provider)
{
	const struct rtld_module *from;

	if (!rtld_binds(provider))
		return 0;
	from = &set->module[provider >> RTLD_BIND_SHIFT];
	return rtld_symbol_run(from, &from->symbol[provider & RTLD_BIND_SYM]);
}

/*
 * What an entry gets instead of the value of a symbol that nobody provides. The word it
 * names is 0 if the reference is strong, with what will be added; of a weak one the symbol
 * is 0, and the psABI's S + A holds as ever.
 */
static inline uint64_t rtld_unprovided(const struct rtld_module *m, const struct elf64_rela *r)
{
	bool adds = r->type == R_X86_64_64;

	return adds && !rtld_is_weak(&m->symbol[r->symbol]) ? 0 - (uint64_t)r->addend : 0;
}

/* The value of an entry whose symbol has been bound. */
static inline uint64_t rtld_bound(const struct rtld_module *m, const struct elf64_rela *r, uint32_t provider)
{
	return rtld_binds(provider) ? rtld_provided(m->set, provider) : rtld_unprovided(m, r);
}

/*
 * Is the reference one for the whole set to satisfy? Not one to a hidden
 * definition, nor one to an own definition that stays in the module.
 */
static inline bool rtld_is_for_all(const struct rtld_module *m, const struct elf64_sym *s)
{
	unsigned int visibility = s->other & 3;

	if (s->shndx == SHN_UNDEF)
		return visibility == STV_DEFAULT || visibility == STV_PROTECTED;
	return s->info >> 4 != STB_LOCAL && visibility == STV_DEFAULT && !m->symbolic;
}

/* Undefined, and as visible as any: the usual case of the above. */
static inline bool rtld_is_plain_reference(const struct elf64_sym *s)
{
	return !s->shndx && !s->other;
}

/* plan.c: bind by the set's plan; false: nothing of it counts. */
bool rtld_use_plan(struct rtld_set *set);
/* resolve.c: nobody provides the symbol; 0 if that is no failure. */
int rtld_missing(struct rtld_module *m, uint32_t symbol);

/* lazy.c: can the module's jump slots wait? And the slots of one that can. */
int rtld_choose_lazy(struct rtld_module *m);
void rtld_prepare_lazy(const struct rtld_module *m);

/* reloc.c: may 8 bytes there be changed? */
bool rtld_is_target(const struct rtld_module *m, uint64_t vaddr);

/*
 * The part of a writable PT_LOAD, before or behind the dynamic section, that
 * the latest target was in.
 */
struct rtld_window {
	uint64_t start;
	uint64_t words; /* 0: nothing is in it */
};
RTLD_COLD void rtld_find_window(const struct rtld_module *m, uint64_t vaddr, struct rtld_window *w);
/* Turned right by three bits, what is no multiple of 8 is very large. */
static inline bool rtld_in_window(const struct rtld_window *w, uint64_t vaddr)
{
	uint64_t offset = vaddr - w->start;

	return (offset >> 3 | offset << 61) < w->words;
}

void rtld_apply_relr(const struct rtld_module *m); /* relr.c */

/* string.c: a file's name without folders, for modules that do not name themselves. */
const char *rtld_base_name(const char *path);

/* order.c: names, DT_NEEDED, dependency order. */
int rtld_check_order(struct rtld_set *set, uint32_t *names, uint32_t slots);
/* place.c */
int rtld_check_places(struct rtld_set *set);
/* init.c: after relocation */
int rtld_check_init_targets(struct rtld_set *set);

#endif
