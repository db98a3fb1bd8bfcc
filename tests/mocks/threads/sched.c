/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "sched.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model/internal.h"

#define NEVER		  (~0ull)
#define NOBODY		  (~0u)
#define CHANGES_MAX	  4
/* One pause in so many lets somebody else run; of a thread that waits for long, fewer. */
#define PAUSE_SHARE	  32u
#define PAUSES_LONG	  4096u
#define PAUSE_SHARE_LONG  1024u
#define ALTERNATIVE_BYTES 65536u

uint64_t sched_left = NEVER;
uint8_t sched_in_vmm;
uint32_t sched_depth;

extern uint64_t model_switch_saved;
extern uint32_t model_switch_returned;

/* What is of one thread and is kept in variables of the process while it runs. */
struct context {
	uint64_t switch_saved;
	uint32_t switch_returned, here, depth;
	uint8_t in_vmm;
};

struct thread {
	pthread_t id;
	uint32_t go; /* futex: 1: it has the turn */
	bool done;
	bool (*ready)(const void *arg); /* what it waits for; NULL: nothing */
	const void *arg;
	uint32_t priority, pauses;
	struct context context;
};

static struct {
	uint64_t random, step, limit, interval;
	uint64_t change[CHANGES_MAX]; /* by priorities: steps at which the one that runs falls back behind all
					 others */
	uint32_t n, me, lowest;
	bool by_priority;
	void (*fn)(uint32_t number);
	struct thread thread[SCHED_THREADS];
} sched;

/* Vigna's splitmix64. */
uint64_t sched_random(void)
{
	uint64_t z = sched.random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint32_t sched_me(void)
{
	return sched.me;
}

/* -- whose turn it is -- */

static bool can_run(const struct thread *t)
{
	return !t->done && (!t->ready || t->ready(t->arg));
}

/* Another one than the one that runs, if there is one. */
static uint32_t choose(void)
{
	uint32_t can[SCHED_THREADS], n = 0, best = NOBODY;

	for (uint32_t i = 0; i < sched.n; i++) {
		if (!can_run(&sched.thread[i]) || (!sched.by_priority && i == sched.me))
			continue;
		can[n++] = i;
		if (best == NOBODY || sched.thread[i].priority > sched.thread[best].priority)
			best = i;
	}
	if (n && !sched.by_priority)
		return can[sched_random() % n];
	if (best == NOBODY && sched.me != NOBODY && can_run(&sched.thread[sched.me]))
		return sched.me;
	return best;
}

static void save(struct context *c)
{
	*c = (struct context){model_switch_saved, model_switch_returned, model.here, sched_depth,
			      sched_in_vmm};
}

static void restore(const struct context *c)
{
	model_switch_saved = c->switch_saved;
	model_switch_returned = c->switch_returned;
	model.here = c->here;
	sched_depth = c->depth;
	sched_in_vmm = c->in_vmm;
}

/* System calls by number: what libc has for it the sanitizer would take for order between the threads. */
static void sleep_until_turn(struct thread *t)
{
	while (!__atomic_load_n(&t->go, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &t->go, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	__atomic_store_n(&t->go, 0, __ATOMIC_RELAXED);
}

static void give_turn(uint32_t number)
{
	struct thread *t = &sched.thread[number];

	sched.me = number;
	restore(&t->context);
	__atomic_store_n(&t->go, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &t->go, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void sched_error(const char *what)
{
	fprintf(stderr, "threads: %s after %llu points\n", what, (unsigned long long)sched.step);
	for (uint32_t i = 0; i < sched.n; i++)
		fprintf(stderr, "  thread %u: %s%s\n", i,
			sched.thread[i].done	? "ended"
			: sched.thread[i].ready ? "waits"
						: "runs",
			i == sched.me ? ", has the turn" : "");
	fflush(NULL);
	_exit(1);
}

static void change_to(uint32_t next)
{
	struct thread *self = &sched.thread[sched.me];

	if (next == sched.me)
		return;
	save(&self->context);
	give_turn(next);
	sleep_until_turn(self);
}

/* -- when it changes -- */

/* By chance: after a number of points around the interval. By priorities: at the next change point. */
static void plan(void)
{
	uint64_t next = NEVER;

	if (!sched.by_priority) {
		sched_left = 1 + sched_random() % (2 * sched.interval);
	} else {
		for (unsigned int i = 0; i < CHANGES_MAX; i++)
			if (sched.change[i] > sched.step && sched.change[i] < next)
				next = sched.change[i];
		sched_left = (next < sched.limit ? next : sched.limit) - sched.step;
	}
	if (!sched_left)
		sched_left = 1;
	sched.step += sched_left;
}

void sched_expired(void);

/* Called by the assembly, too. */
void sched_expired(void)
{
	uint32_t next;

	if (sched.step >= sched.limit)
		sched_error("nobody gets anywhere");
	sched.thread[sched.me].priority = --sched.lowest;
	plan();
	next = choose();
	if (next != NOBODY)
		change_to(next);
}

void sched_point(void)
{
	if (!--sched_left)
		sched_expired();
}

/* Large copies by the driver take their time. */
#define CHUNK 64u

void *sched_copy(char *to, const char *from, size_t bytes);

void *sched_copy(char *to, const char *from, size_t bytes)
{
	for (size_t done = 0; done < bytes; done += CHUNK) {
		size_t n = bytes - done < CHUNK ? bytes - done : CHUNK;
		char *at = to + done;
		const char *source = from + done;

		sched_point();
		__asm__ volatile("rep movsb" : "+c"(n), "+D"(at), "+S"(source) : : "memory");
	}
	return to;
}

void sched_pause(void)
{
	struct thread *self = &sched.thread[sched.me];
	uint32_t next;

	if (!sched.fn || sched_random() % (self->pauses++ < PAUSES_LONG ? PAUSE_SHARE : PAUSE_SHARE_LONG))
		return;
	self->priority = --sched.lowest;
	next = choose();
	if (next != NOBODY)
		change_to(next);
}

void sched_wait(bool (*ready)(const void *arg), const void *arg)
{
	struct thread *self = &sched.thread[sched.me];
	uint32_t next;

	if (ready(arg))
		return;
	self->ready = ready;
	self->arg = arg;
	next = choose();
	if (next == NOBODY)
		sched_error("everybody waits");
	change_to(next);
	self->ready = NULL;
}

/* -- the threads' lives -- */

static void *thread_main(void *arg)
{
	struct thread *self = arg;
	static uint8_t stacks[SCHED_THREADS][ALTERNATIVE_BYTES];
	const stack_t alternative = {.ss_sp = stacks[self - sched.thread], .ss_size = ALTERNATIVE_BYTES};
	uint32_t next;

	sigaltstack(&alternative, NULL);
	sleep_until_turn(self);
	sched.fn((uint32_t)(self - sched.thread));
	self->done = true;
	next = choose();
	if (next != NOBODY)
		give_turn(next);
	else
		for (uint32_t i = 0; i < sched.n; i++)
			if (!sched.thread[i].done)
				sched_error("everybody waits");
	return NULL;
}

static void setup(uint64_t seed, uint32_t n, uint64_t limit, void (*fn)(uint32_t number))
{
	sched.random = seed;
	sched.step = 0;
	sched.limit = limit;
	sched.n = n;
	sched.me = NOBODY;
	sched.fn = fn;
	sched.lowest = 1000000;
	sched.by_priority = seed % 3 == 0;
	sched.interval = 1ull << (3 + sched_random() % 10);
	for (unsigned int i = 0; i < CHANGES_MAX; i++)
		sched.change[i] = sched_random() % (1ull << (8 + sched_random() % 12));
	for (uint32_t i = 0; i < n; i++)
		sched.thread[i] =
			(struct thread){.priority = sched.lowest + 1 + (uint32_t)(sched_random() % 1000)};
}

uint64_t sched_run(uint64_t seed, uint32_t n, uint64_t limit, void (*fn)(uint32_t number))
{
	struct context mine;

	setup(seed, n, limit, fn);
	save(&mine);
	for (uint32_t i = 0; i < n; i++)
		pthread_create(&sched.thread[i].id, NULL, thread_main, &sched.thread[i]);
	plan();
	give_turn(choose());
	for (uint32_t i = 0; i < n; i++)
		pthread_join(sched.thread[i].id, NULL);
	restore(&mine);
	sched.fn = NULL;
	sched.step -= sched_left;
	sched_left = NEVER;
	return sched.step;
}
