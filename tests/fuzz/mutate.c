/* SPDX-License-Identifier: MIT */
/*
 * Changes that know ELF: a byte-wise fuzzer seldom hits a field whose wrong
 * value matters, so pick a table, an entry and a field, and give it a value
 * that is interesting there.
 */
#include <string.h>

#include "elf64.h"
#include "fuzz.h"

static uint32_t draw(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static uint64_t interesting(uint32_t *seed, uint64_t old, size_t size)
{
	switch (draw(seed) % 12) {
	case 0: return 0;
	case 1: return UINT64_MAX;
	case 2: return old + 1;
	case 3: return old - 1;
	case 4: return old + 8;
	case 5: return old ^ (1ull << draw(seed) % 64);
	case 6: return size;
	case 7: return size - 8;
	case 8: return 0x7fffffffffffffffull;
	case 9: return draw(seed) % 40;
	case 10: return old * 2;
	default: return draw(seed) % (size ? size : 1);
	}
}

/* Where the tables are; offsets in the file, 0 if not found. */
struct map {
	const struct elf64_ehdr *e;
	uint64_t phdr, dynamic, dynamic_size;
};

static int find_tables(const uint8_t *data, size_t size, struct map *map)
{
	const struct elf64_phdr *p;
	uint32_t i;

	if (size < sizeof(*map->e) || (uintptr_t)data % 8)
		return 0;
	map->e = (const void *)data;
	map->phdr = map->e->phoff;
	if (map->phdr % 8 || map->phdr > size || map->e->phnum > (size - map->phdr) / sizeof(*p))
		return 0;
	p = (const void *)(data + map->phdr);
	for (i = 0; i < map->e->phnum; i++)
		if (p[i].type == PT_DYNAMIC && p[i].offset % 8 == 0 && p[i].offset <= size &&
		    p[i].filesz <= size - p[i].offset) {
			map->dynamic = p[i].offset;
			map->dynamic_size = p[i].filesz;
		}
	return map->e->phnum != 0;
}

/* Read-only tables of a linker lie at their address; the others are rare. */
static uint64_t table(const uint8_t *data, const struct map *map, uint64_t tag)
{
	const struct elf64_dyn *d = (const void *)(data + map->dynamic);
	uint64_t i;

	for (i = 0; i < map->dynamic_size / sizeof(*d); i++)
		if (d[i].tag == tag)
			return d[i].value;
	return 0;
}

static const uint64_t tables[] = {5, 6, 7, 23, 4, 36, 0x6ffffef5, 0x6ffffffc};

/* Offset of a random field. */
static uint64_t pick(const uint8_t *data, const struct map *map, uint32_t *seed, unsigned int *width)
{
	uint32_t kind = draw(seed) % 8;

	*width = 8;
	if (kind == 0) {
		*width = 1u << draw(seed) % 3;
		return draw(seed) % sizeof(*map->e);
	}
	if (kind <= 2) {
		*width = draw(seed) % 4 ? 8 : 4;
		return map->phdr + draw(seed) % map->e->phnum * sizeof(struct elf64_phdr) +
		       draw(seed) % 7 * 8;
	}
	if (kind <= 4 && map->dynamic_size >= 16)
		return map->dynamic + draw(seed) % (map->dynamic_size / 8) * 8;
	*width = draw(seed) % 2 ? 4 : 8;
	return table(data, map, tables[draw(seed) % 8]) + draw(seed) % 64 * 4;
}

size_t fuzz_mutate_elf(uint8_t *data, size_t size, uint32_t *seed)
{
	struct map map = {0};
	uint64_t at, value = 0;
	unsigned int width;

	if (!find_tables(data, size, &map))
		return size;
	at = pick(data, &map, seed, &width);
	if (at > size || width > size - at)
		return size;
	memcpy(&value, data + at, width);
	value = interesting(seed, value, size);
	memcpy(data + at, &value, width);
	return size;
}
