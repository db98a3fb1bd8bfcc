/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "mapping.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "physical.h"

#define PAGE	 PHYSICAL_PAGE
#define RUNS_MAX 4096u

/* Neighbours in the address space and in the file, with the same permissions: one mapping. */
struct run {
	uint64_t va, offset, bytes;
	int file, prot;
};

/* Ascending. */
struct runs {
	unsigned int n;
	struct run run[RUNS_MAX];
};

static struct runs mapped, wanted;

static void mapping_error(const char *what)
{
	fprintf(stderr, "mock memory: %s\n", what);
	abort();
}

static void map_run(const struct run *r)
{
	if (mmap((void *)r->va, r->bytes, r->prot, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, r->file,
		 (off_t)r->offset) == MAP_FAILED)
		mapping_error("cannot map the VMM");
}

static void unmap_bytes(uint64_t va, uint64_t bytes)
{
	if (munmap((void *)va, bytes))
		mapping_error("cannot unmap the VMM");
}

static uint64_t end_of(const struct run *r)
{
	return r->va + r->bytes;
}

/* -- lists ------------------------------------------------------------------------------------- */

static void insert_run(struct runs *runs, unsigned int at, const struct run *r)
{
	if (runs->n == RUNS_MAX)
		mapping_error("the VMM is mapped in more pieces than there is room for");
	memmove(&runs->run[at + 1], &runs->run[at], (runs->n - at) * sizeof(*r));
	runs->run[at] = *r;
	runs->n++;
}

static void remove_run(struct runs *runs, unsigned int at)
{
	runs->n--;
	memmove(&runs->run[at], &runs->run[at + 1], (runs->n - at) * sizeof(runs->run[0]));
}

/* The first run that ends behind that address. */
static unsigned int find_run(const struct runs *runs, uint64_t va)
{
	unsigned int i = 0;

	while (i < runs->n && end_of(&runs->run[i]) <= va)
		i++;
	return i;
}

/* A page is taken out of the run it is in, of which up to two are left. Return: false: it is in none. */
static bool cut_page(struct runs *runs, uint64_t va)
{
	const unsigned int at = find_run(runs, va);
	struct run left, right;

	if (at == runs->n || runs->run[at].va > va)
		return false;
	left = right = runs->run[at];
	left.bytes = va - left.va;
	right.va = va + PAGE;
	right.offset += right.va - left.va;
	right.bytes -= right.va - left.va;
	remove_run(runs, at);
	if (right.bytes)
		insert_run(runs, at, &right);
	if (left.bytes)
		insert_run(runs, at, &left);
	return true;
}

static bool continues(const struct run *r, const struct run *page)
{
	return page->va == end_of(r) && page->offset == r->offset + r->bytes && page->file == r->file &&
	       page->prot == r->prot;
}

static bool is_same(const struct run *a, const struct run *b)
{
	return a->va == b->va && a->offset == b->offset && a->bytes == b->bytes && a->file == b->file &&
	       a->prot == b->prot;
}

static bool has_run(const struct runs *runs, const struct run *r)
{
	const unsigned int at = find_run(runs, r->va);

	return at < runs->n && is_same(&runs->run[at], r);
}

/* -- what is mapped ---------------------------------------------------------------------------- */

void mapping_want(uint64_t va, int file, uint64_t offset, int prot)
{
	const struct run page = {.va = va, .offset = offset, .bytes = PAGE, .file = file, .prot = prot};

	if (wanted.n && continues(&wanted.run[wanted.n - 1], &page))
		wanted.run[wanted.n - 1].bytes += PAGE;
	else
		insert_run(&wanted, wanted.n, &page);
}

void mapping_enter(void)
{
	for (unsigned int i = 0; i < mapped.n; i++)
		if (!has_run(&wanted, &mapped.run[i]))
			unmap_bytes(mapped.run[i].va, mapped.run[i].bytes);
	for (unsigned int i = 0; i < wanted.n; i++)
		if (!has_run(&mapped, &wanted.run[i]))
			map_run(&wanted.run[i]);
	memcpy(mapped.run, wanted.run, wanted.n * sizeof(wanted.run[0]));
	mapped.n = wanted.n;
	wanted.n = 0;
}

/* One call for all of it: nobody else maps anything between. */
void mapping_leave(void)
{
	if (mapped.n)
		unmap_bytes(mapped.run[0].va, end_of(&mapped.run[mapped.n - 1]) - mapped.run[0].va);
	mapped.n = 0;
}

void mapping_page(uint64_t va, int file, uint64_t offset, int prot)
{
	const struct run page = {.va = va, .offset = offset, .bytes = PAGE, .file = file, .prot = prot};

	mapping_forget(va);
	map_run(&page);
	insert_run(&mapped, find_run(&mapped, va), &page);
}

void mapping_forget(uint64_t va)
{
	if (cut_page(&mapped, va))
		unmap_bytes(va, PAGE);
}
