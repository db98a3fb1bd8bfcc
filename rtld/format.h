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
size_t rtld_format_error(const struct rtld_error *error, char *buf, size_t size);

/*
 * rtld_format_in - the same, knowing the set the finding is about
 * An undefined function of which the set has another version (see
 * PLINTH_VERSION() in plinth/abi.h) is reported with both versions.
 * @set:	its modules must be placed
 * @highest:	of rtld_highest_version(); versions above are not looked for
 */
size_t rtld_format_in(const struct rtld_set *set, unsigned int highest, const struct rtld_error *error,
		      char *buf, size_t size);

/*
 * rtld_highest_version - the highest version that any function of the set may have
 * For rtld_format_in(), once for all findings. 1: no name has a version, or none of @errors asks. It looks
 * at the names of modules, 256 KiB of them at most; what is behind that is not found in another version.
 */
unsigned int rtld_highest_version(const struct rtld_set *set, const struct rtld_errors *errors);

/*
 * rtld_format_plan - what became of a link plan, as a part of a sentence
 * "used", or "not used: " and why. Otherwise as rtld_format_error().
 */
size_t rtld_format_plan(const struct rtld_set *set, char *buf, size_t size);

#endif
