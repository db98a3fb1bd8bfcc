/* SPDX-License-Identifier: MIT */
/*
 * The border between the VMM's code, which the sanitizer looks at, and what stands for the hardware and the
 * kernel: the intrinsics in one direction, calls of VMM code in the other. VMM code runs on stacks that have
 * room for the sanitizer's reports; the VMM's own are as large as a VMM needs them.
 */
#define _GNU_SOURCE
#include "border.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../intrinsics/calls.h"
#include "model/internal.h"
#include "sched.h"

uint32_t border_nmi_share;
uint64_t border_uart_slow, border_uart_breaks;

void __real___tsan_func_exit(void);
void __tsan_write8_pc(void *address, void *pc);

/* -- into the VMM -- */

#define STACK_BYTES (512u << 10)
#define LEVELS	    4u /* the call; an exception in it; an NMI in that */

static _Alignas(64) uint8_t stacks[SCHED_THREADS][LEVELS][STACK_BYTES];
static uint32_t level[SCHED_THREADS];

/* Two CPUs on one stack of the VMM would be an error of its own. */
static uint64_t stack_for(uint64_t wanted)
{
	uint8_t *mine;

	if (level[model.here] == LEVELS)
		abort();
	__tsan_write8_pc((void *)(wanted - 8), __builtin_return_address(0));
	mine = stacks[model.here][level[model.here]++];
	return (uint64_t)mine + STACK_BYTES;
}

uint64_t __real_model_switch_to(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
				uint64_t d);
uint64_t __wrap_model_switch_to(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
				uint64_t d);
uint64_t __real_model_run_on(uint64_t stack_top, uint64_t fn, uint64_t a);
uint64_t __wrap_model_run_on(uint64_t stack_top, uint64_t fn, uint64_t a);

uint64_t __wrap_model_switch_to(uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
				uint64_t d)
{
	uint32_t depth = sched_depth, here = model.here;
	uint64_t value;

	stack_top = stack_for(stack_top);
	sched_in_vmm = 1;
	value = __real_model_switch_to(stack_top, fn, a, b, c, d);
	sched_in_vmm = 0;
	level[here] = 0;
	for (; sched_depth > depth; sched_depth--)
		__real___tsan_func_exit();
	return value;
}

uint64_t __wrap_model_run_on(uint64_t stack_top, uint64_t fn, uint64_t a)
{
	uint32_t here = model.here;
	uint64_t value;

	stack_top = stack_for(stack_top);
	sched_in_vmm = 1;
	value = __real_model_run_on(stack_top, fn, a);
	sched_in_vmm = 0;
	level[here]--;
	return value;
}

/* -- out of it -- */

/* Before each instruction of interest: somebody else's turn, an NMI. */
static void leave_vmm(void)
{
	sched_in_vmm = 0;
	sched_point();
	model.nmi_at_tick = 0;
	if (border_nmi_share && !(sched_random() % border_nmi_share))
		model.nmi_at_tick = model.cpu[model.here].ticks + 1;
}

#define CALL(type, name, parameters, arguments)                                                              \
	type cpu_##name parameters                                                                           \
	{                                                                                                    \
		type result;                                                                                 \
		leave_vmm();                                                                                 \
		result = MODEL->name arguments;                                                              \
		sched_in_vmm = 1;                                                                            \
		return result;                                                                               \
	}
#define VOID_CALL(name, parameters, arguments)                                                               \
	void cpu_##name parameters                                                                           \
	{                                                                                                    \
		leave_vmm();                                                                                 \
		MODEL->name arguments;                                                                       \
		sched_in_vmm = 1;                                                                            \
	}
#define NORETURN_CALL(name, parameters, arguments)                                                           \
	void cpu_##name parameters                                                                           \
	{                                                                                                    \
		leave_vmm();                                                                                 \
		MODEL->name arguments;                                                                       \
		__builtin_unreachable();                                                                     \
	}
#include "../intrinsics/calls.def"

uint8_t __real_model_in8(uint16_t port);
uint8_t __wrap_model_in8(uint16_t port);

/* As long as one CPU waits for its line to go out, the others give up waiting for it. */
uint8_t __wrap_model_in8(uint16_t port)
{
	static uint64_t asked;

	if (border_uart_slow) {
		asked++;
		model.uart_stuck = asked % border_uart_slow || !border_uart_breaks;
		border_uart_breaks -= border_uart_breaks > 0;
	}
	return __real_model_in8(port);
}

void __wrap_model_pause(void);

void __wrap_model_pause(void)
{
	sched_pause();
}

/* -- what the sanitizer is not to see -- */

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *address, size_t bytes);
bool __real_memory_touch(uint64_t va, bool write, bool execute);
bool __wrap_memory_touch(uint64_t va, bool write, bool execute);

/* To map a page of the VMM is no write to it. */
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}

int __wrap_munmap(void *address, size_t bytes)
{
	return (int)syscall(SYS_munmap, address, bytes);
}

/* In the signal handler: nobody else's turn. */
bool __wrap_memory_touch(uint64_t va, bool write, bool execute)
{
	uint64_t left = sched_left;
	uint8_t was = sched_in_vmm;
	bool done;

	sched_in_vmm = 0;
	sched_left = ~0ull;
	done = __real_memory_touch(va, write, execute);
	sched_left = left;
	sched_in_vmm = was;
	return done;
}
