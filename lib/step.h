/* SPDX-License-Identifier: MIT */
/*
 * Sequences that change the machine are data: a table of steps, run upwards and
 * undone downwards, so that what must be undone cannot be forgotten.
 */
#ifndef PLINTH_LIB_STEP_H
#define PLINTH_LIB_STEP_H

#include <stddef.h>

#include <plinth/error.h>

struct step {
	const char *name;
	int (*up)(void *ctx);
	void (*down)(void *ctx); /* NULL: nothing to undo */
};

/**
 * steps_up() - run the steps in order.
 * @steps:  the table
 * @n:      number of rows
 * @ctx:    handed to every function
 * @failed: the row that failed is stored here; untouched on success; may be NULL
 *
 * Return:  0, or the error of the first step that failed.
 * Undo:    on failure every step that had succeeded is undone in reverse order.
 */
PLINTH_MUST_USE int steps_up(const struct step *steps, size_t n, void *ctx, const struct step **failed);

/** steps_down() - undo the first @n steps of the table, last one first. */
void steps_down(const struct step *steps, size_t n, void *ctx);

#endif
