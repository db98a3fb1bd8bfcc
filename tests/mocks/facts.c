/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/log_ring.h"

#define NUMBERS	    16
#define NUMBER_TEXT 24 /* 0x and sixteen digits, or twenty */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Between two letters of one word nothing begins or ends. */
static bool is_edge(char before, char after)
{
	return !is_word(before) || !is_word(after);
}

static bool line_holds(const char *line, size_t length, const char *fact)
{
	size_t n = strlen(fact);

	for (size_t i = 0; n && i + n <= length; i++)
		if (!memcmp(line + i, fact, n) && (!i || is_edge(line[i - 1], *fact)) &&
		    (i + n == length || is_edge(fact[n - 1], line[i + n])))
			return true;
	return false;
}

static bool line_holds_all(const char *line, size_t length, const char *const *facts)
{
	while (*facts && line_holds(line, length, *facts))
		facts++;
	return !*facts;
}

bool facts_in(const char *text, const char *const *facts)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (line_holds_all(text, length, facts))
			return true;
		text += length + (text[length] == '\n');
	}
	return false;
}

static bool record_holds_all(const struct plinth_log_record *record, const char *const *facts)
{
	char tag[sizeof(record->tag) + 2];

	snprintf(tag, sizeof(tag), "%.*s:", (int)sizeof(record->tag), record->tag);
	for (; *facts; facts++)
		if (strcmp(tag, *facts) && !line_holds(record->text, strlen(record->text), *facts))
			return false;
	return true;
}

uint32_t facts_logged(const struct plinth_shared_cpu *cpu, enum plinth_log_level level,
		      const char *const *facts)
{
	struct plinth_log_record record;
	uint32_t n = 0;

	for (uint64_t i = log_ring_first(cpu, 1); i <= cpu->log_head; i++)
		n += log_ring_read(cpu, i, &record) && record.level <= level &&
		     record_holds_all(&record, facts);
	return n;
}

static char *next_number(void)
{
	static char text[NUMBERS][NUMBER_TEXT];
	static unsigned int next;

	return text[next++ % NUMBERS];
}

const char *fact_hex(uint64_t value)
{
	char *text = next_number();

	snprintf(text, NUMBER_TEXT, "0x%llx", (unsigned long long)value);
	return text;
}

const char *fact_decimal(uint64_t value)
{
	char *text = next_number();

	snprintf(text, NUMBER_TEXT, "%llu", (unsigned long long)value);
	return text;
}
