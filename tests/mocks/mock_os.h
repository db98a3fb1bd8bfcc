/* SPDX-License-Identifier: MIT */
/*
 * drivers/common/os.h in user space: physical memory is a file, the VMM's address
 * space is mapped from it exactly as the page tables say, CPUs are numbers. Every
 * call that may fail asks mock_fault() first.
 */
#ifndef TESTS_MOCKS_OS_H
#define TESTS_MOCKS_OS_H

#include <stdbool.h>
#include <stdint.h>

#include "hook.h"

#define MOCK_CPUS 4u

/* What os_vmm_map() tells of each table: two pages so far apart. */
#define MOCK_MAP_VA   0x400000u
#define MOCK_MAP_STEP 0x10000u

/* Everything the core can change out here; equal before and after what is undone. */
struct mock_world {
	uint64_t pages;		  /* allocated */
	uint32_t locked;	  /* depth of os_lock() */
	uint32_t cpus_locked;	  /* os_cpus_lock() */
	bool virt;		  /* os_virt_acquire() */
	bool guest[MOCK_CPUS];	  /* between start and stop */
	bool claimed[MOCK_CPUS];  /* os_cpu_claim() */
	bool prepared[MOCK_CPUS]; /* entry_prepare() */
	bool initialised;	  /* entry_init() */
	int32_t constructed;	  /* constructors minus destructors */
	uint32_t others_half;	  /* calls into the VMM with the kernel's half of another process */
};

/* What a test may set. */
struct mock_config {
	uint32_t n_cpus;
	bool offline[MOCK_CPUS];
	uint32_t levels;
	uint64_t random;		 /* every os_random() gives this */
	int entry_error;		 /* returned by the entry module's functions that fail */
	uint32_t fail_event_cpu;	 /* with fail_event: which event fails where */
	uint32_t fail_event;		 /* enum mock_event + 1; 0: none */
	void (*after_run)(uint32_t cpu); /* after each os_run_on(); NULL: nothing */
	int (*ask)(uint32_t cpu);	 /* what the VMM does with the mailbox; NULL: nobody is there */
	bool (*relax)(void);		 /* what os_relax() says; NULL: go on */
};

extern struct mock_world mock_world;
extern struct mock_config mock_config;

/* Back to the beginning: nothing allocated, 2 CPUs, nothing armed. */
void mock_reset(void);

/* The calls number @first and @second (from 1, 0: none) of those that may fail will. */
void mock_arm(unsigned int first, unsigned int second);
/* How many of the armed faults happened. */
unsigned int mock_disarm(void);

/* Pretend that this CPU runs now. */
void mock_be_on(uint32_t cpu);

/* The entry of top-level tables that is not the same for all processes: the one for 0xffffc00000000000. */
#define MOCK_OWN_ENTRY 384u

/* The process that runs on the CPU at hand, for os_kernel_half(). */
uint32_t mock_process(void);
/* Whose kernel's half is in a top-level table; below 0: nobody's. */
int mock_process_in(const uint64_t *table);

/* What lies at a physical address. */
void *mock_physical(uint64_t pa);

/* Events of the mock modules since mock_reset(): a digit of enum mock_event and the CPU each. */
const char *mock_trace(void);

#endif
