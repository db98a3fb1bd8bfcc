/* SPDX-License-Identifier: MIT */
/*
 * rtld: the run-time linker. It validates ELF64 x86-64 shared objects, gives
 * each a place, binds them to each other and says which pages want which
 * permissions. It maps nothing, allocates nothing and runs nothing: files,
 * target memory and working memory all belong to the caller.
 *
 * The calls, in order:
 *
 *	set = rtld_set_init(arena, ...);
 *	for each file:		m = rtld_probe(set, name, bytes, size);
 *	for each module:	rtld_place(set, m, write_alias, run_address);
 *	rtld_link(set, work, rtld_work_size(set));
 *	for each module:	while (rtld_next_region(...)) set page permissions;
 *	while (rtld_next_init(...)) call;
 *
 * Everything a file says is checked before it is used, everything a set needs
 * is resolved before the first byte is written. Errors are records, collected
 * in an array of the caller's; rtld_format_error() (rtld/format.h) turns one
 * into a sentence. The checks are listed in rtld/checks.def.
 *
 * Context of every function: any, also with interrupts off. No function
 * blocks, recurses, or keeps state outside the set. Different sets are
 * independent; calls on one set must be serialised by the caller, except that
 * the const ones may run concurrently with each other.
 *
 * Errors: 0 (or an index) on success, otherwise a negative PLINTH_E_* value.
 */
#ifndef RTLD_RTLD_H
#define RTLD_RTLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTLD_PAGE	  4096u
#define RTLD_MAX_MODULES  1023u	       /* in one set */
#define RTLD_MAX_SEGMENTS 16u	       /* PT_LOADs in one module */
#define RTLD_MAX_SYMBOLS  (1u << 22)   /* in one module */
#define RTLD_MAX_ALIGN	  (2ull << 20) /* largest p_align, bytes */
#define RTLD_MAX_IMAGE	  (1ull << 30) /* largest image, bytes */
#define RTLD_MAX_FILE	  (1ull << 30) /* largest file, bytes */
#define RTLD_NONE	  UINT32_MAX   /* "no module" in a record */

/* Flags of a set. 0 is: strict module rules, everything bound at link time. */
#define RTLD_RULES_ELF 1u /* rules for foreign objects, see rtld_link() */
#define RTLD_LAZY_PLT  2u /* jump slots filled at the first call, see rtld_set_lazy() */

/* Page permissions; the values are those of p_flags. */
#define RTLD_X 1u
#define RTLD_W 2u
#define RTLD_R 4u

#define RTLD_CHECK(id, code, shows, text, post) RTLD_##id,
enum rtld_check {
	RTLD_OK,
#include "checks.def"
	RTLD_CHECKS
};
#undef RTLD_CHECK

/* Where in a file (or in a set) the value of an error was found. */
#define RTLD_TABLE(id, text) RTLD_T_##id,
enum rtld_table {
#include "tables.def"
	RTLD_TABLES
};
#undef RTLD_TABLE

/*
 * One finding. Which of value and limit mean something depends on the check;
 * rtld_format_error() prints what does.
 */
struct rtld_error {
	uint16_t check;	    /* enum rtld_check */
	uint16_t table;	    /* enum rtld_table */
	uint32_t module;    /* position in the set, failed probes counted */
	uint32_t other;	    /* second module concerned, or RTLD_NONE */
	uint64_t index;	    /* entry of the table */
	uint64_t value;	    /* what was found */
	uint64_t limit;	    /* what is allowed */
	const char *symbol; /* symbol or name in the file's bytes, or NULL */
	const char *file;   /* the file's name, as given to rtld_probe() */
};

/*
 * The caller's list. count goes on counting when room is used up, so a second
 * try with more room gets them all.
 */
struct rtld_errors {
	struct rtld_error *list;
	uint32_t room;
	uint32_t count;
};

struct plinth_lazy_table;
struct rtld_set;

/* What is known of a module after rtld_probe(); run and write after rtld_place(). */
struct rtld_info {
	const char *file;     /* as given to rtld_probe() */
	const char *name;     /* DT_SONAME, else the file's name without folders */
	const uint8_t *bytes; /* the file */
	uint64_t file_size;
	uint64_t low;	      /* lowest page, an address as in the file */
	uint64_t image_size;  /* bytes of memory wanted, whole pages */
	uint64_t align;	      /* wanted of the place, at least RTLD_PAGE */
	uint64_t run;	      /* address the lowest page will run at */
	uint8_t *write;	      /* where that page can be written now */
	uint32_t segments;    /* PT_LOADs */
	uint32_t needed;      /* DT_NEEDED entries */
	uint32_t symbols;     /* dynamic symbols in use, the null symbol counted */
	uint32_t exports;     /* of those, definitions other modules can use */
	uint32_t relocations; /* RELA and JMPREL entries */
	uint32_t relative;    /* words that only get the module's address added */
	uint32_t init_count;  /* entries of DT_INIT_ARRAY */
	uint32_t fini_count;  /* entries of DT_FINI_ARRAY */
};

/* One PT_LOAD as the file has it. */
struct rtld_segment {
	uint64_t vaddr; /* as in the file */
	uint64_t memsz;
	uint64_t filesz;
	uint64_t offset; /* in the file */
	uint32_t flags;	 /* RTLD_R | RTLD_W | RTLD_X; never W with X */
};

/* Whole pages of one permission. */
struct rtld_region {
	uint64_t run;	/* run-time address, page aligned */
	uint8_t *write; /* the write alias of the same page */
	uint64_t size;	/* bytes, whole pages */
	uint32_t perms; /* to set after rtld_link(); never W with X */
	bool sealed;	/* RELRO: written while linking, read-only from then */
};

struct rtld_symbol {
	uint32_t module;
	const char *name;
	uint64_t offset; /* of the address from the start of the symbol */
	uint64_t size;	 /* of the symbol, 0 if not known */
};

/* Where a module's symbols and their names are at run time, for crash reports. */
struct rtld_symbol_table {
	uint64_t symbols; /* run-time address of Elf64_Sym[] */
	uint64_t count;
	uint64_t names; /* run-time address of the string table */
	uint64_t names_size;
};

/* What the filling of jump slots at the first call needs; see rtld_set_lazy(). */
struct rtld_lazy {
	uint64_t entry;	     /* run-time address of the binder: lazy_entry */
	void *tables;	     /* rtld_lazy_tables() bytes, 8-byte aligned, */
	uint64_t tables_run; /* and where the binder reads them */
	void *states;	     /* rtld_lazy_states() bytes, 8-byte aligned, */
	uint64_t states_run; /* and where the binder writes them */
};

/* What a reference of a module was bound to. */
struct rtld_binding {
	uint32_t module; /* who provides it, RTLD_NONE if nobody */
	uint32_t symbol; /* index in the provider's symbol table */
	const char *name;
	uint64_t run; /* the value, 0 if nobody provides it */
	bool weak;    /* the reference is weak */
};

/* Position of an iteration; start with all zero. */
struct rtld_cursor {
	uint32_t module;
	uint32_t index;
};

/*
 * rtld_set_size - bytes of arena for a set of up to `modules` modules
 * Returns 0 if modules is 0 or above RTLD_MAX_MODULES.
 */
size_t rtld_set_size(uint32_t modules);

/*
 * rtld_set_init - make an empty set in the caller's arena
 * @arena:	memory, 16-byte aligned, that stays the set's until it is dropped
 * @size:	bytes, at least rtld_set_size(modules)
 * @modules:	room for so many modules
 * @flags:	RTLD_RULES_ELF, RTLD_LAZY_PLT, both or 0
 * @errors:	where all later calls put their findings; stays the caller's
 * Returns the set, or NULL for a bad argument. There is nothing to undo:
 * a set is dropped by giving its memory another use.
 */
struct rtld_set *rtld_set_init(void *arena, size_t size, uint32_t modules, uint32_t flags,
			       struct rtld_errors *errors);

/*
 * rtld_set_pause - a function to call now and then in rtld_probe(), rtld_resolve(),
 * rtld_link() and rtld_plan_write()
 * @pause:	called after each million steps of the budget (a millisecond or so) and
 *		each MiB of an image; must not use the set. NULL: nothing is called.
 *		Returns false to give up: what is being checked or bound then fails as
 *		if it took too long (PLINTH_E_LIMIT). Images are written to their end.
 * For callers that must let others have the CPU, and may be told to stop meanwhile.
 */
void rtld_set_pause(struct rtld_set *set, bool (*pause)(void));

/*
 * rtld_probe - validate one file completely and add it to the set
 * @file:	name for messages; its last part names a module without DT_SONAME
 * @bytes:	the file, 8-byte aligned. Both must stay, unchanged and out of
 *		reach of others, as long as the set is used.
 * @size:	bytes
 * Returns the module's index (0, 1, ... in the order of the calls that
 * succeed), or PLINTH_E_FORMAT with a record added for what was found first
 * and one for each later step that does not rely on what failed (see rtld/set.c),
 * or PLINTH_E_LIMIT when the set is full or the file takes too long to check. A
 * refused file is not part of the set.
 * Source: gABI "Object Files", "Program Loading and Dynamic Linking"; psABI
 * x86-64 "Relocation Types".
 */
int rtld_probe(struct rtld_set *set, const char *file, const void *bytes, size_t size);

/*
 * rtld_place - say where a module can be written and where it will run
 * @write:	image_size bytes, 8-byte aligned, or NULL if rtld_resolve() is
 *		all that will follow; untouched until rtld_link()
 * @run:	address of the module's lowest page: it, or it minus info->low, is a
 *		multiple of info->align
 * Returns 0, or PLINTH_E_INVAL with one record added and the place unchanged.
 */
int rtld_place(struct rtld_set *set, uint32_t module, void *write, uint64_t run);

/*
 * rtld_work_size - bytes of working memory rtld_resolve() and rtld_link() need
 * It depends on the modules, so ask when all of them are probed. The memory
 * is not used after rtld_link() except by rtld_next_binding().
 */
size_t rtld_work_size(const struct rtld_set *set);

/*
 * rtld_resolve - everything rtld_link() does before it writes
 * @work:	16-byte aligned, size bytes, at least rtld_work_size()
 * Checks names, DT_NEEDED, dependency order and places, and binds every
 * reference. Adds one record per finding, all of them. Returns 0 or the code
 * of the first finding.
 */
int rtld_resolve(struct rtld_set *set, void *work, size_t size);

/*
 * rtld_link - resolve, then write every module's image
 * Same arguments and findings as rtld_resolve(). Copies the segments, clears
 * the rest of each image, relocates, and checks the functions to be called at
 * start and end. Bytes outside [write, write + image_size) are never touched.
 * On failure the images are as they were, or, if only a start or end function
 * was wrong, all zero.
 *
 * Module rules (default): every DT_NEEDED is in the set, no dependency cycle,
 * a strong definition beats weak ones, two strong ones are an error, every
 * strong reference has a definition; a weak reference without one is 0. Equal
 * constants are no two definitions, nor are STB_GNU_UNIQUE ones of a name, nor
 * versions of a name in one file, of which the first that is not hidden counts.
 * RTLD_RULES_ELF: modules are searched in the order of the set and the first
 * definition wins, weak or not; missing DT_NEEDED and cycles are accepted;
 * strong references without definition make the word 0, whatever the addend, are
 * recorded, and no failure. Symbol versions are validated and ignored under both.
 */
int rtld_link(struct rtld_set *set, void *work, size_t size);

/*
 * rtld_set_lazy - how RTLD_LAZY_PLT fills slots; before rtld_link()
 * @lazy:	stays the caller's as long as the set is used
 * Modules with a PLT for it (linked with -z lazy, so slots outside RELRO that
 * hold the address of an own PLT entry) get slots that lead to `entry`; all
 * other modules are linked as without the flag. All names are bound by
 * rtld_resolve() in either case: a first call cannot fail. rtld_link() writes
 * for each such module what the binder needs (include/plinth/lazy.h), so neither
 * set nor files are wanted after it; tables can be read-only then.
 * Without this call the slots are prepared and GOT[1] and GOT[2] left alone,
 * which is of use to look at, not to run.
 * Source: psABI x86-64, "Procedure Linkage Table".
 */
void rtld_set_lazy(struct rtld_set *set, const struct rtld_lazy *lazy);

/* Bytes for all modules that have been probed; 0: none is for it. */
size_t rtld_lazy_tables(const struct rtld_set *set);
size_t rtld_lazy_states(const struct rtld_set *set);

/*
 * rtld_lazy_table - a module's table in lazy->tables, after rtld_link(); or NULL
 * Where its pages' entries can be written, and who counts, is for the caller to add.
 */
struct plinth_lazy_table *rtld_lazy_table(const struct rtld_set *set, uint32_t module);

/* Will the module's jump slots be filled at the first call? After rtld_probe(). */
bool rtld_is_lazy(const struct rtld_set *set, uint32_t module);
/* Its jump slots, whenever they are filled. */
uint32_t rtld_jump_slots(const struct rtld_set *set, uint32_t module);

/*
 * rtld_lazy_region - the pages that hold nothing but jump slots of the module
 * To be made read-only when its last slot has been filled: the whole PT_LOAD if
 * the GOT has one of its own, else the pages in the middle of the slots. False if
 * there is none: slots then share their page with the module's data.
 */
bool rtld_lazy_region(const struct rtld_set *set, uint32_t module, struct rtld_region *out);

uint32_t rtld_count(const struct rtld_set *set);
/* What is known of a module; NULL if there is no such module. */
const struct rtld_info *rtld_info(const struct rtld_set *set, uint32_t module);
/* The i-th PT_LOAD; false if there is none. */
bool rtld_segment(const struct rtld_set *set, uint32_t module, uint32_t i, struct rtld_segment *out);
/* The name in the next DT_NEEDED; *at starts at 0; NULL at the end. */
const char *rtld_next_needed(const struct rtld_set *set, uint32_t module, uint32_t *at);
/* Bit i: it has a DT_NEEDED of the i-th module, of the first 64; after rtld_resolve(). */
uint64_t rtld_needs(const struct rtld_set *set, uint32_t module);
/* Index of the module of that name (info->name), or PLINTH_E_NOSYM. */
int rtld_find_module(const struct rtld_set *set, const char *name);
/* The i-th module in dependency order (providers first), after rtld_resolve(). */
int rtld_in_order(const struct rtld_set *set, uint32_t i);

/*
 * rtld_next_region - the module's pages by permission, ascending
 * Start with an all zero cursor; false at the end. Pages of the image that no
 * PT_LOAD covers appear in no region and want no mapping.
 */
bool rtld_next_region(const struct rtld_set *set, uint32_t module, struct rtld_cursor *at,
		      struct rtld_region *out);

/*
 * rtld_next_init - the functions to call, in order, after rtld_link()
 * Providers before users; in a module DT_INIT before DT_INIT_ARRAY, entries 0
 * and -1 skipped. Reads the write alias, so keep it readable.
 * Gives run-time addresses inside the module's executable pages, or false at
 * the end; at->module is then a position in dependency order.
 */
bool rtld_next_init(const struct rtld_set *set, struct rtld_cursor *at, uint64_t *run, uint32_t *module);
/* Likewise at the end of life: everything in the opposite order. */
bool rtld_next_fini(const struct rtld_set *set, struct rtld_cursor *at, uint64_t *run, uint32_t *module);

/*
 * rtld_lookup - run-time address of an exported symbol, by the set's rules
 * Returns 0 and *run, or PLINTH_E_NOSYM. Modules must be placed.
 */
int rtld_lookup(const struct rtld_set *set, const char *name, uint64_t *run);

/* The same in one module only. */
int rtld_lookup_in(const struct rtld_set *set, uint32_t module, const char *name, uint64_t *run);

/*
 * rtld_symbol_at - the module a run-time address is in, and the nearest symbol
 * Returns 0, name NULL and offset from the module's start if no symbol of the
 * segment lies at or below the address, or PLINTH_E_NOSYM outside all modules.
 */
int rtld_symbol_at(const struct rtld_set *set, uint64_t run, struct rtld_symbol *out);

/*
 * rtld_symbol_table - where the module's symbols will be; it must be placed
 * Returns false if there is no such module.
 */
bool rtld_symbol_table(const struct rtld_set *set, uint32_t module, struct rtld_symbol_table *out);

/* All names of a module, as the file has them: many with a NUL behind each. */
struct rtld_names {
	const char *text;
	uint64_t size;
};
/* False if there is no such module. */
bool rtld_module_names(const struct rtld_set *set, uint32_t module, struct rtld_names *out);

/*
 * rtld_find_note - contents of a note in the file
 * @owner:	name in the note, e.g. "Plinth"
 * Returns the descriptor, 4-byte aligned, and its size, or NULL. Usable
 * straight after rtld_probe().
 */
const void *rtld_find_note(const struct rtld_set *set, uint32_t module, const char *owner, uint32_t type,
			   size_t *size);

/*
 * rtld_next_binding - who provides what to a module, after rtld_resolve()
 * One result per referenced symbol. The working memory must still be there.
 */
bool rtld_next_binding(const struct rtld_set *set, uint32_t module, struct rtld_cursor *at,
		       struct rtld_binding *out);

#include "plan.h"

#endif
