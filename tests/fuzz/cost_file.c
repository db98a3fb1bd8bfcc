/* SPDX-License-Identifier: MIT */
/* Files made to cost much, from a few numbers: see cost.h. */
#include <string.h>

#include "cost.h"
#include "elf64.h"
#include "rtld.h"

#define DATA   0x20000000ull /* the first writable PT_LOAD; each next one 32 MiB behind */
#define STEP   0x2000000ull
#define CODE   0x1f000000ull
#define FACTOR 0x9e3779b1u /* of rtld_index_slot() */

struct build {
	const uint32_t *g;
	uint8_t *bytes;
	size_t size, at;
	struct elf64_dyn *dyn;
	uint32_t strings, names; /* bytes of the string table; where long names start */
};

static uint64_t scaled(uint32_t gene, uint64_t most)
{
	return most * (gene % 256) / 255;
}

/* 0, or a power of two, or between two. */
static uint64_t powers(uint32_t gene, unsigned int most)
{
	unsigned int bits = gene % 256 * (most + 1) / 256;

	return bits ? (1ull << bits) - (gene >> 8) % (1ull << (bits - 1)) : 0;
}

/* Bytes for a table: its share of what is left. */
static void *take(struct build *b, uint32_t gene, size_t unit, uint64_t *n)
{
	uint8_t *at;
	size_t room;

	b->at = (b->at + 7) / 8 * 8;
	room = b->size > b->at ? b->size - b->at : 0;
	*n = scaled(gene, room / unit);
	at = b->bytes + b->at;
	b->at += *n * unit;
	return at;
}

static void put(struct build *b, uint64_t tag, uint64_t value)
{
	*b->dyn++ = (struct elf64_dyn){tag, value};
}

static uint64_t offset(const struct build *b, const void *at)
{
	return (const uint8_t *)at - b->bytes;
}

static void make_header(struct build *b)
{
	uint32_t loads = 1 + b->g[COST_LOADS] % 14, notes = powers(b->g[COST_NOTE_HEADERS], 15), i;
	struct elf64_ehdr *e = (void *)b->bytes;
	struct elf64_phdr *p = (void *)(e + 1);
	uint64_t bss = 8 * powers(b->g[COST_BSS], 23);

	*e = (struct elf64_ehdr){.type = ET_DYN,
				 .machine = EM_X86_64,
				 .version = 1,
				 .phoff = 64,
				 .ehsize = 64,
				 .phentsize = 56,
				 .shentsize = 64};
	memcpy(e->ident, "\177ELF\2\1\1", 7);
	*p++ = (struct elf64_phdr){.type = PT_LOAD, .flags = PF_R, .filesz = b->size, .memsz = b->size};
	*p++ = (struct elf64_phdr){
		.type = PT_LOAD, .flags = PF_R | PF_X, .vaddr = CODE, .filesz = 4096, .memsz = 4096};
	for (i = 0; i < loads; i++) {
		uint64_t file = b->g[COST_LOADS] >> 8 & 1 || !i ? b->size : 0;

		*p++ = (struct elf64_phdr){.type = PT_LOAD,
					   .flags = PF_R | PF_W,
					   .vaddr = DATA + i * STEP,
					   .filesz = file,
					   .memsz = file + bss % (STEP / 2) + 4096};
	}
	while (notes-- && (size_t)((uint8_t *)(p + 3) - b->bytes) < b->size / 2)
		*p++ = (struct elf64_phdr){.type = PT_NOTE};
	p->type = PT_DYNAMIC;
	e->phnum = p + 1 - (struct elf64_phdr *)(e + 1);
	b->at = (uint8_t *)(p + 1) - b->bytes;
}

/* The string table: module names, and a long run in which every name is the end of another. */
static void make_strings(struct build *b)
{
	uint64_t n;
	char *at = take(b, b->g[COST_STRINGS] | 8, 1, &n);

	memset(at, 'x', n);
	if (n < 16)
		return;
	at[0] = at[n - 1] = 0;
	b->strings = n;
	put(b, 5, offset(b, at));
	put(b, 10, n);
}

/* The i-th name, of about so many bytes. */
static uint32_t name_of(const struct build *b, uint32_t i)
{
	uint64_t length = powers(b->g[COST_NAME], 22) + 1, most = b->strings - 3;

	if (length > most)
		length = most;
	return b->strings - 1 - length - (b->g[COST_NAME] >> 16 & 1 ? 0 : i % (most - length + 1));
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

static uint32_t word_of(const struct build *b, uint32_t i, uint32_t hash)
{
	uint32_t inverse = FACTOR, k;

	for (k = 0; k < 5; k++)
		inverse *= 2 - FACTOR * inverse;
	switch (b->g[COST_WORDS] % 4) {
	case 0: return i * 2654435761u;
	case 1: return hash;
	case 2: return (((hash >> 1) * FACTOR & ~0x3fffu) | i % 0x4000) * inverse << 1;
	default: return 0;
	}
}

/* References, then definitions in a table with chains of the same length. */
static uint32_t make_symbols(struct build *b)
{
	uint64_t n, words, k, defined, chain = 1 + b->g[COST_WORDS] / 4 % 128;
	struct elf64_sym *s = take(b, b->g[COST_SYMBOLS] | 1, 24, &n);
	uint32_t info = STB_GLOBAL << 4 | STT_FUNC, hash, *word;
	struct elf64_gnu_hash *h;

	if (b->g[COST_ODD] & 1)
		info = STB_WEAK << 4 | STT_FUNC;
	defined = scaled(b->g[COST_EXPORTS], n);
	h = take(b, 255, 4, &words);
	if (!n || words < 16)
		return 0;
	if (defined + defined / chain + 16 > words)
		defined = (words - 16) * chain / (chain + 1) / chain * chain;
	if (defined >= n)
		defined = n - 1;
	*h = (struct elf64_gnu_hash){
		.buckets = defined / chain + 1, .symoffset = n - defined, .bloom_words = 1};
	memset(h + 1, 0xff, 8);
	word = (uint32_t *)h + 6 + h->buckets;
	hash = hash_of((char *)b->bytes + b->dyn[-2].value + name_of(b, 0));
	for (k = 1; k < n; k++)
		s[k] = (struct elf64_sym){.name = name_of(b, k % (n - defined)), .info = info};
	for (k = 0; k < defined; k++) {
		s[n - defined + k].shndx = 1;
		word[k] = (word_of(b, k, hash) & ~1u) | (k % chain == chain - 1 || k == defined - 1);
		((uint32_t *)h)[6 + k / chain] = n - defined + k / chain * chain;
	}
	b->at = offset(b, word + defined);
	put(b, 6, offset(b, s));
	put(b, 11, 24);
	put(b, 0x6ffffef5, offset(b, h));
	return n;
}

/* As many as a gene says, with targets here and there. */
static void make_relocs(struct build *b, uint32_t symbols)
{
	uint32_t loads = 1 + b->g[COST_LOADS] % 14, g = b->g[COST_RELOCS] >> 8;
	static const uint8_t types[4] = {R_X86_64_64, R_X86_64_GLOB_DAT, R_X86_64_NONE, R_X86_64_RELATIVE};
	uint64_t n, i;
	struct elf64_rela *r = take(b, b->g[COST_RELOCS], 24, &n);
	bool jumps = b->g[COST_JUMPS] & 1;

	for (i = 0; i < n; i++) {
		uint32_t type = g & 1 ? types[i % 2] : types[g >> 1 & 3];
		bool named = type == R_X86_64_64 || type == R_X86_64_GLOB_DAT;

		r[i] = (struct elf64_rela){
			.offset = DATA + (g & 8 ? i % loads : 0) * STEP + (i * 8) % 4096,
			.type = jumps ? R_X86_64_JUMP_SLOT : type,
			.symbol = (named || jumps) && symbols > 1 ? 1 + (g & 16 ? 0 : i % (symbols - 1)) : 0,
			.addend = type == R_X86_64_64 && !jumps && g & 32 ? 8 : 0,
		};
	}
	if (!n)
		return;
	put(b, 7, offset(b, r));
	put(b, 8, n * 24);
	put(b, 9, 24);
	if (!jumps)
		return;
	put(b, 23, offset(b, r));
	put(b, 2, n * 24);
	put(b, 20, 7);
	put(b, 3, DATA + 64);
}

static void make_relr(struct build *b)
{
	uint64_t n, i;
	uint64_t *at = take(b, b->g[COST_RELR], 8, &n);

	if (n < 2)
		return;
	at[0] = DATA + (b->size + 15) / 8 * 8;
	for (i = 1; i < n; i++)
		at[i] = b->g[COST_RELR] >> 8 & 1   ? UINT64_MAX
			: b->g[COST_RELR] >> 9 & 1 ? 0x8000000000000001ull
						   : 1;
	put(b, 36, offset(b, at));
	put(b, 35, n * 8);
	put(b, 37, 8);
}

/* Records that all have the same list. */
static void make_versions(struct build *b)
{
	uint64_t n, i;
	struct elf64_verdef *d = take(b, b->g[COST_VERSIONS], sizeof(*d), &n);
	uint64_t lists = scaled(b->g[COST_VERSIONS] >> 8, n), names = (n - lists) * sizeof(*d) / 8;
	struct elf64_verdaux *aux = (void *)(d + lists);

	if (!lists || !names)
		return;
	if (names > 65535)
		names = 65535;
	for (i = 0; i < lists; i++)
		d[i] = (struct elf64_verdef){
			.count = names, .next = sizeof(*d), .aux = (uint8_t *)aux - (uint8_t *)&d[i]};
	for (i = 0; i < names; i++)
		aux[i] = (struct elf64_verdaux){.next = 8};
	put(b, 0x6ffffffc, offset(b, d));
	put(b, 0x6ffffffd, lists);
}

static void make_init(struct build *b)
{
	uint64_t n = powers(b->g[COST_INIT], 22);

	if (!n)
		return;
	put(b, 25, DATA + (b->size + 15) / 8 * 8);
	put(b, 27, 8 * n);
	put(b, 26, DATA + (b->size + 15) / 8 * 8);
	put(b, 28, 8 * n);
}

static void make_notes(struct build *b)
{
	struct elf64_ehdr *e = (void *)b->bytes;
	struct elf64_phdr *p = (void *)(e + 1);
	uint64_t n, i, at;
	uint32_t *note = take(b, b->g[COST_NOTES], 16, &n);

	at = offset(b, note);
	for (i = 0; i < n; i++)
		memcpy(note + 4 * i, (uint32_t[]){4, 0, 3, 0x00554e47}, 16);
	for (i = 0; i < e->phnum; i++)
		if (p[i].type == PT_NOTE)
			p[i].offset = at, p[i].filesz = 16 * n;
}

/* The rest of the dynamic section is DT_NEEDED. */
static void finish(struct build *b, struct elf64_dyn *start, uint64_t room)
{
	struct elf64_ehdr *e = (void *)b->bytes;
	struct elf64_phdr *p = (void *)(e + 1);
	uint32_t i = 0;

	while (b->dyn + 1 < start + room && b->strings > 16)
		put(b, b->g[COST_NEEDED] >> 8 & 1 ? 0x1d /* DT_RUNPATH */ : DT_NEEDED, name_of(b, i++));
	put(b, 0, 0);
	p += e->phnum - 1;
	p->offset = p->vaddr = offset(b, start);
	p->filesz = p->memsz = (uint8_t *)b->dyn - (uint8_t *)start;
}

void cost_make(const uint32_t *genes, uint8_t *bytes, size_t size)
{
	struct build b = {.g = genes, .bytes = bytes, .size = size};
	uint32_t symbols;
	struct elf64_dyn *start;
	uint64_t room;

	memset(bytes, 0, size);
	make_header(&b);
	start = b.dyn = take(&b, genes[COST_NEEDED] / 4, 16, &room);
	if (room < 64) {
		b.at += (64 - room) * 16;
		room = 64;
	}
	if (b.at + 65536 > size)
		return;
	make_notes(&b);
	make_relr(&b);
	make_versions(&b);
	make_strings(&b);
	if (!b.strings)
		return;
	symbols = make_symbols(&b);
	make_relocs(&b, symbols);
	make_init(&b);
	finish(&b, start, room);
}
