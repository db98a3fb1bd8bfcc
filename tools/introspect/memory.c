/* SPDX-License-Identifier: MIT */
/*
 * The program's allocator, with one page at a page's boundary served from the window: there LibVMI looks at
 * other memory. All else is the allocator's that comes next.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "say.h"

#define SHOWN __attribute__((visibility("default")))

/* Looking for them may free something itself, which is then left where it is. */
static __thread bool looking;

static void *next_allocator(const char *name, void **known)
{
	void *found = __atomic_load_n(known, __ATOMIC_RELAXED);

	if (found || looking)
		return found;
	looking = true;
	found = dlsym(RTLD_NEXT, name);
	looking = false;
	if (!found)
		say_and_exit("the allocator lacks a function that it always has");
	__atomic_store_n(known, found, __ATOMIC_RELAXED);
	return found;
}

SHOWN int posix_memalign(void **out, size_t alignment, size_t bytes)
{
	static void *known;
	int (*next)(void **out, size_t alignment, size_t bytes);

	if (alignment == PAGES_BYTES && bytes == PAGES_BYTES && pages_can_be_had()) {
		void *page = pages_take();

		if (page)
			*out = page;
		return page ? 0 : ENOMEM;
	}
	next = (int (*)(void **, size_t, size_t))next_allocator("posix_memalign", &known);
	return next ? next(out, alignment, bytes) : ENOMEM;
}

SHOWN void free(void *memory)
{
	static void *known;
	void (*next)(void *memory);

	if (pages_have(memory)) {
		if (!pages_give(memory))
			say_and_exit("free() of a page that is free");
		return;
	}
	next = (void (*)(void *))next_allocator("free", &known);
	if (next)
		next(memory);
}

static void *move_out(void *page, size_t bytes)
{
	void *memory = malloc(bytes);

	if (memory) {
		memcpy(memory, page, bytes < PAGES_BYTES ? bytes : PAGES_BYTES);
		free(page);
	}
	return memory;
}

SHOWN void *realloc(void *memory, size_t bytes)
{
	static void *known;
	void *(*next)(void *memory, size_t bytes);

	if (pages_have(memory))
		return move_out(memory, bytes);
	next = (void *(*)(void *, size_t))next_allocator("realloc", &known);
	return next ? next(memory, bytes) : NULL;
}

SHOWN size_t malloc_usable_size(void *memory)
{
	static void *known;
	size_t (*next)(void *memory);

	if (pages_have(memory))
		return PAGES_BYTES;
	next = (size_t(*)(void *))next_allocator("malloc_usable_size", &known);
	return next ? next(memory) : 0;
}
