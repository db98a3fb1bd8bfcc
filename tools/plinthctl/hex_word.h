/* SPDX-License-Identifier: MIT */
/* Bytes that a user writes: two hexadecimal digits for each. */
#ifndef PLINTHCTL_HEX_WORD_H
#define PLINTHCTL_HEX_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEX_WORD_WANTS "wants two hexadecimal digits for each byte"

/*
 * hex_word_add() - a whole word's bytes behind those that are there.
 * @bytes: room for @most; @n of them are taken, and more then
 * Returns false for anything else than digits. What has no room is only counted: *n is above @most then.
 */
bool hex_word_add(const char *word, uint8_t *bytes, size_t most, size_t *n);

#endif
