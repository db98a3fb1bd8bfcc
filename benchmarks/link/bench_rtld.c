/* SPDX-License-Identifier: MIT */
/*
 * Load a set with rtld, again and again, and print the time of the phases.
 *
 * Under callgrind, once with --toggle-collect=load_set and once with
 * --toggle-collect=copy_set: the difference of the two counts is what the
 * link costs beside copying the bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "rtld.h"

#define MODULES RTLD_MAX_MODULES
#define BASE	0x10000000ull
#define ROOM	16384

static void *files[MODULES];
static size_t sizes[MODULES];
static char **paths;
static int count;
static uint32_t flags;
static struct rtld_error list[ROOM];
static struct rtld_errors errors = {list, ROOM, 0};
static struct rtld_set *set;
static void *arena, *work;
static size_t arena_size, work_size;
static uint8_t *memory;
static uint64_t probe_ns, link_ns;
static bool with_plan, skipping;
static void *plan;
static size_t plan_size;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void *get(size_t size)
{
	void *p = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

	if (!p)
		exit(2);
	memset(p, 0, size);
	return p;
}

static void read_file(int i)
{
	FILE *f = fopen(paths[i], "rb");

	if (!f || fseek(f, 0, SEEK_END))
		exit(2);
	sizes[i] = ftell(f);
	rewind(f);
	files[i] = get(sizes[i]);
	if (fread(files[i], 1, sizes[i], f) != sizes[i])
		exit(2);
	fclose(f);
}

static uint64_t place_all(uint8_t *at)
{
	uint64_t end = BASE;
	uint32_t i;

	for (i = 0; i < rtld_count(set); i++) {
		const struct rtld_info *m = rtld_info(set, i);

		end = (end + m->align - 1) / m->align * m->align;
		rtld_place(set, i, at ? at + (end - BASE) : NULL, end);
		end += m->image_size;
	}
	return end - BASE;
}

static void probe_all(void)
{
	int i;

	errors.count = 0;
	set = rtld_set_init(arena, arena_size, count, flags, &errors);
	for (i = 0; i < count; i++)
		rtld_probe(set, paths[i], files[i], sizes[i]);
}

/* The work measured. */
static __attribute__((noinline, noclone)) int load_set(void)
{
	uint64_t a = now(), b;
	int err;

	probe_all();
	b = now();
	probe_ns = b - a;
	place_all(memory);
	rtld_set_plan(set, plan, plan_size);
	err = rtld_link(set, work, work_size);
	link_ns = now() - b;
	return err;
}

/* The same by a plan; a name of its own, for callgrind. */
static __attribute__((noinline, noclone)) int load_by_plan(void)
{
	int err = load_set();

	return err || !rtld_plan_used(set);
}

/* The part of it that is copying: the yardstick. */
static __attribute__((noinline, noclone)) void copy_set(void)
{
	struct rtld_segment s;
	uint32_t m, i;

	for (m = 0; m < rtld_count(set); m++) {
		const struct rtld_info *info = rtld_info(set, m);
		uint64_t done = 0;

		for (i = 0; rtld_segment(set, m, i, &s); i++) {
			memset(info->write + done, 0, s.vaddr - info->low - done);
			memcpy(info->write + (s.vaddr - info->low), info->bytes + s.offset, s.filesz);
			done = s.vaddr - info->low + s.filesz;
		}
		memset(info->write + done, 0, info->image_size - done);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *what, uint64_t *ns, int n)
{
	qsort(ns, n, sizeof(*ns), by_value);
	printf("%-6s min %8.1f us, median %8.1f us\n", what, ns[0] / 1e3, ns[n / 2] / 1e3);
}

/* Drop the files that rtld refuses: foreign sets have some that use what it does not support. */
static void skip_refused(void)
{
	int i, kept = 0, all = count;

	for (i = 0; i < all; i++) {
		errors.count = 0;
		set = rtld_set_init(arena, arena_size, 1, flags, &errors);
		if (rtld_probe(set, paths[i], files[i], sizes[i]) < 0)
			continue;
		paths[kept] = paths[i];
		sizes[kept] = sizes[i];
		files[kept++] = files[i];
	}
	count = kept;
	printf("modules %d, refused %d\n", kept, all - kept);
}

static void prepare(void)
{
	int i;

	arena_size = rtld_set_size(count);
	arena = get(arena_size);
	for (i = 0; i < count; i++)
		read_file(i);
	if (skipping)
		skip_refused();
	probe_all();
	if (errors.count) {
		char line[512];

		rtld_format_error(&list[0], line, sizeof(line));
		fprintf(stderr, "%s\n", line);
		exit(1);
	}
	work_size = rtld_work_size(set);
	work = get(work_size);
	memory = get(place_all(NULL));
}

static void measure(int rounds)
{
	uint64_t *ns = get(4 * rounds * sizeof(*ns));
	int i;

	for (i = 0; i < rounds; i++) {
		uint64_t start = now();

		copy_set();
		ns[i] = now() - start;
		if (load_set())
			exit(1);
		ns[rounds + i] = probe_ns;
		ns[2 * rounds + i] = link_ns;
		ns[3 * rounds + i] = probe_ns + link_ns;
	}
	print("copy", ns, rounds);
	print("probe", ns + rounds, rounds);
	print("link", ns + 2 * rounds, rounds);
	print("load", ns + 3 * rounds, rounds);
}

static void make_plan(void)
{
	plan_size = rtld_plan_size(set);
	if (!plan_size)
		exit(1);
	plan = get(plan_size);
	if (rtld_plan_write(set, plan, plan_size) || load_by_plan())
		exit(1);
}

/* ROUNDS 0: load once and copy once, for callgrind. */
int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : -1;

	for (; argc > 2 && argv[2][0] == '-'; argc--, argv++) {
		flags |= !strcmp(argv[2], "--elf-rules") ? RTLD_RULES_ELF : 0;
		with_plan |= !strcmp(argv[2], "--plan");
		skipping |= !strcmp(argv[2], "--skip-refused");
	}
	if (rounds < 0 || argc < 3 || argc - 2 > (int)MODULES) {
		fprintf(stderr,
			"usage: bench_rtld ROUNDS [--elf-rules] [--plan] [--skip-refused] MODULE...\n");
		return 2;
	}
	paths = argv + 2;
	count = argc - 2;
	prepare();
	if (load_set()) {
		fprintf(stderr, "bench_rtld: the set does not link\n");
		return 1;
	}
	copy_set();
	if (with_plan)
		make_plan();
	if (rounds)
		measure(rounds);
	return 0;
}
