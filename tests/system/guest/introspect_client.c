/* SPDX-License-Identifier: MIT */
/*
 * A client of introspection, as plain as can be: it knows the hypercalls, and nothing of who registers it.
 *
 *   introspect_client WHAT [NUMBER]
 *
 * The exit status is 0 if all was as it should be; else a line says what was not.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <plinth/introspection.h>

#define PAGE  4096u
#define PAGES (INTROSPECTION_WINDOW_BYTES / PAGE)

#define APIC	0xfee00000ull
#define NOWHERE (1ull << 39) /* no machine here has memory there */

static void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(2);
}

/* -- the calls -------------------------------------------------------------------------------- */

static uint64_t make_call(uint64_t call, uint64_t *rdi, uint64_t rsi)
{
	uint64_t rax = INTROSPECTION_CALLS + call;

	asm volatile("vmcall" : "+a"(rax), "+D"(*rdi) : "S"(rsi), "d"(0ull) : "memory");
	return rax;
}

static uint64_t call_on(uint64_t call, const void *address, uint64_t rsi)
{
	uint64_t rdi = (uintptr_t)address;

	return make_call(call, &rdi, rsi);
}

static uint64_t map_page(const void *page, uint64_t pa)
{
	return call_on(INTROSPECTION_MAP, page, pa);
}

static uint64_t translate(const void *address)
{
	uint64_t rdi = (uintptr_t)address;

	if (make_call(INTROSPECTION_TRANSLATE, &rdi, 0))
		wrong("%p has no physical address", address);
	return rdi;
}

static uint64_t *take_page(void)
{
	void *page;
	int err = posix_memalign(&page, PAGE, PAGE);

	if (err)
		wrong("no page of the window: %s", strerror(err));
	*(uint64_t *)page = 0;
	return page;
}

/* A page with contents that no other has, in memory that does not move meanwhile. */
static uint64_t *known_page(uint64_t seed)
{
	static uint64_t page[PAGE / sizeof(uint64_t)] __attribute__((aligned(PAGE)));

	for (size_t i = 0; i < PAGE / sizeof(*page); i++)
		page[i] = seed * 0x9e3779b97f4a7c15ull + i;
	return page;
}

/* -- what is tried ------------------------------------------------------------------------------ */

static void leaf(uint64_t unused)
{
	uint32_t a, b, c, d;

	(void)unused;
	__cpuid(INTROSPECTION_LEAF, a, b, c, d);
	printf("%u %u %u %u\n", a, b, c, d);
}

static void acknowledge(uint64_t unused)
{
	(void)unused;
	if (call_on(INTROSPECTION_ACKNOWLEDGE, NULL, 0))
		wrong("nobody is there");
}

static void registers(uint64_t unused)
{
	static const char *const names[] = {"CR0", "CR2", "CR3", "CR4", "RAX", "RBX", "RCX",	 "RDX",
					    "RBP", "RSI", "RDI", "RSP", "R08", "R09", "R10",	 "R11",
					    "R12", "R13", "R14", "R15", "RIP", "RFL", "MSR_EFER"};
	char *text = malloc(2 * PAGE), *at;

	(void)unused;
	/* Over two pages, the second of which is not there yet. */
	at = text + PAGE - ((uintptr_t)text % PAGE) - 64;
	if (call_on(INTROSPECTION_GET_REGISTERS, at, PAGE))
		wrong("there are no registers");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char key[16];

		snprintf(key, sizeof(key), "\"%s\":", names[i]);
		if (!strstr(at, key))
			wrong("%s is not in %s", names[i], at);
	}
	puts(at);
	free(text);
}

static void read_known(uint64_t seed)
{
	const uint64_t *known = known_page(seed);
	uint64_t *page = take_page();
	const uint64_t own = translate(page);

	*page = 42;
	if (map_page(page, translate(known)))
		wrong("the page is not mapped");
	if (memcmp(page, known, PAGE))
		wrong("what is there is 0x%llx..., not 0x%llx...", (unsigned long long)*page,
		      (unsigned long long)*known);
	((uint64_t *)(uintptr_t)known)[7] = 7;
	if (page[7] != 7)
		wrong("it is a copy");
	if (map_page(page, own))
		wrong("the page is not restored");
	if (*page != 42)
		wrong("it shows 0x%llx after it was restored", (unsigned long long)*page);
	free(page);
}

/* Read-only it is the end of the process, and the library says so. */
static void write_known(uint64_t seed)
{
	const uint64_t *known = known_page(seed);
	uint64_t *page = take_page();
	const uint64_t own = translate(page);

	if (map_page(page, translate(known)))
		wrong("the page is not mapped");
	*page = 4711;
	if (*known != 4711)
		wrong("the page shows %llu", (unsigned long long)*known);
	map_page(page, own);
}

static void expect_refused(const char *what, uint64_t result)
{
	if (result != 1)
		wrong("%s: the call gave %llu", what, (unsigned long long)result);
}

static void refusals(uint64_t unused)
{
	uint64_t *page = take_page(), *other = take_page();
	const uint64_t known = translate(known_page(1));

	(void)unused;
	expect_refused("a call that does not exist", call_on(0x77, NULL, 0));
	expect_refused("a page of the APIC", map_page(page, APIC));
	expect_refused("a page beyond the machine's", map_page(page, NOWHERE));
	expect_refused("an address of 64 bits", map_page(page, ~0ull));
	expect_refused("a page of a window", map_page(page, translate(other)));
	expect_refused("a page that is not in the window", map_page(known_page(1), known + PAGE));
	expect_refused("registers to no address", call_on(INTROSPECTION_GET_REGISTERS, NULL, 0));
	if (*page || *other)
		wrong("a refused call has changed a page");
}

/* Pages that are led elsewhere, until somebody ends this process; the other end of a pipe then sees it. */
static void hold(uint64_t n)
{
	const uint64_t known = translate(known_page(3));

	for (uint64_t i = 0; i < n; i++)
		if (map_page(take_page(), known))
			wrong("page %llu is not mapped", (unsigned long long)i);
	printf("holds %llu\n", (unsigned long long)n);
	fflush(stdout);
	pause();
}

/* As hold, and looks: until it is not there any more. */
static void look(uint64_t seed)
{
	const uint64_t *known = known_page(seed);
	volatile uint64_t *page = take_page();

	if (map_page((void *)(uintptr_t)page, translate(known)))
		wrong("the page is not mapped");
	puts("looks");
	fflush(stdout);
	while (*page == *known)
		usleep(1000);
	wrong("it sees 0x%llx instead of 0x%llx", (unsigned long long)*page, (unsigned long long)*known);
}

/* Every page of the window is its own and shows what was written to it; then there are no more. */
static void clean(uint64_t unused)
{
	uint64_t *pages[PAGES];
	void *more;

	(void)unused;
	for (uint64_t i = 0; i < PAGES; i++) {
		pages[i] = take_page();
		for (size_t j = 0; j < PAGE / sizeof(uint64_t); j++)
			if (pages[i][j])
				wrong("page %llu is not empty", (unsigned long long)i);
		pages[i][0] = i + 1;
	}
	for (uint64_t i = 0; i < PAGES; i++)
		if (pages[i][0] != i + 1)
			wrong("page %llu shows another", (unsigned long long)i);
	if (posix_memalign(&more, PAGE, PAGE) != ENOMEM)
		wrong("there is a page too many");
}

/* A child has neither window nor leaf, and its parent both after it. */
static void fork_child(uint64_t unused)
{
	uint64_t *page = take_page();
	int status = 0;
	uint32_t a, b, c, d;

	(void)unused;
	if (!fork()) {
		__cpuid(INTROSPECTION_LEAF, a, b, c, d);
		_exit(a == INTROSPECTION_HERE);
	}
	wait(&status);
	if (status)
		wrong("a child introspects");
	__cpuid(INTROSPECTION_LEAF, a, b, c, d);
	if (a != INTROSPECTION_HERE || *page)
		wrong("after a child this process does not introspect any more");
}

static void run_self(char *what)
{
	char self[] = "/proc/self/exe";
	char *const words[] = {self, what, NULL};

	execv(self, words);
	wrong("cannot be executed: %s", strerror(errno));
}

/* What a child executes is registered anew, and so is what this process does. */
static void execute(uint64_t unused)
{
	char acknowledge_word[] = "acknowledge", clean_word[] = "clean";
	int status = 0;

	(void)unused;
	if (map_page(take_page(), translate(known_page(4))))
		wrong("the page is not mapped");
	if (!fork())
		run_self(acknowledge_word);
	wait(&status);
	if (status)
		wrong("what a child executes is not registered");
	run_self(clean_word);
}

static const struct {
	const char *name;
	void (*run)(uint64_t number);
} trials[] = {
	{"leaf", leaf},		{"acknowledge", acknowledge}, {"registers", registers}, {"read", read_known},
	{"write", write_known}, {"refusals", refusals},	      {"hold", hold},		{"look", look},
	{"clean", clean},	{"fork", fork_child},	      {"execute", execute},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(trials) / sizeof(trials[0]); i++) {
		if (!strcmp(argv[1], trials[i].name)) {
			trials[i].run(argc > 2 ? strtoull(argv[2], NULL, 0) : 1);
			return 0;
		}
	}
	wrong("what is to be tried?");
}
