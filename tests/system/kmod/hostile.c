// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Looks for the VMM in all physical memory, and tries to break it there.
 *
 * Wants a kernel that clears what is freed (init_on_free=1). The parameters minus_first and span are the
 * VMM's addresses. Words into the parameter run do:
 *   note     remember each page of RAM that holds one of the VMM's addresses; from the first CPU
 *   scan     count the pages of RAM that show one now; others tells those that were not noted
 *   holes    the same below 4 GiB and up to a GiB above RAM, where no RAM is; unread: what did not map
 *   look     count the noted pages that still show what they showed, others tells where; spoiled are those
 *            that hold what destroy writes
 *   settle   forget those that do not: stacks and buffers that are something else by now
 *   touch    write every page of RAM with what it holds; counts where the CPU refused that
 *   destroy  overwrite the noted pages that do not show it any more, and so are not real
 * The results are in the other parameters. A page that holds the VMM's addresses is one of
 * the VMM's, or one of the driver's, which has to know them. Stacks of threads do not count.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>

#include "tests/system/kmod/thread_stack.h"

/* Of the allocator of pages: MAX_ORDER - 1, MAX_ORDER or MAX_PAGE_ORDER, as kernels call it. */
#define LARGEST_ORDER 10

#define BATCH	   256
#define WORDS	   (PAGE_SIZE / sizeof(u64))
#define STEP	   8 /* words: a cache line */
#define SAMPLE	   32
#define NOTED_MAX  4096
#define OTHERS_MAX 16

static uint pages, noted, shown, spoiled, destroyed, refused, unread;
module_param(pages, uint, 0444);
module_param(noted, uint, 0444);
module_param(shown, uint, 0444);
module_param(spoiled, uint, 0444);
module_param(destroyed, uint, 0444);
module_param(refused, uint, 0444);
module_param(unread, uint, 0444);

static unsigned long notes[NOTED_MAX]; /* page frame numbers */

typedef void page_fn(u64 *words, unsigned long pfn, bool is_free);

/* Not the address itself: it would be found here, and on the stacks it was on. */
static u64 minus_first, span;
module_param(minus_first, ullong, 0200);
module_param(span, ullong, 0200);

static bool is_address(u64 word)
{
	return word + minus_first < span;
}

static bool holds_address(const u64 *words)
{
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (is_address(words[i]))
			return true;
	return false;
}

/* Of a page that was free when it was chosen a few words tell whether it is still cleared. */
static bool is_cleared(const u64 *words)
{
	unsigned int i;

	for (i = 0; i < WORDS; i += SAMPLE)
		if (words[i])
			return false;
	return true;
}

static bool shows_address(const u64 *words, unsigned long pfn)
{
	return holds_address(words) && !is_thread_stack(pfn);
}

static void note(u64 *words, unsigned long pfn, bool is_free)
{
	if ((is_free && is_cleared(words)) || !shows_address(words, pfn))
		return;
	if (noted < NOTED_MAX)
		notes[noted++] = pfn;
}

static bool touch_word(u64 *word)
{
	/* clang-format off */ /* it takes %l1 for an operation */
	asm goto("1: lock orq $0, %0\n" _ASM_EXTABLE(1b, %l1) : : "m"(*word) : "memory", "cc" : refused);
	/* clang-format on */
	return true;
refused:
	return false;
}

static void touch(u64 *words, unsigned long pfn, bool is_free)
{
	unsigned int i;

	for (i = 0; i < (is_free ? STEP : WORDS); i += STEP) {
		if (touch_word(&words[i]))
			continue;
		refused++;
		return;
	}
}

struct frame {
	unsigned long pfn;
	bool is_free; /* the kernel's allocator had it a moment ago */
};

/* The kernel's own mapping of a page may be read-only; these are writable. */
static void for_pages(const struct frame *frames, unsigned int n, page_fn *fn)
{
	static struct page *list[BATCH];
	unsigned int i;
	u64 *words;

	for (i = 0; i < n; i++)
		list[i] = pfn_to_page(frames[i].pfn);
	words = vmap(list, n, VM_MAP, PAGE_KERNEL);
	if (!words)
		return;
	for (i = 0; i < n; i++)
		fn(words + i * WORDS, frames[i].pfn, frames[i].is_free);
	pages += n;
	vunmap(words);
	cond_resched();
}

/* The end of a free block that begins there. The allocator goes on meanwhile: a hint. */
static unsigned long free_block_end(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return PageBuddy(page) ? pfn + (1ul << min_t(unsigned long, page_private(page), LARGEST_ORDER)) : 0;
}

static unsigned long pfns_end(void)
{
	return min(1ul << (boot_cpu_data.x86_phys_bits - PAGE_SHIFT), 1ul << 24 /* 64 GiB */);
}

static void for_all(page_fn *fn)
{
	static struct frame frames[BATCH];
	unsigned long pfn, free_end = 0;
	unsigned int n = 0;

	pages = 0;
	for (pfn = 0; pfn < pfns_end(); pfn++) {
		if (!(pfn % BATCH)) /* where no RAM is, too: that takes the longest */
			cond_resched();
		if (!pfn_valid(pfn) || !page_is_ram(pfn))
			continue;
		free_end = max(free_end, free_block_end(pfn));
		frames[n++] = (struct frame){pfn, pfn < free_end};
		if (n < BATCH)
			continue;
		for_pages(frames, n, fn);
		n = 0;
	}
	if (n)
		for_pages(frames, n, fn);
}

/* What a device or nothing answers to words far apart: all the same. */
static bool answers_alike(const void __iomem *page)
{
	u32 answer = readl(page);
	unsigned int i;

	for (i = 0; i < PAGE_SIZE; i += SAMPLE * sizeof(u64))
		if (readl(page + i) != answer)
			return false;
	return answer == 0 || answer == ~0u;
}

static void look_at_hole(const void __iomem *page)
{
	unsigned int i;

	pages++;
	if (answers_alike(page))
		return;
	for (i = 0; i < PAGE_SIZE; i += sizeof(u64))
		if (is_address(readl(page + i) | (u64)readl(page + i + 4) << 32)) {
			shown++;
			return;
		}
}

/* What the kernel has mapped otherwise can be mapped in one way only. */
static void for_hole(unsigned long pfn, unsigned int n)
{
	phys_addr_t at = (phys_addr_t)pfn << PAGE_SHIFT;
	void __iomem *p = ioremap(at, n * PAGE_SIZE) ?: ioremap_cache(at, n * PAGE_SIZE);
	unsigned int i;

	if (!p && n > 1) {
		for (i = 0; i < n; i++)
			for_hole(pfn + i, 1);
		return;
	}
	if (!p) {
		unread++;
		return;
	}
	for (i = 0; i < n; i++)
		look_at_hole(p + i * PAGE_SIZE);
	iounmap(p);
	cond_resched();
}

static unsigned long ram_end(void)
{
	unsigned long pfn, end = 0;

	for (pfn = 0; pfn < pfns_end(); pfn += BATCH)
		if (page_is_ram(pfn))
			end = pfn + BATCH;
	return max(end, (unsigned long)(SZ_4G >> PAGE_SHIFT));
}

/* IOAPIC, HPET and local APIC. An emulator gives up if a register is read that they have not. */
static bool is_chipset(unsigned long pfn)
{
	return pfn >= 0xfec00 && pfn < 0xfef00;
}

static void for_holes(void)
{
	unsigned long pfn, end = ram_end() + (SZ_1G >> PAGE_SHIFT);
	unsigned int n = 0;

	pages = unread = 0;
	for (pfn = 0; pfn <= end; pfn++) {
		bool hole = pfn < end && !page_is_ram(pfn) && !is_chipset(pfn);

		n += hole;
		if (!n || (hole && n < BATCH))
			continue;
		for_hole(pfn + hole - n, n);
		n = 0;
	}
}

/* Of pages that show an address and should not: where it is, and from where in the VMM's addresses. */
static struct other {
	unsigned long pfn;
	unsigned int at;
	u64 from_first;
} others[OTHERS_MAX];
static unsigned int n_others;

static int read_others(char *out, const struct kernel_param *param)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < n_others; i++)
		n += sysfs_emit_at(out, n, "page %lx has first + %llx at %x\n", others[i].pfn,
				   others[i].from_first, others[i].at);
	return n;
}

static const struct kernel_param_ops others_ops = {.get = read_others};
module_param_cb(others, &others_ops, NULL, 0400);

static void tell(const u64 *words, unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < WORDS && n_others < OTHERS_MAX; i++)
		if (is_address(words[i]))
			others[n_others++] = (struct other){pfn, i * sizeof(u64), words[i] + minus_first};
}

static void look(u64 *words, unsigned long pfn, bool is_free)
{
	shown += holds_address(words);
	tell(words, pfn);
	spoiled += words[0] == 0xcccccccccccccccc && words[1] == words[0];
}

/* What shows instead of a hidden page has one value all over: 0, or what we wrote. */
static bool is_uniform(const u64 *words)
{
	return (!words[0] || words[0] == 0xcccccccccccccccc) &&
	       !memcmp(words, words + 1, PAGE_SIZE - sizeof(u64));
}

/* The noted pages' numbers in hexadecimal, as many as fit. */
static int read_notes(char *out, const struct kernel_param *param)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < noted; i++)
		n += sysfs_emit_at(out, n, "%lx\n", notes[i]);
	return n;
}

static const struct kernel_param_ops notes_ops = {.get = read_notes};
module_param_cb(notes, &notes_ops, NULL, 0400);

static bool is_noted(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < noted; i++)
		if (notes[i] == pfn)
			return true;
	return false;
}

static void scan(u64 *words, unsigned long pfn, bool is_free)
{
	if ((is_free && is_cleared(words)) || !shows_address(words, pfn))
		return;
	shown++;
	if (!is_noted(pfn))
		tell(words, pfn);
}

static void settle(u64 *words, unsigned long pfn, bool is_free)
{
	if (shows_address(words, pfn))
		notes[shown++] = pfn;
}

static void destroy(u64 *words, unsigned long pfn, bool is_free)
{
	if (!is_uniform(words))
		return;
	memset(words, 0xcc, PAGE_SIZE);
	destroyed++;
}

static void for_noted(page_fn *fn)
{
	unsigned int i;

	for (i = 0; i < noted; i++)
		for_pages(&(struct frame){notes[i], false}, 1, fn);
}

static int run(const char *word, const struct kernel_param *param)
{
	if (sysfs_streq(word, "note")) {
		int err = find_idle_threads();

		if (err)
			return err;
		noted = 0;
		for_all(note);
	} else if (sysfs_streq(word, "scan")) {
		shown = 0;
		n_others = 0;
		for_all(scan);
	} else if (sysfs_streq(word, "holes")) {
		shown = 0;
		for_holes();
	} else if (sysfs_streq(word, "look")) {
		shown = spoiled = 0;
		n_others = 0;
		for_noted(look);
	} else if (sysfs_streq(word, "settle")) {
		shown = 0;
		for_noted(settle);
		noted = shown;
	} else if (sysfs_streq(word, "touch")) {
		refused = 0;
		for_all(touch);
	} else if (sysfs_streq(word, "destroy")) {
		destroyed = 0;
		for_noted(destroy);
	} else {
		return -EINVAL;
	}
	return 0;
}

static const struct kernel_param_ops run_ops = {.set = run};
module_param_cb(run, &run_ops, NULL, 0200);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: looks for the VMM in physical memory");
