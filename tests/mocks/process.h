/* SPDX-License-Identifier: MIT */
/*
 * A process with page tables in the model's memory, and what the driver says of it to the module
 * introspection. Between its calls each CPU is in the kernel, as it was.
 */
#ifndef TESTS_MOCKS_PROCESS_H
#define TESTS_MOCKS_PROCESS_H

#include <plinth/introspection.h>

#include "sweep.h"
#include "tables.h"

/* Of its addresses. */
#define PROCESS_RIP    0x401000ull
#define PROCESS_WINDOW 0x7f0000200000ull /* of the window's first page */
#define PROCESS_BUFFER 0x7f0000800ff0ull /* over two pages */

#define PROCESS_WINDOW_PAGES 512u

struct process {
	uint64_t id, cr3;
	uint64_t window;    /* physical */
	uint8_t *buffer[2]; /* the pages of PROCESS_BUFFER */
};

/* What came of an instruction of its. */
enum came {
	CAME_DONE,   /* RAX is 0, and it is over */
	CAME_FAILED, /* RAX is 1 */
	CAME_AGAIN,  /* it is there again */
	CAME_PF,     /* a page fault: .cr2, .error */
	CAME_UD,
	CAME_GP,
	CAME_ODD, /* anything else */
};

struct came_of {
	struct vcpu_regs regs;
	uint64_t rip, rsp, rflags, cr2;
	uint32_t error;
};

/** process_power_on() - a running machine with the module. */
void process_power_on(const struct model_kind *kind, uint32_t n_cpus);

/** process_create() - page tables with a buffer and a window; nobody registers it. */
void process_create(struct process *p, uint64_t id);
/** process_map() - @flags: TABLES_*; 0: nothing is there. */
void process_map(const struct process *p, uint64_t va, uint64_t pa, uint64_t flags);

/** process_call() - it makes that call. @of: what it sees then; may be NULL. */
enum came process_call(uint32_t cpu, const struct process *p, uint64_t number, uint64_t rdi, uint64_t rsi,
		       struct came_of *of);
/**
 * process_map_page() - INTROSPECTION_MAP of a page of the window, as often as it takes; all other CPUs come
 * by meanwhile.
 */
enum came process_map_page(uint32_t cpu, const struct process *p, unsigned int page, uint64_t pa);
/** process_in() - the CPU as the process has it, with any CR3; process_out() - in the kernel again. */
void process_in(uint32_t cpu, uint64_t cr3);
void process_out(uint32_t cpu, struct came_of *of);
/** process_exit() - an exit between the two. */
enum came process_exit(uint32_t cpu, const struct model_exit *exit);
/** process_comes_by() - the kernel on that CPU executes CPUID. */
void process_comes_by(uint32_t cpu);
/** process_touch() - an access of memory that exits, of the process or, without @cr3, of the kernel. */
enum came process_touch(uint32_t cpu, uint64_t cr3, uint64_t gpa, uint32_t access);
/** process_leaf() - CPUID leaf INTROSPECTION_LEAF is answered to that address space. */
bool process_leaf(uint32_t cpu, uint64_t cr3);

/** process_message() - the driver's; its words, if it fails, are machine.report. */
int process_message(uint32_t cpu, const struct introspection_message *message,
		    struct introspection_answer *answer);
/** process_admission() - the message with the model's memory. */
struct introspection_message process_admission(const struct process *p, uint32_t flags);
int process_admit(const struct process *p, uint32_t flags);
/** process_end() - Return: is it pending? An error is one of the test. */
bool process_end(uint32_t cpu, const struct process *p);
/** process_end_all() - the same until it is not pending; all CPUs come by meanwhile. */
void process_end_all(const struct process *p);

#endif
