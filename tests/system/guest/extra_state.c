/* SPDX-License-Identifier: MIT */
/*
 * State of the CPU that Linux does not know (kmod/extra_state.c turns it on): tiles of AMX, and user
 * interrupts, in the middle of instructions that leave for the VMM.
 *
 *	extra_state spin FILE	for ever: adds 1 to the 32-bit word at the start of FILE after each round
 *
 * It needs its CPU to itself: the state is the CPU's and not the process's. Status 1 if something is not as
 * it should be.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "spin.h"

#define PARAMETERS "/sys/module/extra_state/parameters/"
#define ROWS	   16
#define BYTES	   64
#define TILES	   8
#define PATIENCE   1000

/* The operand of LDTILECFG (palette 1). */
struct tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t bytes_per_row[16];
	uint8_t rows[16];
} __attribute__((aligned(64)));

struct tile {
	uint8_t byte[ROWS][BYTES];
} __attribute__((aligned(64)));

volatile uint64_t user_interrupts; /* counted by the handler below */
void user_interrupt(void);

/*
 * The CPU pushed the vector on top of RIP, RFLAGS and RSP. STUI and IRETQ, by what Linux' GDT has for 64-bit
 * processes, where UIRET would do: Bochs 3.0 has it take the vector for part of its frame.
 */
__asm__(".text\n"
	"user_interrupt:\n"
	"	endbr64\n"
	"	addq $1, user_interrupts(%rip)\n"
	"	addq $8, %rsp\n"
	"	pushq $0x2b\n"	  /* SS */
	"	pushq 24(%rsp)\n" /* RSP */
	"	pushq 24(%rsp)\n" /* RFLAGS */
	"	pushq $0x33\n"	  /* CS */
	"	pushq 32(%rsp)\n" /* RIP */
	"	stui\n"
	"	iretq\n");

static int wrong(const char *what)
{
	fprintf(stderr, "extra_state: %s\n", what);
	return 1;
}

static void configure_tiles(void)
{
	struct tile_config config = {.palette = 1};

	for (int i = 0; i < TILES; i++) {
		config.bytes_per_row[i] = BYTES;
		config.rows[i] = ROWS;
	}
	__asm__ volatile("ldtilecfg %0" : : "m"(config));
}

static uint8_t pattern(unsigned int round, int tile, int row, int column)
{
	return (uint8_t)(round * 31 + tile * 67 + row * 5 + column);
}

static struct tile image(unsigned int round, int number)
{
	struct tile tile;

	for (int row = 0; row < ROWS; row++)
		for (int column = 0; column < BYTES; column++)
			tile.byte[row][column] = pattern(round, number, row, column);
	return tile;
}

/* clang-format off */
#define LOAD(number)  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #number : : "r"(tile), "r"((uint64_t)BYTES) : "memory")
#define STORE(number) __asm__ volatile("tilestored %%tmm" #number ", (%0,%1,1)" : : "r"(tile), "r"((uint64_t)BYTES) : "memory")
/* clang-format on */

/* The first and the last: which one is part of the instruction. */
static void load_tile(int number, const struct tile *tile)
{
	if (number)
		LOAD(7);
	else
		LOAD(0);
}

static void store_tile(int number, struct tile *tile)
{
	if (number)
		STORE(7);
	else
		STORE(0);
}

static void fill_tiles(unsigned int round)
{
	for (int number = 0; number < TILES; number += TILES - 1) {
		const struct tile tile = image(round, number);

		load_tile(number, &tile);
	}
}

static int tiles_hold(unsigned int round)
{
	for (int number = 0; number < TILES; number += TILES - 1) {
		const struct tile wanted = image(round, number);
		struct tile found;

		store_tile(number, &found);
		if (memcmp(&wanted, &found, sizeof(found)))
			return 0;
	}
	return 1;
}

static int tell(const char *parameter, unsigned long value)
{
	FILE *file = fopen(parameter, "w");

	if (!file || fprintf(file, "%#lx", value) < 0 || fclose(file))
		return wrong("cannot write to the kernel module extra_state");
	return 0;
}

/* One is posted while they are not allowed, and must come when they are, whatever exits are between. */
static int interrupted(void)
{
	const uint64_t before = user_interrupts;

	__asm__ volatile("clui");
	if (tell(PARAMETERS "post", 0))
		return 1;
	exit_to_vmm();
	if (user_interrupts != before)
		return wrong("a user interrupt where UIF is 0");
	__asm__ volatile("stui");
	for (int i = 0; i < PATIENCE && user_interrupts == before; i++)
		exit_to_vmm();
	return user_interrupts == before + 1 ? 0
					     : wrong("a user interrupt has not come, or more than one has");
}

static int round_trip(unsigned int round)
{
	fill_tiles(round);
	exit_to_vmm();
	if (interrupted())
		return 1;
	return tiles_hold(round) ? 0 : wrong("a tile is not what it was");
}

static int spin(volatile uint32_t *word)
{
	for (unsigned int round = 1; !round_trip(round); round++)
		++*word;
	return 1;
}

int main(int argc, char **argv)
{
	volatile uint32_t *word = argc == 3 && !strcmp(argv[1], "spin") ? map_word(argv[2]) : NULL;

	if (!word) {
		fprintf(stderr, "usage: extra_state spin FILE\n");
		return 2;
	}
	if (tell(PARAMETERS "handler", (unsigned long)user_interrupt))
		return 1;
	configure_tiles();
	return spin(word);
}
