/* SPDX-License-Identifier: MIT */
/* Errors of rtld as text. Apart from the core, which needs no text. */
#ifndef RTLD_FORMAT_H
#define RTLD_FORMAT_H

#include "rtld.h"

/* Name of a check ("PHDR_RANGE") and of a table ("program headers"); never NULL. */
const char *rtld_check_name(unsigned int check);
const char *rtld_table_name(unsigned int table);

/*
 * rtld_format_error - one finding as one sentence, without a line feed
 * @buf, @size:	where; cut to size, always terminated if size is not 0
 * Names the file, what is wrong, table, index, value, limit, symbol and what
 * to do. Bytes of a name that are not printable ASCII appear as '?'. Returns
 * the bytes put into buf, the terminator not counted.
 */
size_t rtld_format_error(const struct rtld_error *error, char *buf,
			 size_t size);

/*
 * rtld_format_in - the same, knowing the set the finding is about
 * An undefined function of which the set has another version (see
 * PLINTH_VERSION() in plinth/abi.h) is reported with both versions.
 * @set:	its modules must be placed
 */
size_t rtld_format_in(const struct rtld_set *set,
		      const struct rtld_error *error, char *buf, size_t size);

/*
 * rtld_format_plan - what became of a link plan, as a part of a sentence
 * "used", or "not used: " and why. Otherwise as rtld_format_error().
 */
size_t rtld_format_plan(const struct rtld_set *set, char *buf, size_t size);

#endif
