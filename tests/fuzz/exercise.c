/* SPDX-License-Identifier: MIT */
/* Everything a caller of rtld can do with files, whatever they hold. */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "fuzz.h"
#include "rtld.h"

#define ROOM	  64u
#define BASE	  0x7000000000ull
#define MAX_IMAGE (8u << 20)

/* Exactly as large as asked: the sanitizer guards both ends. */
static void *get(size_t size)
{
	void *p = aligned_alloc(16, (size + 15) / 16 * 16);

	if (!p)
		abort();
	return p;
}

/* A copy that ends where its allocation ends. */
static uint8_t *copy_file(const struct fuzz_file *file)
{
	uint8_t *p = malloc(file->size ? file->size : 1);

	if (!p)
		abort();
	memcpy(p, file->bytes, file->size);
	return p;
}

static void ask_module(const struct rtld_set *set, uint32_t m)
{
	struct rtld_cursor at = {0}, bindings = {0};
	struct rtld_segment segment;
	struct rtld_binding binding;
	struct rtld_region region;
	size_t size;
	uint32_t i;

	for (i = 0; rtld_segment(set, m, i, &segment); i++)
		;
	for (i = 0; rtld_next_needed(set, m, &i);)
		;
	while (rtld_next_region(set, m, &at, &region))
		if ((region.perms & (RTLD_W | RTLD_X)) == (RTLD_W | RTLD_X))
			abort();
	while (rtld_next_binding(set, m, &bindings, &binding))
		;
	if (rtld_lazy_region(set, m, &region) && region.size % RTLD_PAGE)
		abort();
	(void)rtld_find_note(set, m, "GNU", 3, &size);
	(void)rtld_find_note(set, m, "Plinth", 42, &size);
}

static void ask_set(const struct rtld_set *set)
{
	struct rtld_cursor init = {0}, fini = {0};
	struct rtld_symbol symbol;
	uint32_t m, calls = 0;
	uint64_t run;

	for (m = 0; m < rtld_count(set); m++)
		ask_module(set, m);
	while (rtld_next_init(set, &init, &run, &m) && calls++ < 10000)
		if (rtld_symbol_at(set, run, &symbol))
			abort();
	while (rtld_next_fini(set, &fini, &run, &m) && calls++ < 20000)
		;
	(void)rtld_lookup(set, "base_sum", &run);
	(void)rtld_lookup(set, "", &run);
	(void)rtld_symbol_at(set, BASE + 0x1010, &symbol);
	(void)rtld_find_module(set, "base.so");
}

/* A plan of what has just been linked must bind it, and so must one that is damaged not. */
static void link_by_plan(struct rtld_set *set, void *work, size_t work_size)
{
	size_t size = rtld_plan_size(set);
	uint8_t *plan;

	if (!size)
		return;
	plan = get(size);
	if (rtld_plan_write(set, plan, size))
		abort();
	rtld_set_plan(set, plan, size);
	if (rtld_link(set, work, work_size) || !rtld_plan_used(set))
		abort();
	plan[size / 2] ^= 0x55;
	rtld_set_plan(set, plan, size);
	if (rtld_link(set, work, work_size))
		abort();
	rtld_set_plan(set, NULL, 0);
	(void)rtld_link(set, work, work_size);
	free(plan);
}

static void place_and_link(struct rtld_set *set)
{
	uint8_t *image[FUZZ_FILES] = {NULL};
	size_t size = rtld_work_size(set);
	uint64_t run = BASE;
	void *work = get(size);
	const struct rtld_lazy lazy = {
		.tables = get(rtld_lazy_tables(set)),
		.states = get(rtld_lazy_states(set)),
	};
	uint32_t m;

	for (m = 0; m < rtld_count(set); m++) {
		const struct rtld_info *info = rtld_info(set, m);

		if (info->image_size > MAX_IMAGE)
			break;
		image[m] = get(info->image_size);
		run = (run + info->align - 1) / info->align * info->align;
		run += info->low % info->align;
		(void)rtld_place(set, m, image[m], run);
		run += info->image_size;
	}
	rtld_set_lazy(set, &lazy);
	if (!rtld_link(set, work, size))
		link_by_plan(set, work, size);
	ask_set(set);
	for (m = 0; m < FUZZ_FILES; m++)
		free(image[m]);
	free(lazy.tables);
	free(lazy.states);
	free(work);
}

static void format_all(const struct rtld_errors *errors)
{
	char line[128];
	uint32_t i;

	for (i = 0; i < errors->count && i < ROOM; i++)
		rtld_format_error(&errors->list[i], line, sizeof(line));
}

void fuzz_files(const struct fuzz_file *file, uint32_t files, uint32_t flags)
{
	static struct rtld_error list[ROOM];
	struct rtld_errors errors = {list, ROOM, 0};
	uint8_t *bytes[FUZZ_FILES] = {NULL};
	void *arena = get(rtld_set_size(FUZZ_FILES));
	struct rtld_set *set;
	uint32_t i, found;

	set = rtld_set_init(arena, rtld_set_size(FUZZ_FILES), FUZZ_FILES, flags, &errors);
	for (i = 0; i < files; i++) {
		bytes[i] = copy_file(&file[i]);
		found = errors.count;
		/* Refused means that there is a reason. */
		if ((rtld_probe(set, "fuzz.so", bytes[i], file[i].size) < 0) != (errors.count > found))
			abort();
	}
	place_and_link(set);
	format_all(&errors);
	for (i = 0; i < files; i++)
		free(bytes[i]);
	free(arena);
}
