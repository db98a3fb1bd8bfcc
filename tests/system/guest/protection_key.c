/* SPDX-License-Identifier: MIT */
/*
 * Protection keys of a process: what a key forbids is SIGSEGV, and PKRU is what it was behind instructions
 * that leave for the VMM. Prints what it found, or that the CPU has none; natively and under the VMM the text
 * must be the same.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "spin.h"

#define KEY_FAULT    4 /* si_code of SIGSEGV: SEGV_PKUERR */
#define ACCESS_BYTES 2

static volatile sig_atomic_t code;

static uint32_t rights(void)
{
	uint32_t eax, edx;

	__asm__ volatile("rdpkru" : "=a"(eax), "=d"(edx) : "c"(0));
	return eax;
}

/* Over the access: the way back from a signal brings PKRU back, too, which forbids all keys but 0 in it. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	code = info->si_code;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += ACCESS_BYTES;
}

static const char *touch(char *page, int write)
{
	code = 0;
	exit_to_vmm();
	if (write)
		__asm__ volatile("movb %%al, (%0)" : : "D"(page), "a"(1) : "memory");
	else
		__asm__ volatile("movb (%0), %%al" : : "D"(page) : "rax", "memory");
	return !code ? "allowed" : code == KEY_FAULT ? "forbidden by the key" : "forbidden";
}

int main(void)
{
	static const unsigned int kinds[] = {0, PKEY_DISABLE_WRITE, PKEY_DISABLE_ACCESS};
	const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int key = pkey_alloc(0, 0);

	if (key < 0) {
		printf("no protection keys\n");
		return 0;
	}
	if (page == MAP_FAILED || pkey_mprotect(page, 4096, PROT_READ | PROT_WRITE, key))
		return 1;
	sigaction(SIGSEGV, &action, NULL);
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *reads, *writes;
		uint32_t before;

		pkey_set(key, kinds[i]);
		before = rights();
		reads = touch(page, 0);
		writes = touch(page, 1);
		printf("rights %u: reads %s, writes %s, PKRU %s\n", kinds[i], reads, writes,
		       rights() == before ? "the same" : "another");
	}
	return 0;
}
