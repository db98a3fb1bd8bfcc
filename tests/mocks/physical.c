/* SPDX-License-Identifier: MIT */
#include "physical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backing.h"

#define PAGE	    PHYSICAL_PAGE
#define GIB	    (1ull << 30)
#define FRAME	    (2ull << 20)
#define FIRST_PA    0x1000000ull /* where one large page has many neighbours */
#define LOW_END	    (3 * GIB)
#define HIGH_START  (4 * GIB)
#define RUN_PAGES   512u /* longest physical run */
#define USUAL_BYTES (1ull << 30)

/*
 * Allocations grow from the start of what backs them (backing.h), a page that is no address between two of
 * them; RAM that somebody only looks at grows from its end.
 */
static uint64_t pa_of[BACKING_PAGES];	 /* of an allocated page; 0: not one */
static uint32_t total_of[BACKING_PAGES]; /* pages of the allocation that begins here */
static uint32_t top, bottom;		 /* pages in use at the start; first one in use at the end */

static struct physical_layout layout;
static struct physical_bank banks[3];
static unsigned int n_banks;

static void physical_error(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

/* -- which page of the file stands for which of the memory ------------------------------------ */

#define SLOTS (1u << 19)

static struct slot {
	uint64_t pa;
	uint32_t page;	/* of what backs it */
	uint32_t round; /* of physical_reset(): all older ones are empty */
} slots[SLOTS];
static uint32_t round_now;

#define GONE UINT32_MAX /* a page that was there */

/* The slot of that page, or the empty one where it would be. */
static struct slot *slot_of(uint64_t pa)
{
	uint32_t i = (uint32_t)((pa / PAGE) * 0x9e3779b97f4a7c15ull >> 45);

	while (slots[i % SLOTS].round == round_now && slots[i % SLOTS].pa != pa)
		i++;
	return &slots[i % SLOTS];
}

static bool in_use(uint64_t pa)
{
	const struct slot *slot = slot_of(pa);

	return slot->round == round_now && slot->page != GONE;
}

static void set_page(uint64_t pa, uint32_t page)
{
	*slot_of(pa) = (struct slot){.pa = pa, .page = page, .round = round_now};
}

/* -- RAM ------------------------------------------------------------------------------------------ */

static void add_bank(uint64_t from, uint64_t bytes)
{
	if (bytes)
		banks[n_banks++] = (struct physical_bank){from, from + bytes};
}

bool physical_lay_out(const struct physical_layout *wanted)
{
	uint64_t low = wanted->bytes < LOW_END ? wanted->bytes : LOW_END;
	uint64_t rest = wanted->bytes - low, second = rest / 2 / FRAME * FRAME;
	uint64_t end = 1ull << (wanted->address_bits < 48 ? wanted->address_bits : 48);

	if (wanted->bytes < 2 * FIRST_PA || (rest && HIGH_START + rest > end))
		return false;
	layout = *wanted;
	n_banks = 0;
	add_bank(0, low);
	add_bank(HIGH_START, rest - second);
	add_bank(end - second, second);
	return true;
}

const struct physical_bank *physical_banks(unsigned int *n)
{
	*n = n_banks;
	return banks;
}

bool physical_is_ram(uint64_t pa)
{
	for (unsigned int i = 0; i < n_banks; i++)
		if (pa >= banks[i].from && pa < banks[i].to)
			return true;
	return false;
}

uint64_t physical_bytes(void)
{
	return layout.bytes;
}

/* -- where the next pages lie ---------------------------------------------------------------------- */

static uint64_t next_pa, next_border, scattered;

static void begin(void)
{
	const struct physical_bank *last = &banks[n_banks - 1];

	next_pa = layout.place == PLACE_HIGH && last->from ? last->from : FIRST_PA;
	next_border = GIB;
	scattered = 0;
}

static bool fits(uint64_t pa, uint64_t pages)
{
	for (unsigned int i = 0; i < n_banks; i++)
		if (pa >= banks[i].from && pa < banks[i].to && pages * PAGE <= banks[i].to - pa)
			return true;
	return false;
}

static bool all_free(uint64_t pa, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		if (in_use(pa + i * PAGE))
			return false;
	return true;
}

/* A gap, so that the next run is another one. */
static uint64_t take_run(uint64_t pages, uint64_t align)
{
	uint64_t pa = (next_pa + align - 1) & ~(align - 1);

	while (!fits(pa, pages) || !all_free(pa, pages)) {
		unsigned int i = 0;

		while (i < n_banks && pa >= banks[i].from)
			i++;
		if (fits(pa, pages))
			pa += align;
		else if (i < n_banks)
			pa = banks[i].from;
		else if (next_pa > FIRST_PA)
			pa = next_pa = FIRST_PA;
		else
			physical_error("out of physical memory: something leaks");
	}
	next_pa = pa + pages * PAGE + PAGE;
	return pa;
}

static uint64_t take_border(uint64_t pages, uint64_t align)
{
	for (; next_border < banks[n_banks - 1].to; next_border += GIB) {
		uint64_t pa = (next_border - (pages + 1) / 2 * PAGE) & ~(align - 1);

		if (pages > 1 && fits(pa, pages) && all_free(pa, pages)) {
			next_border += GIB;
			return pa;
		}
	}
	return take_run(pages, align);
}

/* Another frame each time, and any page of it. */
static uint64_t take_scattered(uint64_t align)
{
	for (;;) {
		uint64_t mixed = (++scattered + layout.seed) * 0x9e3779b97f4a7c15ull;
		uint64_t pa = mixed % (banks[n_banks - 1].to / FRAME) * FRAME +
			      (mixed >> 40) % (FRAME / PAGE) * PAGE;

		pa &= ~(align - 1);
		if (pa >= FIRST_PA && fits(pa, 1) && !in_use(pa))
			return pa;
	}
}

/* Pages of one run, of those that are still to be placed. */
static uint64_t run_of(uint64_t pages, uint64_t align)
{
	uint64_t most = layout.place == PLACE_SCATTERED ? 1 : RUN_PAGES;

	return align > PAGE || pages < most ? pages : most;
}

static uint64_t place_pages(uint64_t pages, uint64_t align)
{
	if (layout.place == PLACE_BORDER)
		return take_border(pages, align);
	if (layout.place == PLACE_SCATTERED && pages == 1)
		return take_scattered(align);
	return take_run(pages, align);
}

/* -- what is given out ------------------------------------------------------------------------------ */

void physical_reset(void)
{
	backing_reset();
	memset(pa_of, 0, top * sizeof(*pa_of));
	memset(total_of, 0, top * sizeof(*total_of));
	top = 0;
	bottom = BACKING_PAGES;
	round_now++;
	(void)physical_lay_out(&(const struct physical_layout){.bytes = USUAL_BYTES, .address_bits = 39});
	begin();
}

void *physical_alloc(size_t pages, size_t align)
{
	uint32_t first = top;

	if (layout.fragmented && align > PAGE && pages > 1)
		return NULL;
	if (top + pages + 1 > bottom)
		physical_error("out of physical memory: something leaks");
	if (!first)
		begin();
	backing_open(first, (uint32_t)pages);
	for (uint64_t done = 0; done < pages;) {
		uint64_t run = run_of(pages - done, align), pa = place_pages(run, align);

		for (uint64_t i = 0; i < run; i++, done++) {
			pa_of[first + done] = pa + i * PAGE;
			set_page(pa + i * PAGE, (uint32_t)(first + done));
		}
	}
	total_of[first] = (uint32_t)pages;
	top += (uint32_t)pages + 1;
	backing_close(top - 1, 1);
	return backing_at(first);
}

/* What was given out last comes back to be given out next. */
static void shrink(void)
{
	while (top && !pa_of[top - 1] && (top == 1 || !pa_of[top - 2]))
		top--;
	if (!top)
		begin();
	else if (layout.place != PLACE_SCATTERED)
		next_pa = pa_of[top - 2] + 2 * PAGE;
}

bool physical_free(void *memory, size_t pages)
{
	uint64_t first = backing_page(memory);

	if (first >= top || !pages || total_of[first] != pages)
		return false;
	for (uint64_t i = first; i < first + pages; i++) {
		set_page(pa_of[i], GONE);
		pa_of[i] = 0;
	}
	total_of[first] = 0;
	backing_close((uint32_t)first, (uint32_t)pages);
	shrink();
	return true;
}

uint64_t physical_of(const void *memory)
{
	uint64_t bytes = (uint64_t)memory, page = backing_page(memory);

	return page < top && pa_of[page] ? pa_of[page] + bytes % PAGE : 0;
}

/* RAM that is nobody's. */
static uint32_t look_at(uint64_t pa)
{
	if (bottom - 1 <= top)
		physical_error("out of memory to be looked at");
	bottom--;
	backing_open(bottom, 1);
	set_page(pa, bottom);
	return bottom;
}

static bool page_of(uint64_t pa, uint32_t *page)
{
	const struct slot *slot = slot_of(pa & ~(PAGE - 1));

	if (slot->round == round_now && slot->page != GONE)
		*page = slot->page;
	else if (physical_is_ram(pa))
		*page = look_at(pa & ~(PAGE - 1));
	else
		return false;
	return true;
}

bool physical_file(uint64_t pa, int *out, uint64_t *offset)
{
	uint32_t page;

	if (!page_of(pa, &page))
		return false;
	*out = backing_file();
	*offset = page * PAGE;
	return true;
}

void *physical_at(uint64_t pa)
{
	uint32_t page;

	return page_of(pa, &page) ? backing_at(page) + pa % PAGE : NULL;
}
