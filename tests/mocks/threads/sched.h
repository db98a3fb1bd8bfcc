/* SPDX-License-Identifier: MIT */
/*
 * The model's CPUs as threads of this process, of which one runs at a time: a seed decides which, and where
 * it has to make room for another. So a schedule can be repeated, and the model needs no lock of its own.
 * What hands the turn over is unknown to the thread sanitizer: for it the threads run at once, and it names
 * every two accesses that only this order kept apart.
 */
#ifndef TESTS_MOCKS_THREADS_SCHED_H
#define TESTS_MOCKS_THREADS_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_THREADS 8u

/* Reached by the assembly around the sanitizer's calls (hooks.S). */
extern uint64_t sched_left;  /* points until the turn may change */
extern uint8_t sched_in_vmm; /* code of the VMM runs, and not what stands for the hardware and the kernel */
extern uint32_t sched_depth; /* calls of which the sanitizer has not seen the end */

/**
 * sched_run() - let threads 0 to @n - 1 run to their ends, in the order that @seed gives.
 * @limit: points at the most; a schedule that has more ends the process with a message: nobody gets anywhere
 * any more Return: points there were.
 */
uint64_t sched_run(uint64_t seed, uint32_t n, uint64_t limit, void (*fn)(uint32_t number));

/** sched_point() - here another thread may get the turn. Outside sched_run() nothing happens. */
void sched_point(void);
/** sched_pause() - the thread waits for another one in a loop. */
void sched_pause(void);
/** sched_wait() - the turn goes to others until @ready(@arg) is true. It is asked on any thread. */
void sched_wait(bool (*ready)(const void *arg), const void *arg);

/** sched_random() - a number of this seed's sequence, for the threads' own decisions. */
uint64_t sched_random(void);
/** sched_me() - the number of the thread that runs. */
uint32_t sched_me(void);

#endif
