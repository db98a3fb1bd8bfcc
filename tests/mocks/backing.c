/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "backing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "physical.h"

#define PAGE	      PHYSICAL_PAGE
#define GUARDED_LIVES 32u /* one of so many */
#define PATTERN	      0xdbdbdbdbdbdbdbdbull

static int file = -1;
static uint8_t *window;
static bool guarded;
static uint32_t life;
static uint32_t marked[BACKING_PAGES]; /* with the pattern, in that life */
static uint32_t highest;	       /* none was marked behind it */

static void backing_error(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

static void protect(uint32_t first, uint32_t pages, int prot)
{
	if (mprotect(backing_at(first), pages * PAGE, prot))
		backing_error("cannot change what is mapped");
}

static void mark(uint32_t first, uint32_t pages)
{
	memset(backing_at(first), (uint8_t)PATTERN, pages * PAGE);
	for (uint32_t page = first; page < first + pages; page++)
		marked[page] = life;
	highest = first + pages > highest ? first + pages : highest;
}

static bool has_pattern(uint32_t page)
{
	const uint64_t *words = (const uint64_t *)backing_at(page);
	uint64_t other = 0;

	for (unsigned int i = 0; i < PAGE / sizeof(*words); i++)
		other |= words[i] ^ PATTERN;
	return !other;
}

static void expect_marked(uint32_t first, uint32_t pages)
{
	for (uint32_t page = first; page < first + pages; page++) {
		if (marked[page] == life && !has_pattern(page))
			backing_error("somebody wrote behind memory, or to what was given back");
		marked[page] = 0;
	}
}

static void make(void)
{
	file = memfd_create("physical", 0);
	if (ftruncate(file, BACKING_PAGES * PAGE))
		backing_error("no physical memory");
	window = mmap(NULL, BACKING_PAGES * PAGE, PROT_NONE, MAP_SHARED | MAP_NORESERVE, file, 0);
	if (window == MAP_FAILED)
		backing_error("cannot map physical memory");
}

void backing_reset(void)
{
	const bool guard = life % GUARDED_LIVES == 0;

	if (file < 0)
		make();
	if (!guarded)
		expect_marked(0, highest);
	if (guarded || guard)
		protect(0, BACKING_PAGES, guard ? PROT_NONE : PROT_READ | PROT_WRITE);
	guarded = guard;
	highest = 0;
	life++;
}

bool backing_is_guarded(void)
{
	return guarded;
}

/* Zeroed by hand: to give a page back to the kernel and fetch it again takes ten times as long. */
void backing_open(uint32_t first, uint32_t pages)
{
	if (guarded)
		protect(first, pages, PROT_READ | PROT_WRITE);
	else
		expect_marked(first, pages);
	memset(backing_at(first), 0, pages * PAGE);
}

void backing_close(uint32_t first, uint32_t pages)
{
	if (guarded)
		protect(first, pages, PROT_NONE);
	else
		mark(first, pages);
}

uint8_t *backing_at(uint32_t page)
{
	return window + page * PAGE;
}

uint64_t backing_page(const void *at)
{
	return ((uint64_t)at - (uint64_t)window) / PAGE;
}

int backing_file(void)
{
	return file;
}
