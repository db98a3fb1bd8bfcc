/* SPDX-License-Identifier: MIT */
/*
 * What second-level translation takes of the pool. It hides the VMM page by page: a table for each part of
 * memory that one table divides and that holds some of the VMM, on each level, counted where the VMM's pages
 * really lie. And it maps the machine's memory, in pages of 1 GiB: a table for each 512 of them; where the
 * CPU has none, a table for each GiB.
 */
#include "drivers/common/internal.h"

#define GIB_SHIFT 30u
#define GIB	  (1ull << GIB_SHIFT)

/* What one entry of a table divides, by levels: 2 MiB into pages, and so on. */
static const unsigned int shifts[] = {21, GIB_SHIFT, 39, 48};

enum { LEVEL_FRAMES, LEVEL_GIBS, LEVEL_ABOVE };

#define LEVELS	     ARRAY_SIZE_OF(shifts)
#define ROOT_PAGES   1u
#define HIDDEN_PAGES 1u /* the page that stands for all hidden ones */

/* -- the machine's memory ---------------------------------------------------------------- */

/* A run that touches or overlaps the last one becomes part of it. */
static bool add_memory(struct core *core, uint64_t first, uint64_t end)
{
	struct plinth_boot_memory *last = core->n_memory ? &core->memory[core->n_memory - 1] : NULL;

	if (last && first <= last->first + last->count) {
		if (end > last->first + last->count)
			last->count = (uint32_t)(end - last->first);
		return true;
	}
	if (core->n_memory == PLINTH_BOOT_MEMORY)
		return false;
	core->memory[core->n_memory++] =
		(struct plinth_boot_memory){(uint32_t)first, (uint32_t)(end - first)};
	return true;
}

void slat_note_memory(struct core *core)
{
	uint64_t start, end = 0;

	core->n_memory = 0;
	(void)add_memory(core, 0, PLINTH_BOOT_LOW_GIBS);
	while (os_next_memory(end, &start, &end))
		if (!add_memory(core, start / GIB, (end + GIB - 1) / GIB))
			return;
}

static bool is_memory(const struct core *core, uint64_t gib)
{
	for (uint32_t i = 0; i < core->n_memory; i++)
		if (gib - core->memory[i].first < core->memory[i].count)
			return true;
	return false;
}

/* From this level up the memory has tables wherever it lies. */
static size_t choose_memory_level(void)
{
	return os_slat_gib_pages() ? LEVEL_ABOVE : LEVEL_GIBS;
}

/* Parts of 1 << @shift bytes that the memory lies in; the runs ascend. */
static uint64_t parts_of_memory(const struct core *core, unsigned int shift)
{
	uint64_t parts = 0, next = 0;

	for (uint32_t i = 0; i < core->n_memory; i++) {
		uint64_t first = (uint64_t)core->memory[i].first >> (shift - GIB_SHIFT);
		uint64_t end = (((uint64_t)core->memory[i].first + core->memory[i].count - 1) >>
				(shift - GIB_SHIFT)) +
			       1;

		parts += end - (first > next ? first : next);
		next = end;
	}
	return parts;
}

/* -- the VMM's own ----------------------------------------------------------------------- */

/* The numbers of the smallest parts that hold the VMM's pages. */
struct frames {
	uint64_t *list; /* NULL: they are only counted */
	uint64_t n;
	uint64_t last;
};

static void add_region(struct frames *frames, const uint8_t *page, uint64_t pages)
{
	for (uint64_t i = 0; page && i < pages; i++, page += OS_PAGE) {
		uint64_t frame = os_virt_to_phys(page) >> shifts[0];

		if (frames->n && frame == frames->last)
			continue;
		if (frames->list)
			frames->list[frames->n] = frame;
		frames->last = frame;
		frames->n++;
	}
}

static void add_all(struct frames *frames, const struct core *core)
{
	for (uint32_t i = 0; i < core->n_modules; i++)
		add_region(frames, core->modules[i].image, core_pages(core->modules[i].about.bytes));
	for (uint32_t i = 0; i < SPACE_COUNT; i++)
		add_region(frames, core->space[i].kernel, core->space[i].pages);
}

/* Ascending; the steps are Shell's, each a third of the one before. */
static void sort(uint64_t *list, uint64_t n)
{
	uint64_t step = 1;

	while (step < n / 3)
		step = 3 * step + 1;
	for (; step; step /= 3) {
		for (uint64_t i = step; i < n; i++) {
			uint64_t value = list[i], j = i;

			for (; j >= step && list[j - step] > value; j -= step)
				list[j] = list[j - step];
			list[j] = value;
		}
	}
}

/* A table each, unless the memory has it already. */
static uint64_t tables_to_hide(const struct core *core, const struct frames *frames, size_t memory_level)
{
	uint64_t tables = 0;

	for (size_t level = 0; level < LEVELS; level++) {
		unsigned int up = shifts[level] - shifts[0];

		for (uint64_t i = 0; i < frames->n; i++) {
			uint64_t part = frames->list[i] >> up;

			if (i && part == frames->list[i - 1] >> up)
				continue;
			tables += level < memory_level ||
				  !is_memory(core, frames->list[i] >> (GIB_SHIFT - shifts[0]));
		}
	}
	return tables;
}

int slat_pages(struct core *core, uint64_t *pages)
{
	const size_t memory_level = choose_memory_level();
	struct frames frames = {0};
	uint64_t list_bytes;

	add_all(&frames, core);
	list_bytes = frames.n * sizeof(*frames.list);
	frames.list = core_alloc_bytes(core, list_bytes, "a list of the VMM's memory");
	if (!frames.list)
		return PLINTH_E_NOMEM;
	frames.n = 0;
	add_all(&frames, core);
	sort(frames.list, frames.n);
	*pages = ROOT_PAGES + HIDDEN_PAGES + PLINTH_SLAT_SPARE_FOR(memory_level == LEVEL_ABOVE) +
		 PLINTH_SLAT_SEATS_FOR(core->n_cpus) * PLINTH_SLAT_SEAT_PAGES +
		 tables_to_hide(core, &frames, memory_level);
	for (size_t level = memory_level; level < LEVELS; level++)
		*pages += parts_of_memory(core, shifts[level]);
	core_free_bytes(core, frames.list, list_bytes);
	return 0;
}
