/* SPDX-License-Identifier: MIT */
/* The pages of a window: each is given once, at its boundary, and comes back. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <plinth/control.h>

#include "pages.h"

#define PAGES	(PLINTH_INTROSPECT_BYTES / PAGES_BYTES)
#define THREADS 4
#define ROUNDS	2000

static unsigned char window[PLINTH_INTROSPECT_BYTES] __attribute__((aligned(PAGES_BYTES)));

static void begin(void)
{
	pages_begin(window);
}

Test(introspect_pages, without_a_window)
{
	cr_expect_not(pages_can_be_had());
	cr_expect_not(pages_have(NULL));
	cr_expect_not(pages_have(window));
	pages_lose();
	cr_expect_not(pages_are_lost(), "there was none to lose");
}

Test(introspect_pages, whose_addresses, .init = begin)
{
	cr_expect(pages_can_be_had());
	cr_expect(pages_have(window) && pages_have(window + sizeof(window) - 1));
	cr_expect_not(pages_have((void *)((uintptr_t)window - 1)) || pages_have(window + sizeof(window)) ||
		      pages_have(NULL));
}

Test(introspect_pages, each_once, .init = begin)
{
	unsigned char *page;

	for (size_t i = 0; i < PAGES; i++) {
		page = pages_take();
		cr_assert(pages_have(page) && !((page - window) % PAGES_BYTES), "page %zu", i);
		cr_expect_eq(*page, 0, "page %zu is given twice", i);
		memset(page, 0xff, PAGES_BYTES);
	}
	cr_expect_null(pages_take());
	page = window + 300 * PAGES_BYTES;
	cr_expect(pages_give(page));
	cr_expect_eq(pages_take(), page);
	cr_expect_null(pages_take());
}

Test(introspect_pages, what_is_no_page, .init = begin)
{
	unsigned char *page = pages_take();

	cr_expect_not(pages_give(page + 1));
	cr_expect_not(pages_give(page + PAGES_BYTES), "nobody has it");
	cr_expect_not(pages_give(window + sizeof(window)));
	cr_expect(pages_give(page));
	cr_expect_not(pages_give(page), "twice");
}

/* A page that comes back shows whatever it shows: nothing is written to it, or read. */
Test(introspect_pages, pages_are_not_touched, .init = begin)
{
	unsigned char *page = pages_take();

	memset(page, 0x5a, PAGES_BYTES);
	pages_give(page);
	for (size_t i = 0; i < PAGES_BYTES; i++)
		cr_assert_eq(page[i], 0x5a, "byte %zu", i);
}

Test(introspect_pages, lost_in_a_child, .init = begin)
{
	unsigned char *page = pages_take();

	pages_lose();
	cr_expect(pages_are_lost() && !pages_can_be_had());
	cr_expect(pages_have(page), "its addresses are known");
	cr_expect(pages_give(page));
}

static void *take_and_give(void *own)
{
	const unsigned char mark = (unsigned char)(size_t)own;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned char *page = pages_take();

		if (!page)
			return page;
		*page = mark;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (*page != mark || !pages_give(page))
			return NULL;
	}
	return window;
}

Test(introspect_pages, threads, .init = begin)
{
	pthread_t threads[THREADS];
	void *result;

	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 1)), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		cr_expect_eq(result, window, "thread %zu had a page that another had", i);
	}
}
