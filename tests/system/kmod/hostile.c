// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Looks for the VMM in all physical memory, and tries to break it there.
 *
 * insmod hostile.ko first=A last=B, the VMM's addresses; then words into the parameter do:
 *   note     remember each page of RAM that holds one of the VMM's addresses
 *   scan     count the pages of RAM that show one now; others tells those that were not noted
 *   look     count the noted pages that still show what they showed
 *   settle   forget those that do not: stacks and buffers that are something else by now
 *   touch    write every page of RAM with what it holds; counts where the CPU refused that
 *   destroy  overwrite the noted pages that do not show it any more, and so are not real
 *   calls    make hypercalls of all sorts, one of them the stop with a wrong token; counts those that were answered
 *   crash    ask the VMM for a page fault, with the module debug_fault
 * The results are in the other parameters. A page that holds the VMM's addresses is one of
 * the VMM's, or one of the driver's, which has to know them.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>

#define BATCH 256
#define WORDS (PAGE_SIZE / sizeof(u64))
#define STEP  8 /* words: a cache line */
#define NOTED_MAX 4096
#define OTHERS_MAX 16

static ulong first, last;
static uint pages, noted, shown, destroyed, refused, answered;
module_param(first, ulong, 0444);
module_param(last, ulong, 0444);
module_param(pages, uint, 0444);
module_param(noted, uint, 0444);
module_param(shown, uint, 0444);
module_param(destroyed, uint, 0444);
module_param(refused, uint, 0444);
module_param(answered, uint, 0444);

static unsigned long notes[NOTED_MAX]; /* page frame numbers */

typedef void page_fn(u64 *words, unsigned long pfn);

/* Not the address itself: what is in a register comes to lie on our own stack, and would be found there. */
static u64 minus_first, span;

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

static void note(u64 *words, unsigned long pfn)
{
	/* Not this module's own parameters. */
	if (pfn == page_to_pfn(vmalloc_to_page(&first)) || !holds_address(words))
		return;
	if (noted < NOTED_MAX)
		notes[noted++] = pfn;
}

static bool touch_word(u64 *word)
{
	asm goto("1: lock orq $0, %0\n" _ASM_EXTABLE(1b, %l1) : : "m"(*word) : "memory", "cc" : refused);
	return true;
refused:
	return false;
}

static void touch(u64 *words, unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < WORDS; i += STEP) {
		if (touch_word(&words[i]))
			continue;
		refused++;
		return;
	}
}

/* The kernel's own mapping of a page may be read-only; these are writable. */
static void for_pages(const unsigned long *pfns, unsigned int n, page_fn *fn)
{
	static struct page *list[BATCH];
	unsigned int i;
	u64 *words;

	for (i = 0; i < n; i++)
		list[i] = pfn_to_page(pfns[i]);
	words = vmap(list, n, VM_MAP, PAGE_KERNEL);
	if (!words)
		return;
	for (i = 0; i < n; i++)
		fn(words + i * WORDS, pfns[i]);
	pages += n;
	vunmap(words);
	cond_resched();
}

static void for_all(page_fn *fn)
{
	static unsigned long pfns[BATCH];
	unsigned long pfn, end = 1ul << (boot_cpu_data.x86_phys_bits - PAGE_SHIFT);
	unsigned int n = 0;

	pages = 0;
	/* Sections without memory are passed over whole. */
	for (pfn = 0; pfn < min(end, 1ul << 24); pfn++) {
		if (!pfn_valid(pfn) || !page_is_ram(pfn))
			continue;
		pfns[n++] = pfn;
		if (n < BATCH)
			continue;
		for_pages(pfns, n, fn);
		n = 0;
	}
	if (n)
		for_pages(pfns, n, fn);
}

static void look(u64 *words, unsigned long pfn)
{
	shown += holds_address(words);
}

/* What shows instead of a hidden page has one value all over: 0, or what we wrote. */
static bool is_uniform(const u64 *words)
{
	return (!words[0] || words[0] == 0xcccccccccccccccc) && !memcmp(words, words + 1, PAGE_SIZE - sizeof(u64));
}

/* The CR4 of the reader's CPU, as the kernel sees it. */
static int read_cr4(char *out, const struct kernel_param *param)
{
	return sysfs_emit(out, "%#lx\n", __read_cr4());
}

static const struct kernel_param_ops cr4_ops = { .get = read_cr4 };
module_param_cb(cr4, &cr4_ops, NULL, 0400);

/* The noted pages' numbers in hexadecimal, as many as fit. */
static int read_notes(char *out, const struct kernel_param *param)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < noted; i++)
		n += sysfs_emit_at(out, n, "%lx\n", notes[i]);
	return n;
}

static const struct kernel_param_ops notes_ops = { .get = read_notes };
module_param_cb(notes, &notes_ops, NULL, 0400);

static bool is_noted(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < noted; i++)
		if (notes[i] == pfn)
			return true;
	return false;
}

/* Of pages that show an address and were not noted: where it is, and from where in the VMM's addresses. */
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
		n += sysfs_emit_at(out, n, "page %lx has first + %llx at %x\n", others[i].pfn, others[i].from_first,
				   others[i].at);
	return n;
}

static const struct kernel_param_ops others_ops = { .get = read_others };
module_param_cb(others, &others_ops, NULL, 0400);

static void tell(const u64 *words, unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < WORDS && n_others < OTHERS_MAX; i++)
		if (is_address(words[i]))
			others[n_others++] = (struct other){ pfn, i * sizeof(u64), words[i] + minus_first };
}

/* Not this module's own parameters. */
static void scan(u64 *words, unsigned long pfn)
{
	if (pfn == page_to_pfn(vmalloc_to_page(&first)) || !holds_address(words))
		return;
	shown++;
	if (!is_noted(pfn))
		tell(words, pfn);
}

static void settle(u64 *words, unsigned long pfn)
{
	if (holds_address(words))
		notes[shown++] = pfn;
}

static void destroy(u64 *words, unsigned long pfn)
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
		for_pages(&notes[i], 1, fn);
}

/* The module debug_fault's hypercall, made by the kernel; refused where nobody answers, or nobody is left. */
static int crash(void)
{
	u64 number = 0x504c4e5444425547; /* DEBUG_FAULT_HYPERCALL of plinth/debug_fault.h */

	asm goto("1: vmcall\n" _ASM_EXTABLE(1b, %l[refused]) : : "a"(number), "c"(0) : "memory" : refused);
	return 0;
refused:
	return -EIO;
}

#define CALLS	       20000
#define HYPERCALL_STOP 0x504c4e5453544f50ull /* PLINTH_HYPERCALL_STOP of plinth/boot.h */

static void calls(void)
{
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		u64 a = i % 4 ? get_random_u64() : HYPERCALL_STOP, c = get_random_u64(), d = get_random_u64();

		asm goto("1: vmcall\n" _ASM_EXTABLE(1b, %l[undefined]) : : "a"(a), "c"(c), "d"(d) : "memory" : undefined);
		answered++;
undefined:
		cond_resched();
	}
}

static int run(const char *word, const struct kernel_param *param)
{
	if (sysfs_streq(word, "note")) {
		noted = 0;
		for_all(note);
	} else if (sysfs_streq(word, "scan")) {
		shown = 0;
		n_others = 0;
		for_all(scan);
	} else if (sysfs_streq(word, "look")) {
		shown = 0;
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
	} else if (sysfs_streq(word, "calls")) {
		answered = 0;
		calls();
	} else if (sysfs_streq(word, "crash")) {
		return crash();
	} else {
		return -EINVAL;
	}
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init hostile_init(void)
{
	minus_first = -first;
	span = last - first;
	return 0;
}

static void __exit hostile_exit(void)
{
}

module_init(hostile_init);
module_exit(hostile_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: looks for the VMM in physical memory");
