/* SPDX-License-Identifier: MIT */
/*
 * The physical memory of the mock machines: as large, and with such holes, as a test wants it.
 * Only pages that somebody asks for are there in reality; what is behind a physical address is
 * looked up, so that it can have any.
 */
#ifndef TESTS_MOCKS_PHYSICAL_H
#define TESTS_MOCKS_PHYSICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PHYSICAL_PAGE 4096ull

/* Where what is allocated lies. */
enum physical_place {
	PLACE_LOW,	 /* runs of up to 2 MiB, from 16 MiB on: below 4 GiB while there is room */
	PLACE_HIGH,	 /* the same in the highest memory there is */
	PLACE_BORDER,	 /* runs that cross a border of two GiB each, as long as there are such */
	PLACE_SCATTERED, /* each page for itself, all over the memory */
	PHYSICAL_PLACES
};

struct physical_layout {
	uint64_t bytes;	       /* of RAM */
	uint32_t address_bits; /* none of it lies above */
	enum physical_place place;
	uint64_t seed;	 /* of what is scattered */
	bool fragmented; /* no two pages that are free touch */
};

/* A piece of RAM; between two there is a hole. */
struct physical_bank {
	uint64_t from, to;
};

/**
 * physical_reset() - power on: 1 GiB that lies at 0, nothing given out; or what physical_lay_out() says after
 * it.
 */
void physical_reset(void);

/**
 * physical_lay_out() - other memory than the usual, while nothing is given out.
 *
 * RAM: up to 3 GiB from 0, half of the rest from 4 GiB, the other half at the end of the addresses (of 48
 * bits at the most: four levels of second-level tables reach no further).
 * Return: false: so much is not possible with so many address bits.
 */
bool physical_lay_out(const struct physical_layout *layout);

/** physical_banks() - the RAM there is, ascending. */
const struct physical_bank *physical_banks(unsigned int *n);
bool physical_is_ram(uint64_t pa);
uint64_t physical_bytes(void);

/**
 * physical_alloc() - pages in a row in this process, zeroed.
 * @align: more than a page: of the physical address, which is then in one piece
 * Return: NULL: there is no such piece.
 */
void *physical_alloc(size_t pages, size_t align);
/** physical_free() - false: not allocated, or not like that. */
bool physical_free(void *memory, size_t pages);
/** physical_of() - the physical address of memory that is allocated; 0: it is not. */
uint64_t physical_of(const void *memory);

/**
 * physical_file() - where in the file that stands for the memory a page lies; RAM that nobody had asked for
 * yet is made.
 * Return: false: no memory there.
 */
bool physical_file(uint64_t pa, int *file, uint64_t *offset);
/** physical_at() - what lies at a physical address; NULL: nothing. */
void *physical_at(uint64_t pa);

#endif
