/* SPDX-License-Identifier: MIT */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_parse(const char *word, const char *units, uint64_t most, uint64_t *value)
{
	bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	unsigned int shift;
	const char *unit;
	char *end;

	errno = 0;
	*value = strtoull(word, &end, hex ? 16 : 10);
	if (errno || !isdigit((unsigned char)word[0]) || (hex && !isxdigit((unsigned char)word[2])))
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	if (end[unit != NULL] || *value > most >> shift)
		return false;
	*value <<= shift;
	return true;
}
