/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <string.h>

Test(core_report, collects_lines)
{
	report_clear(&report);
	report_line(&report, "%s %d", "one", 1);
	report_line(&report, "two");
	cr_expect_str_eq(report.text, "one 1\ntwo\n");
	cr_expect_eq(report.used, strlen(report.text));
	report_clear(&report);
	cr_expect_str_eq(report.text, "");
}

Test(core_report, says_when_it_is_full)
{
	report_clear(&report);
	for (unsigned int i = 0; i < 1000; i++) {
		report_line(&report, "line %u of many that are all rather the same", i);
		cr_assert_lt(report.used, CORE_REPORT_BYTES);
		cr_assert_eq(report.used, strlen(report.text));
	}
	cr_expect(report.full);
	cr_expect(strstr(report.text, "line 100 "));
	cr_expect_str_eq(report.text + report.used - 10, "fit here)\n");
}

/* The last line that fits, to the byte, and the first that does not. */
Test(core_report, full_to_the_byte)
{
	char line[CORE_REPORT_BYTES];

	for (unsigned int room = 2; room < 5; room++) {
		report_clear(&report);
		memset(line, 'x', sizeof(line));
		line[1000] = '\0';
		while (report.used + 1001 < CORE_REPORT_BYTES - 2000)
			report_line(&report, "%s", line);
		cr_assert_not(report.full);
		memset(line, 'y', sizeof(line));
		line[CORE_REPORT_BYTES - report.used - room] = '\0';
		report_line(&report, "%s", line);
		cr_expect_lt(report.used, CORE_REPORT_BYTES);
		cr_expect_eq(report.used, strlen(report.text), "%u bytes short of the end", room);
		if (!report.full)
			cr_expect_eq(report.text[report.used - 1], '\n');
	}
}
