/* SPDX-License-Identifier: MIT */
/* Findings as sentences, for people. Not part of the core. */
#include <string.h>

#include "format.h"

#define RTLD_CHECK(id, code, shows, text, post) [RTLD_##id] = {#id, shows, text},
static const struct {
	const char *name, *shows, *text;
} checks[RTLD_CHECKS] = {
	[RTLD_OK] = {"OK", "", "is fine; nothing to do"},
#include "checks.def"
};
#undef RTLD_CHECK

#define RTLD_TABLE(id, text) [RTLD_T_##id] = text,
static const char *const tables[RTLD_TABLES] = {
#include "tables.def"
};
#undef RTLD_TABLE

struct out {
	char *at, *end; /* end: where the terminator still fits */
};

static void add_char(struct out *o, char c)
{
	if (o->at < o->end)
		*o->at++ = c;
}

static void add_text(struct out *o, const char *text)
{
	for (; *text; text++)
		add_char(o, *text);
}

/* Text from a file or a command line: nothing that acts on a terminal. */
static void add_foreign(struct out *o, const char *text)
{
	/* Names may be as long as their file: no further than there is room. */
	for (; *text && o->at < o->end; text++)
		add_char(o, *text >= ' ' && *text <= '~' ? *text : '?');
}

static void add_number(struct out *o, uint64_t n, unsigned int base)
{
	char digits[24];
	unsigned int i = sizeof(digits);

	digits[--i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	add_text(o, base == 16 ? "0x" : "");
	add_text(o, &digits[i]);
}

static void add_field(struct out *o, const char **before, const char *what, uint64_t n)
{
	add_text(o, *before);
	add_text(o, what);
	add_number(o, n, 16);
	*before = ", ";
}

const char *rtld_check_name(unsigned int check)
{
	return check < RTLD_CHECKS ? checks[check].name : "unknown check";
}

const char *rtld_table_name(unsigned int table)
{
	return table < RTLD_TABLES ? tables[table] : "unknown table";
}

static void add_place(struct out *o, const struct rtld_error *e, const char *shows)
{
	add_foreign(o, e->file && *e->file ? e->file : "the set");
	add_text(o, ": ");
	add_text(o, rtld_table_name(e->table));
	if (strchr(shows, 'I')) {
		add_text(o, " ");
		add_number(o, e->index, 10);
	}
	if (strchr(shows, 'S') && e->symbol) {
		add_text(o, " (");
		add_foreign(o, e->symbol);
		add_text(o, ")");
	}
	add_text(o, " ");
}

static void add_values(struct out *o, const struct rtld_error *e, const char *shows)
{
	const char *before = " (";

	if (strchr(shows, 'V'))
		add_field(o, &before, "value ", e->value);
	if (strchr(shows, 'L'))
		add_field(o, &before, "limit ", e->limit);
	if (strchr(shows, 'O') && e->other != RTLD_NONE) {
		add_text(o, before);
		add_text(o, "the other is file ");
		add_number(o, e->other + 1ull, 10);
		before = ", ";
	}
	if (*before == ',')
		add_text(o, ")");
}

size_t rtld_format_error(const struct rtld_error *e, char *buf, size_t size)
{
	struct out o = {buf, buf + (size ? size - 1 : 0)};
	unsigned int check = e->check < RTLD_CHECKS ? e->check : RTLD_OK;
	const char *text = checks[check].text, *advice = strchr(text, ';');

	if (!size)
		return 0;
	add_place(&o, e, checks[check].shows);
	for (; *text && text != advice; text++)
		add_char(&o, *text);
	add_values(&o, e, checks[check].shows);
	add_text(&o, advice ? advice : "; the file is damaged, build or copy it again");
	add_text(&o, " [");
	add_text(&o, checks[check].name);
	add_text(&o, "]");
	*o.at = 0;
	return (size_t)(o.at - buf);
}

/* -- versions of functions: the symbol of version 3 of a function is "name.v3" -- */

#define MAX_VERSION 99u
#define MAX_SYMBOL  256u

/* Splits a symbol; returns the length of the function's name. */
static size_t split_version(const char *symbol, unsigned int *version)
{
	const char *mark = strrchr(symbol, '.'), *digit;

	*version = 1;
	if (!mark || mark[1] != 'v' || !mark[2])
		return strlen(symbol);
	for (digit = mark + 2, *version = 0; *digit; digit++) {
		if (*digit < '0' || *digit > '9' || *version > MAX_VERSION) {
			*version = 1;
			return strlen(symbol);
		}
		*version = *version * 10 + (unsigned int)(*digit - '0');
	}
	return (size_t)(mark - symbol);
}

static void make_symbol(char *symbol, const char *name, size_t length, unsigned int version)
{
	struct out o = {symbol, symbol + MAX_SYMBOL - 1};

	for (size_t i = 0; i < length; i++)
		add_char(&o, name[i]);
	if (version > 1) {
		add_text(&o, ".v");
		add_number(&o, version, 10);
	}
	*o.at = 0;
}

/* Who offers the function in another version, and in which; NULL: nobody. */
static const char *other_version(const struct rtld_set *set, unsigned int highest, const char *name,
				 size_t length, unsigned int *version)
{
	char symbol[MAX_SYMBOL];
	uint64_t run;
	uint32_t i;

	for (*version = 1; *version <= highest; ++*version) {
		make_symbol(symbol, name, length, *version);
		for (i = 0; i < rtld_count(set); i++)
			if (!rtld_lookup_in(set, i, symbol, &run))
				return rtld_info(set, i)->file;
	}
	return NULL;
}

#define MAX_NAMES (256u << 10) /* bytes of names looked at for versions */

static unsigned int highest_in(const struct rtld_names *names, uint64_t *room)
{
	const char *at = names->text, *end = at + (names->size < *room ? names->size : *room);
	unsigned int highest = 1;

	*room -= (uint64_t)(end - at);
	for (; at + 4 < end; at++) {
		unsigned int version = 0;

		if (at[0] != '.' || at[1] != 'v')
			continue;
		for (at += 2; at < end && *at >= '0' && *at <= '9' && version <= MAX_VERSION; at++)
			version = version * 10 + (unsigned int)(*at - '0');
		if (at < end && !*at && version <= MAX_VERSION && version > highest)
			highest = version;
		at--;
	}
	return highest;
}

unsigned int rtld_highest_version(const struct rtld_set *set, const struct rtld_errors *errors)
{
	uint64_t room = 0;
	unsigned int highest = 1;
	struct rtld_names names;
	uint32_t i;

	for (i = 0; i < errors->count && i < errors->room && !room; i++)
		room = errors->list[i].check == RTLD_UNDEFINED ? MAX_NAMES : 0;
	for (i = 0; room && rtld_module_names(set, i, &names) && highest < MAX_VERSION; i++) {
		unsigned int version = highest_in(&names, &room);

		highest = version > highest ? version : highest;
	}
	return highest;
}

size_t rtld_format_in(const struct rtld_set *set, unsigned int highest, const struct rtld_error *e, char *buf,
		      size_t size)
{
	struct out o = {buf, buf + (size ? size - 1 : 0)};
	unsigned int wanted, offered;
	const char *provider = NULL;
	size_t length = 0;

	/* No longer name is looked for. */
	if (size && e->check == RTLD_UNDEFINED && e->symbol && strnlen(e->symbol, MAX_SYMBOL) < MAX_SYMBOL) {
		length = split_version(e->symbol, &wanted);
		provider = other_version(set, highest, e->symbol, length, &offered);
	}
	if (!provider)
		return rtld_format_error(e, buf, size);
	add_foreign(&o, e->file);
	add_text(&o, ": was built for version ");
	add_number(&o, wanted, 10);
	add_text(&o, " of ");
	for (size_t i = 0; i < length; i++)
		add_char(&o, e->symbol[i] >= ' ' && e->symbol[i] <= '~' ? e->symbol[i] : '?');
	add_text(&o, "(), but ");
	add_foreign(&o, provider);
	add_text(&o, " offers version ");
	add_number(&o, offered, 10);
	add_text(&o, "; ");
	add_foreign(&o, wanted < offered ? e->file : provider);
	add_text(&o, " is the older one: rebuild it with the headers of the other, or take a newer one [");
	add_text(&o, checks[e->check].name);
	add_text(&o, "]");
	*o.at = 0;
	return (size_t)(o.at - buf);
}

static const char *const plan_states[RTLD_PLAN_STATES] = {
	[RTLD_PLAN_NONE] = "not used: there is none",
	[RTLD_PLAN_USED] = "used",
	[RTLD_PLAN_FORM] = "not used: it is damaged, or no plan of this version",
	[RTLD_PLAN_RULES] = "not used: it was made under other rules (--elf-rules)",
	[RTLD_PLAN_COUNT] = "not used: it is for another number of modules",
	[RTLD_PLAN_BUILD] = "not used: it is for another build of ",
	[RTLD_PLAN_BINDING] = "not used: it binds a name to another one in ",
};

size_t rtld_format_plan(const struct rtld_set *set, char *buf, size_t size)
{
	struct rtld_plan_result plan = rtld_plan_result(set);
	const struct rtld_info *module = rtld_info(set, plan.module);
	struct out o = {buf, buf + (size ? size - 1 : 0)};

	if (!size)
		return 0;
	add_text(&o, plan_states[plan.state]);
	if (module)
		add_foreign(&o, module->file);
	if (plan.state == RTLD_PLAN_BINDING) {
		add_text(&o, ", relocation ");
		add_number(&o, plan.entry, 10);
	}
	*o.at = 0;
	return (size_t)(o.at - buf);
}
