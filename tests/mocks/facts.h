/* SPDX-License-Identifier: MIT */
/*
 * What a test asks of a log or of a report: does a line hold these facts?
 *
 * A fact is what a manual, an interface or the test's own data fixes: a register, a field, a function, a
 * module, an option, a number. How the sentence about it is put is whoever writes sentences' business.
 */
#ifndef TESTS_MOCKS_FACTS_H
#define TESTS_MOCKS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/log.h>
#include <plinth/shared.h>

/* What one line is to hold. */
#define FACTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/** facts_in() - does one line of @text hold all of these, each as a word of its own (0x1 is not in 0x10)? */
bool facts_in(const char *text, const char *const *facts);

/**
 * facts_logged() - how many lines of a CPU's log hold them, of that level or a more urgent one?
 *
 * With a colon behind it a component's name is a fact, too: FACTS("ept:") are all lines of that component.
 */
uint32_t facts_logged(const struct plinth_shared_cpu *cpu, enum plinth_log_level level,
		      const char *const *facts);

/* A number as lines have it; the text is good until the sixteenth call after this one. */
const char *fact_hex(uint64_t value);
const char *fact_decimal(uint64_t value);

#endif
