/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "log_ring.h"

static struct plinth_shared_cpu ring;

static void write_record(const char *text)
{
	uint64_t n = ++ring.log_head;
	struct plinth_log_record *record = &ring.log[(n - 1) % PLINTH_LOG_RECORDS];

	record->sequence = n;
	memset(record->text, 0, sizeof(record->text));
	memcpy(record->text, text, strnlen(text, sizeof(record->text)));
}

static void fresh(void)
{
	memset(&ring, 0, sizeof(ring));
}

Test(log_ring, empty, .init = fresh)
{
	struct plinth_log_record record;

	cr_expect_eq(log_ring_first(&ring, 1), 1);
	cr_expect_not(log_ring_read(&ring, 1, &record));
}

Test(log_ring, keeps_the_newest, .init = fresh)
{
	struct plinth_log_record record;
	char text[16];

	for (unsigned int i = 1; i <= 3 * PLINTH_LOG_RECORDS + 5; i++) {
		snprintf(text, sizeof(text), "line %u", i);
		write_record(text);
	}
	cr_expect_eq(log_ring_first(&ring, 1), 2 * PLINTH_LOG_RECORDS + 6);
	cr_expect_eq(log_ring_first(&ring, 3 * PLINTH_LOG_RECORDS), 3 * PLINTH_LOG_RECORDS);
	for (uint64_t i = log_ring_first(&ring, 1); i <= ring.log_head; i++) {
		snprintf(text, sizeof(text), "line %u", (unsigned int)i);
		cr_assert(log_ring_read(&ring, i, &record));
		cr_expect_str_eq(record.text, text);
	}
	cr_expect_not(log_ring_read(&ring, 5, &record), "overwritten");
	cr_expect_not(log_ring_read(&ring, ring.log_head + 1, &record), "not written yet");
}

Test(log_ring, passes_over_what_is_being_written, .init = fresh)
{
	struct plinth_log_record record;

	write_record("one");
	write_record("two");
	ring.log[0].sequence = 0;
	cr_expect_not(log_ring_read(&ring, 1, &record));
	cr_expect(log_ring_read(&ring, 2, &record));
}

Test(log_ring, terminates_the_text, .init = fresh)
{
	struct plinth_log_record record;
	char text[PLINTH_LOG_TEXT + 1];

	memset(text, 'x', PLINTH_LOG_TEXT);
	text[PLINTH_LOG_TEXT] = '\0';
	write_record(text);
	cr_assert(log_ring_read(&ring, 1, &record));
	cr_expect_eq(strlen(record.text), PLINTH_LOG_TEXT - 1);
}
