/* SPDX-License-Identifier: MIT */
/*
 * Files given on the command line as an rtld set: reading, laying out in one
 * address range, linking in memory of this process. Nothing is run. Used by
 * the commands check, link and plan.
 */
#ifndef PLINTHCTL_LINK_SET_H
#define PLINTHCTL_LINK_SET_H

#include <json-c/json.h>

#include "options.h"
#include "rtld.h"

#define LINK_SET_BASE 0x10000000ull /* without --base */

/* A file that could not be read, and why. */
struct link_set_unread {
	const char *path;
	const char *why;
};

struct link_set {
	struct rtld_set *set; /* NULL: none could be made, for so many files */
	struct rtld_errors errors;
	void **bytes; /* the files, in the order given */
	struct link_set_unread *unread;
	uint32_t n_unread;
	/* What the others miss, and a file that is missing may provide: see cmd_check.c. */
	uint32_t unchecked_symbols, unchecked_modules;
	void *arena;
	void *work;
	void *plan;	/* bytes of --plan */
	uint8_t *image; /* memory of all images together */
	uint64_t image_size;
	uint32_t files;
	uint32_t flags;
};

/* The options of the three commands. */
struct link_set_options {
	uint64_t base;
	bool elf_rules, lazy, json;
	const char *plan;   /* --plan FILE */
	const char *output; /* --output FILE, of link a folder */
	struct option_words files;
};

/* Rows of the table of a command that has the option. */
#define LINK_SET_BASE_ROW(o)                                                                                 \
	{                                                                                                    \
		"base", 0, "ADDR", "where the first module lies (default: 0x10000000)", option_page,         \
			&(o).base, 0                                                                         \
	}
#define LINK_SET_LAZY_ROW(o)                                                                                 \
	{                                                                                                    \
		"lazy", 0, NULL, "leave the jump slots of modules built for it to the first call",           \
			option_flag, &(o).lazy, 0                                                            \
	}
#define LINK_SET_ELF_RULES_ROW(o)                                                                            \
	{                                                                                                    \
		"elf-rules", 0, NULL, "the rules of foreign objects, not of modules", option_flag,           \
			&(o).elf_rules, 0                                                                    \
	}
#define LINK_SET_JSON_ROW(o)                                                                                 \
	{                                                                                                    \
		"json", 'j', NULL, "print JSON, errors too", option_json, &(o).json, 0                       \
	}

/* Those that check and link have in common. */
#define LINK_SET_ROWS(o)                                                                                     \
	LINK_SET_BASE_ROW(o), LINK_SET_LAZY_ROW(o), LINK_SET_ELF_RULES_ROW(o), LINK_SET_JSON_ROW(o)

/*
 * link_set_open - read and probe files
 * Returns 0, or -1 after one line per file that could not be read. Files rtld
 * refuses are in set->errors. Undone by link_set_close() in either case.
 */
int link_set_open(struct link_set *s, const struct link_set_options *o);

/*
 * link_set_layout - place the modules one after the other from base on
 * Each at the next multiple of its alignment. With memory, so that
 * link_set_link() can follow. Returns 0 or -1; findings are in s->errors.
 */
int link_set_layout(struct link_set *s, uint64_t base, bool memory);

/*
 * link_set_link - bind everything; with write, also link
 * Returns 0 or -1, like above. All findings are recorded, unless there is no memory for them.
 */
int link_set_link(struct link_set *s, bool write);

/*
 * link_set_try - all of the above, until something fails; with write, also link
 * With a file refused nothing is bound: what the others miss would only be noise. Returns 0 or -1.
 */
int link_set_try(struct link_set *s, const struct link_set_options *o, bool write);

/* Is finding i one that lets the set fail? Under ELF rules, undefined is not. */
bool link_set_is_failure(const struct link_set *s, uint32_t i);

/* Without memory for the set: why there is none. */
void link_set_no_set(const struct link_set *s, char *line, size_t size);

/* Findings that were recorded. */
uint32_t link_set_findings(const struct link_set *s);
/* The last so many of them do not count any more. */
void link_set_drop(struct link_set *s, uint32_t dropped);

/* One line per finding on standard error; undefined symbols too. */
void link_set_print_errors(const struct link_set *s);

/* The bytes of a segment after link_set_link(). */
const uint8_t *link_set_segment(const struct link_set *s, uint32_t module,
				const struct rtld_segment *segment);

/* A module's own name, and its file's in brackets, on standard output. */
void link_set_print_name(const struct rtld_info *info);

/* "r-x" for p_flags; text has room for 4 bytes. */
const char *link_set_flags(uint32_t flags, char *text);

void link_set_close(struct link_set *s);

/*
 * link_out.c: each segment as DIR/NN-NAME.I.bin, all or none
 * Returns 0, or -1 after a line saying what cannot be written.
 */
int link_set_write(const struct link_set *s, const char *dir);

/* link_set_json.c: all of it as described in docs/rtld.md; linked: with checksums. */
struct json_object *link_set_json(const struct link_set *s, bool linked);
/* SHA-256 of memory as 64 hexadecimal digits; hex has room for 65 bytes. */
const char *link_set_sha256(const void *at, size_t size, char *hex);

#endif
