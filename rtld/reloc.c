/* SPDX-License-Identifier: MIT */
/* Relocations with addend (psABI x86-64, "Relocation Types"): every field checked, later applied. */
#include <string.h>

#include "internal.h"

/* Relocation types by number; 0 where the type is applied. */
/* clang-format off */
static const uint8_t refused[] = {
	[R_X86_64_NONE] = 0, [R_X86_64_64] = 0, [R_X86_64_GLOB_DAT] = 0,
	[R_X86_64_JUMP_SLOT] = 0, [R_X86_64_RELATIVE] = 0,
	[2] = RTLD_RELOC_CODE,	/* PC32 */
	[3] = RTLD_RELOC_CODE,	/* GOT32 */
	[4] = RTLD_RELOC_CODE,	/* PLT32 */
	[5] = RTLD_RELOC_COPY,
	[9] = RTLD_RELOC_CODE,	/* GOTPCREL */
	[10] = RTLD_RELOC_CODE,	/* 32 */
	[11] = RTLD_RELOC_CODE,	/* 32S */
	[12] = RTLD_RELOC_CODE,	/* 16 */
	[13] = RTLD_RELOC_CODE,	/* PC16 */
	[14] = RTLD_RELOC_CODE,	/* 8 */
	[15] = RTLD_RELOC_CODE,	/* PC8 */
	[16] = RTLD_RELOC_TLS,	/* DTPMOD64 */
	[17] = RTLD_RELOC_TLS,	/* DTPOFF64 */
	[18] = RTLD_RELOC_TLS,	/* TPOFF64 */
	[19] = RTLD_RELOC_TLS,	/* TLSGD */
	[20] = RTLD_RELOC_TLS,	/* TLSLD */
	[21] = RTLD_RELOC_TLS,	/* DTPOFF32 */
	[22] = RTLD_RELOC_TLS,	/* GOTTPOFF */
	[23] = RTLD_RELOC_TLS,	/* TPOFF32 */
	[24] = RTLD_RELOC_CODE,	/* PC64 */
	[25] = RTLD_RELOC_CODE,	/* GOTOFF64 */
	[26] = RTLD_RELOC_CODE,	/* GOTPC32 */
	[34] = RTLD_RELOC_TLS,	/* GOTPC32_TLSDESC */
	[35] = RTLD_RELOC_TLS,	/* TLSDESC_CALL */
	[36] = RTLD_RELOC_TLS,	/* TLSDESC */
	[37] = RTLD_RELOC_IFUNC,	/* IRELATIVE */
};
/* clang-format on */

/*
 * Checking, applying and binding: a RELATIVE entry, any other (the name it refers to
 * is paid for when that is looked for), and one that is looked at closely, for which
 * each PT_LOAD counts.
 */
#define RELATIVE_STEPS 4ull
#define ENTRY_STEPS    18ull
#define UNUSUAL_STEPS  40u
#define TARGET_STEPS   6u

struct table {
	const struct elf64_rela *entry;
	uint32_t count;
	enum rtld_table id;
};

static int fail_reloc(struct rtld_module *m, enum rtld_check check, const struct table *t, uint32_t i,
		      uint64_t value, uint64_t limit)
{
	return rtld_fail_symbol(m, check, t->id, i, value, limit, t->entry[i].symbol);
}

bool rtld_is_target(const struct rtld_module *m, uint64_t vaddr)
{
	uint32_t k;

	for (k = 0; k < m->targets; k++)
		if (rtld_within(&m->target[k], vaddr, 8))
			return vaddr % 8 == 0 && vaddr - m->dynamic.start >= m->dynamic.size;
	return false;
}

/* Why is it no target? */
static int check_place(struct rtld_module *m, const struct table *t, uint32_t i)
{
	uint64_t at = t->entry[i].offset;

	if (rtld_is_target(m, at))
		return 0;
	if (at % 8)
		return fail_reloc(m, RTLD_RELOC_ALIGN, t, i, at, 8);
	if (at - m->dynamic.start < m->dynamic.size)
		return fail_reloc(m, RTLD_RELOC_DYNAMIC, t, i, at, m->dynamic.start);
	return fail_reloc(m, RTLD_RELOC_PLACE, t, i, at, m->targets ? m->target[0].start : 0);
}

static int check_type(struct rtld_module *m, const struct table *t, uint32_t i)
{
	uint32_t type = t->entry[i].type;

	/* 38 was RELATIVE64 of the x32 ABI, 27 to 33 are for large code. */
	if (type >= sizeof(refused) || (type > 26 && type < 34))
		return fail_reloc(m, RTLD_RELOC_TYPE, t, i, type, 0);
	if (refused[type])
		return fail_reloc(m, (enum rtld_check)refused[type], t, i, type, 0);
	if (t->id == RTLD_T_JMPREL && type != R_X86_64_JUMP_SLOT)
		return fail_reloc(m, RTLD_RELOC_JUMP, t, i, type, 0);
	return 0;
}

static int check_reloc_symbol(struct rtld_module *m, const struct table *t, uint32_t i)
{
	const struct elf64_rela *r = &t->entry[i];
	bool wants = r->type != R_X86_64_RELATIVE && r->type != R_X86_64_NONE;

	if (!wants && r->symbol)
		return fail_reloc(m, RTLD_RELOC_SYMBOL_EXTRA, t, i, r->symbol, 0);
	if (wants && !r->symbol)
		return fail_reloc(m, RTLD_RELOC_SYMBOL_NULL, t, i, r->type, 0);
	if (r->symbol >= m->symbol_room)
		return fail_reloc(m, RTLD_RELOC_SYMBOL, t, i, r->symbol, m->symbol_room);
	if (r->symbol >= m->symbols_known)
		m->symbols_known = r->symbol + 1;
	return 0;
}

static RTLD_COLD int check_entry(struct rtld_module *m, const struct table *t, uint32_t i)
{
	const struct elf64_rela *r = &t->entry[i];
	int err = check_type(m, t, i);

	if (!err)
		err = check_reloc_symbol(m, t, i);
	if (!err && r->type != R_X86_64_NONE)
		err = check_place(m, t, i);
	if (!err && r->addend && r->type == R_X86_64_GLOB_DAT)
		err = fail_reloc(m, RTLD_RELOC_ADDEND, t, i, r->addend, 0);
	return err;
}

void rtld_find_window(const struct rtld_module *m, uint64_t vaddr, struct rtld_window *w)
{
	uint64_t cut = m->dynamic.start, after = cut + m->dynamic.size;
	uint32_t k;

	if (vaddr - cut < m->dynamic.size)
		return;
	for (k = 0; k < m->targets; k++) {
		uint64_t start = m->target[k].start;
		uint64_t end = start + m->target[k].size;

		if (vaddr < start || vaddr >= end)
			continue;
		if (vaddr < cut && cut < end)
			end = cut;
		else if (vaddr >= after && start < after)
			start = after;
		start = (start + 7) & ~7ull;
		*w = (struct rtld_window){start, end < start ? 0 : (end - start) / 8};
	}
}

/*
 * Type and symbol as one word, the type above. Minus the least one of a type
 * it is below the number of symbols if the type is that one, and if the entry
 * has a symbol, and one that is in the table.
 */
static inline uint64_t info_of(const struct elf64_rela *r)
{
	uint64_t info;

	memcpy(&info, (const uint8_t *)r + 8, sizeof(info));
	return info;
}

static inline uint64_t type_and_symbol(const struct elf64_rela *r)
{
	return info_of(r) << 32 | info_of(r) >> 32;
}

/*
 * Linkers put the RELATIVE entries first. Checking those in a loop of their
 * own makes the common entry cheap, and gives the count that DT_RELACOUNT
 * only claims.
 */
static inline bool is_usual_relative(const struct elf64_rela *r, const struct rtld_window *w)
{
	return info_of(r) == R_X86_64_RELATIVE && rtld_in_window(w, r->offset);
}

static uint32_t check_relatives(const struct rtld_module *m, const struct table *t)
{
	const struct elf64_rela *r = t->entry;
	uint32_t left = t->count;
	struct rtld_window w = {0, 0};

	while (left) {
		for (; left >= 4 && is_usual_relative(r, &w) && is_usual_relative(r + 1, &w) &&
		       is_usual_relative(r + 2, &w) && is_usual_relative(r + 3, &w);
		     left -= 4)
			r += 4;
		if (!left)
			break;
		if (info_of(r) == R_X86_64_RELATIVE && !rtld_in_window(&w, r->offset)) {
			/* Without steps the rest is for check_reloc_table(), which says so. */
			if (!rtld_spend(m->set, UNUSUAL_STEPS + TARGET_STEPS * m->targets))
				break;
			rtld_find_window(m, r->offset, &w);
		}
		if (!is_usual_relative(r, &w))
			break;
		r++;
		left--;
	}
	return t->count - left;
}

static inline uint64_t least_of(uint32_t type)
{
	return (uint64_t)type << 32 | 1;
}

/* What is not usual is decided here; what it is makes the next one usual. */
static RTLD_COLD int check_unusual_reloc(struct rtld_module *m, const struct table *t,
					 const struct elf64_rela *r, struct rtld_window *w, uint64_t *least)
{
	int err = rtld_pay(m, UNUSUAL_STEPS + TARGET_STEPS * m->targets);

	if (!err)
		err = check_entry(m, t, r - t->entry);
	if (!err && r->symbol)
		*least = least_of(r->type);
	rtld_find_window(m, r->offset, w);
	return err;
}

/*
 * Entries that are in order are recognised by the fewest comparisons. Symbols
 * are compared with how many are known, not with how many there may be, so
 * that only what raises that number costs more. Bits of the addend that are odd
 * are those that count: none in the table of jump slots, which do not use it.
 */
static const struct elf64_rela *skip_usual(const struct rtld_module *m, const struct elf64_rela *r,
					   const struct elf64_rela *end, const struct rtld_window *w,
					   uint64_t least, uint64_t odd)
{
	uint64_t known = m->symbols_known - 1;

	while (r < end && type_and_symbol(r) - least < known && rtld_in_window(w, r->offset) &&
	       !(r->addend & odd))
		r++;
	return r;
}

/* What is not recognised is looked at again, and that decides. */
static int check_reloc_table(struct rtld_module *m, const struct table *t, uint32_t first)
{
	const struct elf64_rela *r = t->entry + first, *end = t->entry + t->count;
	bool jumps = t->id == RTLD_T_JMPREL;
	uint64_t least = least_of(jumps ? R_X86_64_JUMP_SLOT : R_X86_64_GLOB_DAT);
	struct rtld_window w = {0, 0};
	int err = 0;

	if (r < end)
		rtld_find_window(m, r->offset, &w);
	while (!err && (r = skip_usual(m, r, end, &w, least, jumps ? 0 : ~0ull)) < end) {
		err = check_unusual_reloc(m, t, r, &w, &least);
		r++;
	}
	return err;
}

static const struct elf64_rela nothing[1];

static int find_table(struct rtld_module *m, enum rtld_tag tag, uint64_t size, struct table *t)
{
	const void *at;
	int err;

	/* No table is an empty one, so that nobody has to ask. */
	*t = (struct table){
		.entry = nothing,
		.id = tag == RTLD_DT_RELA ? RTLD_T_RELA : RTLD_T_JMPREL,
	};
	if (!size)
		return 0;
	err = rtld_tag_view(m, tag, size, 8, &at);
	if (err)
		return err;
	t->entry = at;
	t->count = size / sizeof(*t->entry);
	return 0;
}

/* The symbols a file has room for, before it is known how many it has. */
static int find_symbols(struct rtld_module *m)
{
	const void *at;
	uint64_t room = 0;
	int err = rtld_tag_view(m, RTLD_DT_SYMTAB, sizeof(*m->symbol), 8, &at);

	if (err)
		return err;
	m->symbol = at;
	rtld_view_room(m, m->tag[RTLD_DT_SYMTAB], &room);
	m->symbol_room = room / sizeof(*m->symbol);
	if (m->symbol_room > RTLD_MAX_SYMBOLS)
		m->symbol_room = RTLD_MAX_SYMBOLS;
	m->symbols_known = m->gnu.end > m->gnu.first ? m->gnu.end : 1;
	if (!m->sysv.chains)
		return 0;
	m->symbols_known = m->sysv.chains;
	if (m->sysv.chains < m->symbol_room)
		m->symbol_room = m->sysv.chains;
	return 0;
}

int rtld_check_relocs(struct rtld_module *m)
{
	struct table rela, jump;
	int err = find_symbols(m);

	if (!err)
		err = find_table(m, RTLD_DT_RELA, m->tag[RTLD_DT_RELASZ], &rela);
	if (!err)
		err = find_table(m, RTLD_DT_JMPREL, m->tag[RTLD_DT_PLTRELSZ], &jump);
	if (err)
		return err;
	/* Room for all to be RELATIVE, then what the others cost more. */
	err = rtld_pay(m, RELATIVE_STEPS * rela.count + ENTRY_STEPS * jump.count);
	if (err)
		return err;
	m->relatives = check_relatives(m, &rela);
	err = rtld_pay(m, (ENTRY_STEPS - RELATIVE_STEPS) * (rela.count - m->relatives));
	if (!err)
		err = check_reloc_table(m, &rela, m->relatives);
	if (!err)
		err = check_reloc_table(m, &jump, 0);
	if (err)
		return err;
	m->rela = rela.entry;
	m->relas = rela.count;
	m->jmprel = jump.entry;
	m->jmprels = jump.count;
	m->info.relocations = rela.count + jump.count;
	m->info.relative += m->relatives;
	return 0;
}
