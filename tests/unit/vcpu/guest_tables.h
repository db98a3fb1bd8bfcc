/* SPDX-License-Identifier: MIT */
/* A guest with page tables of its own, of which a test asks in root mode. */
#ifndef TESTS_UNIT_VCPU_GUEST_TABLES_H
#define TESTS_UNIT_VCPU_GUEST_TABLES_H

#include <plinth/guest_memory.h>

#include "root/root.h"

#define PAGE	  4096ull
#define PRESENT	  0x1ull
#define WRITABLE  0x2ull
#define USERS	  0x4ull
#define LARGE	  0x80ull
#define NX	  (1ull << 63)
#define ALL	  (PRESENT | WRITABLE | USERS)
#define VA	  0x00007f1240601000ull /* and the page behind it */
#define FIRST_PA  0x300000ull
#define SECOND_PA 0x510000ull
#define TABLE(n)  (0x200000ull + (n)*PAGE) /* of that level */
#define DEVICE_PA 0xc0000000ull

/* Of a page fault's error code. */
#define P    1u
#define W    2u
#define U    4u
#define RSVD 8u

/** tables_guest() - a guest that is in its kernel, four levels of tables, two pages at VA: of 'a' and of 'b'.
 */
void tables_guest(const struct model_kind *kind);
void tables_usual_guest(void);

/** tables_entry() - of that address in the table of that level; tables_map() - two pages there. */
uint64_t *tables_entry(uint64_t va, unsigned int level);
void tables_map(uint64_t va);
void tables_fill(uint64_t pa, char c);

/** tables_in_root() - that handler runs, once. */
void tables_in_root(vcpu_exit_fn *handler);

/* What guest_translate() answered last. */
extern struct tables_answer {
	int err;
	uint64_t gpa;
	uint32_t error;
} translated;

/** tables_translate() - ask it. Return: its result. */
int tables_translate(uint64_t va, uint32_t access);

#endif
