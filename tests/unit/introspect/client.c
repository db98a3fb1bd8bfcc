/* SPDX-License-Identifier: MIT */
/* A program that knows nothing of Plinth, and does what the library makes something of: client WHAT. */
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096u
#define PAGES 512u

static char *page_of(size_t bytes)
{
	void *page = NULL;

	return posix_memalign(&page, PAGE, bytes) ? NULL : page;
}

/* Pages of the window follow each other, and nobody else's; they are shown as the file that is mapped there.
 */
static int in_window(const void *page)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int found = 0;

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && (uintptr_t)page >= from &&
		    (uintptr_t)page < to)
			found = strstr(line, "plinth") && to - from == PAGES * PAGE;
	}
	if (maps)
		fclose(maps);
	return found;
}

static int run_pages(void)
{
	char *pages[PAGES], *other = page_of(2 * PAGE);

	for (size_t i = 0; i < PAGES; i++) {
		pages[i] = page_of(PAGE);
		if (!pages[i] || !in_window(pages[i]))
			return 10;
		pages[i][0] = (char)i;
	}
	if (page_of(PAGE) || in_window(other) || malloc_usable_size(pages[7]) != PAGE)
		return 11;
	free(pages[7]);
	if (page_of(PAGE) != pages[7])
		return 12;
	pages[9] = realloc(pages[9], 3 * PAGE);
	if (in_window(pages[9]) || pages[9][0] != 9)
		return 13;
	free(pages[9]);
	free(other);
	return 0;
}

static int run_twice(void)
{
	char *page = page_of(PAGE), *again = page;

	free(page);
	free(again);
	return 0;
}

/* In a child pages are the allocator's, and those of before can be given back. */
static int run_fork(void)
{
	char *page = page_of(PAGE);
	int status = 0;

	if (!fork()) {
		char *own = page_of(PAGE);

		free(page);
		_exit(!own || in_window(own));
	}
	wait(&status);
	return status || !in_window(page_of(PAGE));
}

static int run_vmcall(void)
{
	asm volatile("vmcall" ::: "memory", "rax");
	return 0;
}

static int run_ud2(void)
{
	asm volatile("ud2");
	return 0;
}

static int run_gone(void)
{
	void (*stop)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "fake_stop");
	volatile char *page = page_of(PAGE);

	stop();
	return *page;
}

static int run_write(void)
{
	char *page = page_of(PAGE);

	/* Not what a read-only page does, but the same exception, with the same register. */
	asm volatile("movq %0, %%rdi; movabsq $0x8000000000000000, %%rcx; movb $1, (%%rcx)" ::"r"(page)
		     : "rdi", "rcx", "memory");
	return 0;
}

static int run_null(void)
{
	static volatile char *volatile nowhere;

	*nowhere = 1;
	return 0;
}

static int run_abort(void)
{
	raise(SIGSEGV);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} trials[] = {
	{"pages", run_pages},	{"twice", run_twice}, {"fork", run_fork},
	{"vmcall", run_vmcall}, {"ud2", run_ud2},     {"gone", run_gone},
	{"write", run_write},	{"null", run_null},   {"raise", run_abort},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(trials) / sizeof(trials[0]); i++)
		if (!strcmp(argv[1], trials[i].name))
			return trials[i].run();
	return 99;
}
