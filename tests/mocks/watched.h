/* SPDX-License-Identifier: MIT */
/* A listener on CPU 0 that watches a page, and guests that touch it. */
#ifndef TESTS_MOCKS_WATCHED_H
#define TESTS_MOCKS_WATCHED_H

#include <plinth/events.h>

#include "sweep.h"
#include "model/translation.h"

#define WATCHED_LEASE (1ull << 40)
#define WATCHED_RIP   0xffffffff81234567ull
#define WATCHED_CR3   0x7654000ull
#define WATCHED_ALL   (READ | WRITE | FETCH)

/* The session that is listened in, the page that is watched, and the last answer to a poll. */
extern uint64_t watched_session;
extern uint8_t *watched_memory;
extern uint64_t watched_page;
extern struct events_answer watched_answer;

/** watched_message() - as the driver takes it; the guest's registers stay. Return: core_call()'s. */
int watched_message(uint32_t cpu, const struct events_message *m, void *answer, size_t room);
int watched_listen(uint32_t cpu, uint64_t lease, uint64_t *session);
int watched_set(uint64_t address, uint32_t access);
int watched_end(void);
/** watched_poll() - Return: how many events there were; they are in watched_answer. */
uint32_t watched_poll(uint32_t cpu);
/** watched_settle() - each CPU makes an exit: behind it, it goes by what is watched. */
void watched_settle(void);

/** watched_start() - a machine that runs, and a page; watched_power_on() - which is watched, on all CPUs. */
void watched_start(const struct model_kind *kind, uint32_t n_cpus);
void watched_power_on(uint32_t n_cpus, uint32_t access);

/** watched_may() - what a CPU may do with the page. */
uint32_t watched_may(uint32_t cpu);
/** watched_exits() - a guest touches something. Return: was that an exit? */
bool watched_exits(uint32_t cpu, uint64_t gpa, uint32_t access);
/** watched_carry_out() - a guest touches the page, which is an exit, and gets by. */
void watched_carry_out(uint32_t cpu, uint32_t access);

#endif
