/* SPDX-License-Identifier: MIT */
/*
 * How much can a file of a given size cost rtld?
 *
 *	cost search SIZE ROUNDS SEED	look for files that cost more and more; prints their numbers
 *	cost run SIZE GENE...		do once what a driver does, for callgrind --toggle-collect=cost_work,
 *					and copy the file, for --toggle-collect=cost_copy
 *
 * The search counts basic blocks, in the program cost-search, which is built for that: it repeats exactly
 * and needs no counter of the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "format.h"
#include "rtld.h"

#define ROOM	   128u
#define BASE	   0x7000000000ull
#define MOST_IMAGE (1ull << 31)

static uint64_t blocks;
static uint64_t phase[4];
static const char *last; /* the first finding */

/* Called at each basic block; not to be counted itself. */
void __sanitizer_cov_trace_pc(void);
__attribute__((__no_sanitize_coverage__)) void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static void *get(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) / 4096 * 4096 + 4096);

	if (!p)
		exit(2);
	return p;
}

static void print_findings(const struct rtld_set *set, const struct rtld_errors *errors)
{
	unsigned int highest = rtld_highest_version(set, errors);
	char line[512];
	uint32_t i;

	for (i = 0; i < errors->count && i < errors->room; i++)
		rtld_format_in(set, highest, &errors->list[i], line, sizeof(line));
	last = errors->count ? rtld_check_name(errors->list[0].check) : "OK";
}

/* The image is not written: that is as much as the file asks memory for, see docs/rtld.md. */
static int resolve(struct rtld_set *set, void *work, size_t size)
{
	static const char *const names[] = {"entry_init", "entry_prepare", "entry_start", "entry_release",
					    "x"};
	uint64_t run;
	uint32_t i;
	int err = rtld_resolve(set, work, size);

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)rtld_lookup(set, names[i], &run);
	return err;
}

int cost_work(const uint8_t *bytes, size_t size, uint32_t flags)
{
	static struct rtld_error list[ROOM];
	struct rtld_errors errors = {list, ROOM, 0};
	static _Alignas(16) uint8_t arena[1 << 16];
	struct rtld_set *set = rtld_set_init(arena, sizeof(arena), 1, flags, &errors);
	size_t note;
	void *work;
	int err;

	blocks = 0;
	err = rtld_probe(set, "cost.so", bytes, size);
	phase[0] = blocks;
	if (err >= 0) {
		(void)rtld_find_note(set, 0, "Plinth", 42, &note);
		work = get(rtld_work_size(set));
		(void)rtld_place(set, 0, NULL, BASE);
		phase[1] = blocks;
		err = resolve(set, work, rtld_work_size(set));
		phase[2] = blocks;
		free(work);
	}
	print_findings(set, &errors);
	phase[3] = blocks;
	return err;
}

void cost_copy(uint8_t *copy, const uint8_t *bytes, size_t size)
{
	const volatile uint64_t *from = (const void *)bytes;
	volatile uint64_t *to = (void *)copy;
	size_t i;

	for (i = 0; i + 8 <= size / 8; i += 8) {
		to[i] = from[i], to[i + 1] = from[i + 1], to[i + 2] = from[i + 2], to[i + 3] = from[i + 3];
		to[i + 4] = from[i + 4], to[i + 5] = from[i + 5], to[i + 6] = from[i + 6],
		       to[i + 7] = from[i + 7];
	}
}

static uint32_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 24;
}

static uint64_t measure(const uint32_t *genes, uint8_t *bytes, size_t size)
{
	cost_make(genes, bytes, size);
	(void)cost_work(bytes, size, genes[COST_FLAGS] % 4);
	return blocks;
}

static void print(const uint32_t *genes, uint64_t cost, size_t size)
{
	int i;

	printf("%6.3f blocks a byte, %s, probe %5.1f%%, resolve %5.1f%%:", (double)cost / size, last,
	       100.0 * phase[0] / (cost + 1.0), 100.0 * (phase[2] - phase[1]) / (cost + 1.0));
	for (i = 0; i < COST_GENES; i++)
		printf(" %u", genes[i]);
	printf("\n");
}

static void change(uint32_t *genes, uint64_t *state)
{
	uint32_t times = 1 + draw(state) % 3;

	while (times--) {
		uint32_t *gene = &genes[draw(state) % COST_GENES];

		switch (draw(state) % 6) {
		case 0: *gene = draw(state) & 0xffffffff; break;
		case 1: *gene &= ~255u; break;
		case 2: *gene |= 255; break;
		case 3: *gene ^= 1u << draw(state) % 32; break;
		case 4: *gene += draw(state) % 16; break;
		default: *gene -= draw(state) % 16; break;
		}
	}
}

/* Climb from many places; of each climb, the top. */
static void search(size_t size, unsigned long rounds, uint64_t state)
{
	uint32_t best[COST_GENES], try[COST_GENES];
	uint8_t *bytes = get(size);
	uint64_t top, cost;

	while (rounds--) {
		uint32_t i, idle = 0;

		for (i = 0; i < COST_GENES; i++)
			best[i] = draw(&state) % 3 ? draw(&state) : 0;
		top = measure(best, bytes, size);
		while (idle++ < 400) {
			memcpy(try, best, sizeof(try));
			change(try, &state);
			cost = measure(try, bytes, size);
			if (cost < top)
				continue;
			if (cost > top)
				idle = 0;
			top = cost;
			memcpy(best, try, sizeof(best));
		}
		measure(best, bytes, size);
		print(best, top, size);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	uint32_t genes[COST_GENES] = {0};
	uint8_t *bytes, *copy;
	int i;

	if (argc == 5 && !strcmp(argv[1], "search")) {
		search(size, strtoul(argv[3], NULL, 0), strtoull(argv[4], NULL, 0) * 2 + 1);
		return 0;
	}
	if (argc != 3 + COST_GENES || strcmp(argv[1], "run")) {
		fprintf(stderr, "usage: cost search SIZE ROUNDS SEED | cost run SIZE GENE...\n");
		return 2;
	}
	for (i = 0; i < COST_GENES; i++)
		genes[i] = strtoul(argv[3 + i], NULL, 0);
	bytes = get(size);
	cost_make(genes, bytes, size);
	copy = get(size);
	cost_copy(copy, bytes, size);
	free(copy);
	(void)cost_work(bytes, size, genes[COST_FLAGS] % 4);
	puts(last);
	return 0;
}
