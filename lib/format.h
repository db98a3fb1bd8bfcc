/* SPDX-License-Identifier: MIT */
/*
 * Text formatting for freestanding code: the integer, string and pointer part of C's printf family.
 *
 * Source of the semantics: ISO C11, 7.21.6.1 "The fprintf function" and 7.21.6.12 "The vsnprintf function".
 */
#ifndef PLINTH_LIB_FORMAT_H
#define PLINTH_LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/**
 * plinth_vsnprintf() - format into a buffer of limited size.
 * @buf:    receives the text, always NUL-terminated when @size > 0; may be NULL when @size is 0
 * @size:   size of @buf in bytes, the terminator included
 * @format: conversions d i u o x X c s p %; flags - + space # 0; width and precision as numbers or *;
 *          lengths hh h l ll j z t
 * @args:   the values, as for C's vsnprintf(); indeterminate after the call
 *
 * Two cases that C leaves undefined are defined here: a NULL string prints as "(null)", and a conversion
 * not in the list above (floating point, %n, wide characters) is printed as it stands together with the
 * rest of @format, so no argument is ever read with the wrong type. A NULL pointer prints as 0x0.
 *
 * Context: any; no lock, no allocation, no static state.
 * Return:  length in bytes of the whole text without the terminator, even when it was cut off to fit;
 *          -1 when that length does not fit an int (@buf then holds the beginning).
 */
int plinth_vsnprintf(char *buf, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

/**
 * plinth_snprintf() - plinth_vsnprintf() with the values as arguments.
 * @buf:    as above
 * @size:   as above
 * @format: as above
 *
 * Context: any.
 * Return:  as plinth_vsnprintf().
 */
int plinth_snprintf(char *buf, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
