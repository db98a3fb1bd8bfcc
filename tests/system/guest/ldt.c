/* SPDX-License-Identifier: MIT */
/*
 * A process whose segment registers lead to its LDT, and that sees whether they do so all the time.
 *
 *	ldt data FILE	64-bit code with LDT selectors in DS, ES, FS and GS, of 32 and of 16 bits and one that
 *			expands down
 *	ldt code FILE	32-bit code in a code segment of the LDT, its stack too
 *
 * Adds 1 to the 32-bit word at the start of FILE again and again; ends with status 1 when something is not
 * as it was.
 */
#include <asm/ldt.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SELECTOR(n) ((n) << 3 | 7)

#define CODE 0x10000u	 /* of the 32-bit code */
#define WORD 0x20000u	 /* where FILE is seen by it */
#define CELL 0x12340000u /* what FS and GS lead to */

static int map_fixed(uint32_t at, int prot, int flags, int fd)
{
	return mmap((void *)(uintptr_t)at, 4096, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED;
}

static int set(unsigned int n, uint32_t base, uint32_t limit, unsigned int pages, unsigned int bits32,
	       unsigned int contents)
{
	struct user_desc d = {.entry_number = n,
			      .base_addr = base,
			      .limit = limit,
			      .seg_32bit = bits32,
			      .contents = contents,
			      .limit_in_pages = pages,
			      .useable = 1};

	return (int)syscall(SYS_modify_ldt, 1, &d, sizeof(d));
}

static int watch_data(volatile uint32_t *word)
{
	uint32_t *cell = (uint32_t *)(uintptr_t)CELL;
	uint16_t ds = SELECTOR(3), es = SELECTOR(4), gs = SELECTOR(5);

	if (map_fixed(CELL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return 1;
	cell[0] = 0x600d0001;
	cell[16] = 0x600d0002;
	if (set(3, 0, 0xfffff, 1, 1, 0) || set(4, CELL, 0xfff, 0, 0, 0) || set(5, CELL, 0xf, 0, 1, 1))
		return 1;
	__asm__ volatile("mov %0, %%ds\n\tmov %1, %%es\n\tmov %2, %%gs" ::"r"(ds), "r"(es), "r"(gs));
	for (;;) {
		uint16_t now[3];
		uint32_t found, limit;

		__asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%gs, %2"
				 : "=r"(now[0]), "=r"(now[1]), "=r"(now[2]));
		__asm__ volatile("movl %%gs:64, %0" : "=r"(found));
		__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"((uint32_t)es));
		if (now[0] != ds || now[1] != es || now[2] != gs || found != 0x600d0002 || limit != 0xfff)
			return 1;
		++*word;
	}
}

/* 1: lock incl [WORD]; push esp; pop esp; push ds; pop ds; jmp 1b: a segment that is missing ends it. */
static const uint8_t loop32[] = {
	0xf0, 0xff, 0x05, WORD & 0xff, WORD >> 8 & 0xff, WORD >> 16 & 0xff, WORD >> 24, 0x54, 0x5c,
	0x1e, 0x1f, 0xeb, 0xf3};

static int run_code(int file)
{
	static const struct {
		uint32_t offset;
		uint16_t selector;
	} __attribute__((packed)) target = {CODE, SELECTOR(9)};

	if (map_fixed(CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
	    map_fixed(WORD, PROT_READ | PROT_WRITE, MAP_SHARED, file) ||
	    map_fixed(CELL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return 1;
	memcpy((void *)(uintptr_t)CODE, loop32, sizeof(loop32));
	if (set(9, 0, 0xfffff, 1, 1, 2) || set(10, 0, 0xfffff, 1, 1, 0))
		return 1;
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%ss\n\tmov %1, %%esp\n\tljmpl *%2" ::"r"(
				 SELECTOR(10)),
			 "r"(CELL + 4096), "m"(target));
	return 1;
}

int main(int argc, char **argv)
{
	int file = argc == 3 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	volatile uint32_t *word;

	if (file < 0 || ftruncate(file, 4096)) {
		fprintf(stderr, "usage: ldt data|code FILE\n");
		return 2;
	}
	if (!strcmp(argv[1], "code"))
		return run_code(file);
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	return word == MAP_FAILED ? 1 : watch_data(word);
}
