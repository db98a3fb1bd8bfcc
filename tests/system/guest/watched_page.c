/* SPDX-License-Identifier: MIT */
/*
 * A page that somebody else watches: each CPU writes to a word of its own, so many times and not too fast to
 * be listened to. watched_page COUNT: prints the address of the page and waits for SIGUSR1; then each CPU
 * writes 1, 2, ... COUNT to its word, and "done" is printed. The page stays until the program is ended:
 * another owner would write there, too.
 */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define PAUSE_US   20000

static volatile uint64_t *page;

static void write_on(int cpu, uint64_t count)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(2);
	for (uint64_t i = 1; i <= count; i++) {
		page[cpu] = i;
		if (page[cpu] != i)
			_exit(3);
		usleep(PAUSE_US);
	}
	_exit(0);
}

static void wait_for_word(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("%#llx\n", (unsigned long long)(uintptr_t)page);
	fflush(stdout);
	sigwait(&set, &number);
}

int main(int argc, char **argv)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 0) : 100;
	int status, failed = 0;

	page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mlock((const void *)page, PAGE_BYTES))
		return 2;
	page[0] = 0;
	wait_for_word();
	for (int cpu = 0; cpu < cpus; cpu++)
		if (!fork())
			write_on(cpu, count);
	while (wait(&status) > 0)
		failed |= status;
	puts(failed ? "failed" : "done");
	fflush(stdout);
	pause();
	return 0;
}
