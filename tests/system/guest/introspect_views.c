/* SPDX-License-Identifier: MIT */
/*
 * What the pages of a window show while all of the machine is at work: a client of introspection, as
 * introspect_client is.
 *
 *   introspect_views flush ROUNDS      a thread on each other CPU never sees what was there before
 *   introspect_views together ROUNDS   each CPU has its own pages shown, the kernel writes to others
 * meanwhile introspect_views frames            600 pages in 600 frames: 512 can be had introspect_views stay
 * FILE PA      pages from PA on are looked at; says their sum; again when FILE is there introspect_views
 * unmap without its window a process introspects no more
 *
 * The exit status is 0 if all was as it should be; else a line says what was not.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <plinth/introspection.h>

#define PAGE	 4096ull
#define WORDS	 (PAGE / 8)
#define PAGES	 (INTROSPECTION_WINDOW_BYTES / PAGE)
#define CPUS	 16
#define EACH	 8u /* pages of a CPU's own */
#define CHANGING (~0ull)

static uint64_t *window[PAGES];
static uint64_t own[PAGES];
static unsigned long n_cpus;

static void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(2);
}

/* -- calls ----------------------------------------------------------------------------------- */

static uint64_t make_call(uint64_t call, uint64_t *rdi, uint64_t rsi)
{
	uint64_t rax = INTROSPECTION_CALLS + call;

	asm volatile("vmcall" : "+a"(rax), "+D"(*rdi) : "S"(rsi), "d"(0ull) : "memory");
	return rax;
}

static void show(unsigned int page, uint64_t pa)
{
	uint64_t rdi = (uintptr_t)window[page];

	if (make_call(INTROSPECTION_MAP, &rdi, pa))
		wrong("page %u does not show 0x%llx", page, (unsigned long long)pa);
}

static uint64_t physical_of(const void *address)
{
	uint64_t rdi = (uintptr_t)address;

	if (make_call(INTROSPECTION_TRANSLATE, &rdi, 0))
		wrong("%p has no physical address", address);
	return rdi;
}

static void take_window(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		void *page;

		if (posix_memalign(&page, PAGE, PAGE))
			wrong("no page %u of the window", i);
		window[i] = page;
		window[i][0] = i;
		own[i] = physical_of(page);
	}
}

/* Page i begins with first + i. */
static uint64_t *known_pages(size_t n, uint64_t first)
{
	uint64_t *pages = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mlock(pages, n * PAGE))
		wrong("there is no memory");
	for (size_t i = 0; i < n; i++)
		pages[i * WORDS] = first + i;
	return pages;
}

static void pin_to(unsigned long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		wrong("CPU %lu cannot be had", cpu);
}

static pthread_t begin_thread(void *(*run)(void *), unsigned long cpu)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, (void *)cpu))
		wrong("there is no thread");
	return thread;
}

/* -- flush: what a spinning CPU sees ------------------------------------------------------------ */

static uint64_t expected; /* in the first word of page 0; CHANGING: either */
static uint64_t looks[CPUS], stale[CPUS];
static bool ended;

/* What it sees between two looks at what is expected, which are the same, is that. */
static void *spin(void *argument)
{
	const unsigned long cpu = (unsigned long)argument;
	const volatile uint64_t *word = window[0];

	pin_to(cpu);
	while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
		const uint64_t before = __atomic_load_n(&expected, __ATOMIC_ACQUIRE), seen = *word;

		if (before == CHANGING || before != __atomic_load_n(&expected, __ATOMIC_ACQUIRE))
			continue;
		__atomic_fetch_add(&looks[cpu], 1, __ATOMIC_RELAXED);
		stale[cpu] += seen != before;
	}
	return NULL;
}

static void change_to(uint64_t pa, uint64_t word)
{
	__atomic_store_n(&expected, CHANGING, __ATOMIC_SEQ_CST);
	show(0, pa);
	__atomic_store_n(&expected, word, __ATOMIC_SEQ_CST);
	if (*(volatile uint64_t *)window[0] != word)
		wrong("this CPU sees what was there before");
}

/* Each of the others has to have looked, or nothing is proved. */
static void wait_for_looks(unsigned long but)
{
	for (unsigned long cpu = 0; cpu < n_cpus; cpu++) {
		const uint64_t before = __atomic_load_n(&looks[cpu], __ATOMIC_RELAXED);

		while (cpu != but && __atomic_load_n(&looks[cpu], __ATOMIC_RELAXED) < before + 2)
			asm volatile("pause");
	}
}

static void change_from(unsigned long cpu, uint64_t rounds)
{
	const uint64_t *known = known_pages(2, 1000);

	pin_to(cpu);
	for (uint64_t i = 0; i < rounds; i++) {
		change_to(i % 3 == 2 ? own[0] : physical_of(&known[i % 3 * WORDS]),
			  i % 3 == 2 ? 0 : 1000 + i % 3);
		wait_for_looks(cpu);
	}
	change_to(own[0], 0);
}

static void flush(uint64_t rounds)
{
	for (unsigned long from = 0; from < n_cpus; from++) {
		pthread_t threads[CPUS];

		ended = false;
		expected = 0;
		for (unsigned long cpu = 0; cpu < n_cpus; cpu++)
			if (cpu != from)
				threads[cpu] = begin_thread(spin, cpu);
		change_from(from, rounds);
		__atomic_store_n(&ended, true, __ATOMIC_RELEASE);
		for (unsigned long cpu = 0; cpu < n_cpus; cpu++)
			if (cpu != from)
				pthread_join(threads[cpu], NULL);
	}
	for (unsigned long cpu = 0; cpu < n_cpus; cpu++)
		if (stale[cpu])
			wrong("CPU %lu saw what was there before, %llu of %llu times", cpu,
			      (unsigned long long)stale[cpu], (unsigned long long)looks[cpu]);
}

/* -- together: each CPU changes its own part of one window -------------------------------------- */

static uint64_t rounds_together;

static void *change_own(void *argument)
{
	const unsigned long cpu = (unsigned long)argument;
	const unsigned int first = (unsigned int)cpu * EACH;
	const uint64_t *known = known_pages(EACH, 2000 + first);

	pin_to(cpu);
	for (uint64_t i = 0; i < rounds_together; i++) {
		for (unsigned int j = 0; j < EACH; j++)
			show(first + j, i & 1 ? own[first + j] : physical_of(&known[j * WORDS]));
		for (unsigned int j = 0; j < EACH; j++)
			if (*(volatile uint64_t *)window[first + j] != (i & 1 ? 0u : 2000u) + first + j)
				wrong("CPU %lu, page %u shows %llu", cpu, first + j,
				      (unsigned long long)*window[first + j]);
	}
	return NULL;
}

/* The kernel writes where the window may only be read: it gets the page itself. */
static void let_kernel_write(void)
{
	const uint64_t *known = known_pages(1, 3000);
	const int zero = open("/dev/zero", O_RDONLY);
	const unsigned int page = PAGES - 1;

	for (uint64_t i = 0; i < rounds_together; i++) {
		show(page, physical_of(known));
		if (read(zero, window[page], 8) != 8 || *(volatile uint64_t *)window[page] || *known != 3000)
			wrong("what the kernel writes goes elsewhere");
	}
	close(zero);
}

static void together(uint64_t rounds)
{
	pthread_t threads[CPUS];

	rounds_together = rounds & ~1ull;
	for (unsigned long cpu = 0; cpu < n_cpus; cpu++)
		threads[cpu] = begin_thread(change_own, cpu);
	let_kernel_write();
	for (unsigned long cpu = 0; cpu < n_cpus; cpu++)
		pthread_join(threads[cpu], NULL);
	for (unsigned int i = 0; i < PAGES - 1; i++)
		if (*window[i] != i)
			wrong("page %u shows %llu", i, (unsigned long long)*window[i]);
}

/* -- frames: as many pages as there are, and more ----------------------------------------------- */

static void frames(uint64_t unused)
{
	const uint64_t *known = known_pages(600, 4000);
	void *more;

	(void)unused;
	for (unsigned int i = 0; i < PAGES; i++)
		show(i, physical_of(&known[i * WORDS]));
	for (unsigned int i = PAGES; i < 600; i++)
		if (!posix_memalign(&more, PAGE, PAGE))
			wrong("there is a page %u", i);
	for (unsigned int i = 0; i < PAGES; i++)
		if (*window[i] != 4000 + i)
			wrong("page %u shows %llu", i, (unsigned long long)*window[i]);
	for (unsigned int i = 0; i < PAGES; i++)
		show(i, own[i]);
	for (unsigned int i = 0; i < PAGES; i++)
		if (*window[i] != i)
			wrong("page %u shows %llu when it is restored", i, (unsigned long long)*window[i]);
}

/* -- stay: whatever Linux does with its memory meanwhile ---------------------------------------- */

static uint64_t sum_of_window(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		for (unsigned int j = 0; j < WORDS; j++)
			sum = sum * 31 + window[i][j];
	return sum;
}

static void stay(const char *file, uint64_t pa)
{
	uint64_t sum;

	for (unsigned int i = 0; i < PAGES; i++)
		show(i, pa + i * PAGE);
	sum = sum_of_window();
	printf("looks %llx\n", (unsigned long long)sum);
	fflush(stdout);
	while (access(file, F_OK))
		usleep(10000);
	if (sum_of_window() != sum)
		wrong("it shows something else");
	for (unsigned int i = 0; i < PAGES; i++)
		show(i, own[i]);
	for (unsigned int i = 0; i < PAGES; i++)
		if (*window[i] != i || physical_of(window[i]) != own[i])
			wrong("page %u is another", i);
}

/* -- unmap --------------------------------------------------------------------------------------- */

static void end_well(int number)
{
	_exit(number == SIGILL ? 0 : 2);
}

/* Its end comes a moment later; a call to show a page cannot name one then. */
static void unmap(uint64_t unused)
{
	uint64_t rdi = 0;

	(void)unused;
	for (unsigned int i = 0; i < PAGES; i++)
		show(i, physical_of(&expected));
	if (munmap(window[0], INTROSPECTION_WINDOW_BYTES))
		wrong("the window cannot be unmapped");
	signal(SIGILL, end_well);
	for (unsigned int i = 0; i < 1000; i++) {
		make_call(INTROSPECTION_ACKNOWLEDGE, &rdi, 0);
		usleep(10000);
	}
	wrong("it introspects without a window");
}

static const struct {
	const char *name;
	void (*run)(uint64_t number);
} trials[] = {{"flush", flush}, {"together", together}, {"frames", frames}, {"unmap", unmap}};

int main(int argc, char **argv)
{
	n_cpus = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
	if (argc < 2 || n_cpus > CPUS)
		wrong("what is to be tried?");
	take_window();
	if (!strcmp(argv[1], "stay") && argc == 4) {
		stay(argv[2], strtoull(argv[3], NULL, 0));
		return 0;
	}
	for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
		if (!strcmp(argv[1], trials[i].name)) {
			trials[i].run(argc > 2 ? strtoull(argv[2], NULL, 0) : 0);
			return 0;
		}
	}
	wrong("what is to be tried?");
}
