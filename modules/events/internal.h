/* SPDX-License-Identifier: MIT */
/*
 * What the files of events share. All of it is static: no memory is taken but what slat_watch() takes, in a
 * call of the user's. A ring is its CPU's, in exits and in messages that are answered there; over the rest
 * stands one lock, under which nobody is called.
 */
#ifndef PLINTH_EVENTS_INTERNAL_H
#define PLINTH_EVENTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/events.h>
#include <plinth/vcpu.h>

#define LOG_TAG "events"

#define PAGE_BYTES 4096ull

/* -- listener.c: who listens, and how long yet ---------------------------------------------------- */

void events_lock(void);
void events_unlock(void);

/* The following: the lock is held. */

/** listener_begin() - whoever asks does, from here on. Return: the session; 0: somebody else does. */
uint64_t listener_begin(const struct events_message *about);
/** listener_renew() - it was heard of. Return: false: it is not the one that listens. */
bool listener_renew(const struct events_message *about);
/** listener_is() - is it this session's? listener_session() - whose it is, 0: nobody's. */
bool listener_is(uint64_t session);
uint64_t listener_session(void);
void listener_end(void);
/** listener_is_gone() - was it not heard of for too long? */
bool listener_is_gone(void);
/** listener_is_at() - is this its own address space? */
bool listener_is_at(uint64_t cr3);

/* -- ring.c: what happened on a CPU ------------------------------------------------------------------ */

/* All of it on the CPU in question, interrupts off; no lock. */

/** ring_add() - one more event, or one more that is lost. */
void ring_add(uint64_t session, const struct events_record *record);
/** ring_begin() - the same, and what comes of it is told by ring_done(), or not. */
void ring_begin(uint64_t session, const struct events_record *record);
/** ring_begun() - what ring_begin() was told, NULL: nothing is under way. */
const struct events_record *ring_begun(void);
void ring_done(uint64_t after);
/** ring_take() - what a session's listener gets. */
void ring_take(uint64_t session, struct events_answer *out);

/* -- pages.c: watched pages ------------------------------------------------------------------------------ */

/** pages_register() - for their exits; a constructor. */
void pages_register(void);
/** pages_watch() - Return: 0, or an error of EVENTS_WATCH_PAGE, which is in the log. */
PLINTH_MUST_USE int pages_watch(struct vcpu *vcpu, const struct events_message *about);
/** pages_end_others() - no page is watched any more but those of whoever listens now. */
void pages_end_others(void);
/** pages_given_up() - how many watches of this session ended because a CPU could not pass by. */
uint32_t pages_given_up(void);

/* -- msrs.c: watched MSRs; @guests: is any CPU a guest? ----------------------------------------------- */

/** msrs_watch() - Return: 0, or an error of EVENTS_WATCH_MSR, which is in the log. */
PLINTH_MUST_USE int msrs_watch(bool guests, const struct events_message *about);
/** msrs_end_others() - no MSR is watched any more but those of whoever listens now. */
void msrs_end_others(bool guests);

#endif
