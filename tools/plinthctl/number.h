/* SPDX-License-Identifier: MIT */
/* Numbers that a user writes. */
#ifndef PLINTHCTL_NUMBER_H
#define PLINTHCTL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * number_parse() - a whole word: decimal digits, or hexadecimal ones behind 0x.
 * @units: letters, small ones too, one of which may follow: times 1024 for the first, 1024 more for each next
 * Returns false for anything else, and above @most.
 */
bool number_parse(const char *word, const char *units, uint64_t most, uint64_t *value);

#endif
