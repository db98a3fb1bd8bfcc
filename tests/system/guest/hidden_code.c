/* SPDX-License-Identifier: MIT */
/*
 * A function of its own, on which the extension hidden_breakpoint sets a breakpoint: who executes it is
 * trapped, who reads it finds what was there, who writes to it ends the breakpoint. Exit status 0 if all that
 * is so.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define RESULT	   42
#define TRAPPED	   (-1)

/* mov eax, 42; ret */
static const uint8_t instructions[] = {0xb8, RESULT, 0, 0, 0, 0xc3};

static volatile uint8_t *code;
static sigjmp_buf back;

static void on_trap(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

static int run_it(void)
{
	return sigsetjmp(back, 1) ? TRAPPED : ((int (*)(void))(uintptr_t)code)();
}

static int is_as_written(void)
{
	for (unsigned int i = 0; i < sizeof(instructions); i++)
		if (code[i] != instructions[i])
			return 0;
	return 1;
}

static uint64_t physical_of_code(void)
{
	uint64_t word = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	ssize_t got = pread(fd, &word, sizeof(word), (off_t)((uintptr_t)code / PAGE_BYTES * sizeof(word)));

	close(fd);
	return got == sizeof(word) ? (word & ((1ull << 55) - 1)) * PAGE_BYTES : 0;
}

/* Return: does the extension answer 1 in the end? It is asked on each CPU in turn. */
static int ask(const char *hex)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	char command[96], answer[32] = "";

	for (long cpu = 0; cpu <= cpus; cpu++) {
		FILE *from;

		snprintf(command, sizeof(command), "plinthctl call hidden_breakpoint --cpu %ld --hex %s",
			 cpu % cpus, hex);
		from = popen(command, "r");
		if (!from || !fgets(answer, sizeof(answer), from))
			answer[0] = '\0';
		if (from)
			pclose(from);
		if (!*hex || !strncmp(answer, "01", 2))
			break;
	}
	printf("answer %s", answer);
	return !strncmp(answer, "01", 2);
}

static int set_it(void)
{
	const uint64_t address = physical_of_code();
	char hex[17];

	for (int i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned int)(address >> 8 * i & 0xff));
	return ask(hex);
}

static int expect_so(const char *what, int is_so)
{
	printf("%s%s\n", is_so ? "" : "not so: ", what);
	return !is_so;
}

int main(void)
{
	int failed = 0;

	code = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED || mlock((const void *)code, PAGE_BYTES))
		return 2;
	memcpy((void *)code, instructions, sizeof(instructions));
	signal(SIGTRAP, on_trap);
	failed |= expect_so("it runs", run_it() == RESULT);
	failed |= expect_so("the breakpoint is set", set_it());
	failed |= expect_so("what is read is as it was", is_as_written());
	failed |= expect_so("what is executed is not", run_it() == TRAPPED);
	failed |= expect_so("and is read as it was after that, too", is_as_written());
	(void)ask("");
	failed |= expect_so("taken back, it runs", run_it() == RESULT);
	failed |= expect_so("the breakpoint is set again", set_it());
	code[0] = instructions[0];
	failed |= expect_so("written to, it runs", run_it() == RESULT);
	return failed;
}
