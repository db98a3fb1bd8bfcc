/* SPDX-License-Identifier: MIT */
/* What the other tests believe: which line holds which facts. */
#include "facts.h"

#include <criterion/criterion.h>
#include <string.h>

Test(facts, words_of_a_line)
{
	static const char line[] = "VMWRITE of GUEST_RIP (0x681e) failed: error 12";

	cr_expect(facts_in(line, FACTS(NULL)));
	cr_expect(facts_in(line, FACTS("VMWRITE")));
	cr_expect(facts_in(line, FACTS("12", "0x681e", "GUEST_RIP")), "in any order");
	cr_expect(facts_in(line, FACTS("error 12")));
	cr_expect(facts_in(line, FACTS("(0x681e)")));
	cr_expect_not(facts_in(line, FACTS("0x681")));
	cr_expect_not(facts_in(line, FACTS("RIP")));
	cr_expect_not(facts_in(line, FACTS("1")));
	cr_expect_not(facts_in(line, FACTS("2")));
	cr_expect_not(facts_in(line, FACTS("GUEST_RIP", "13")), "all of them");
	cr_expect_not(facts_in("", FACTS("VMWRITE")));
}

Test(facts, the_second_of_two_places)
{
	cr_expect(facts_in("0x10 and 0x1", FACTS("0x1")));
	cr_expect_not(facts_in("0x10 and 0x1a", FACTS("0x1")));
}

Test(facts, in_one_line_of_many)
{
	static const char text[] = "CPU 1: out of memory\nCPU 2: is away\n";

	cr_expect(facts_in(text, FACTS("CPU 1", "memory")));
	cr_expect(facts_in(text, FACTS("CPU 2", "away")));
	cr_expect_not(facts_in(text, FACTS("CPU 2", "memory")));
}

Test(facts, numbers)
{
	cr_expect_str_eq(fact_hex(~0ull), "0xffffffffffffffff");
	cr_expect_str_eq(fact_hex(0), "0x0");
	cr_expect_str_eq(fact_decimal(~0ull), "18446744073709551615");
	cr_expect(facts_in("7 of 0x7", FACTS(fact_decimal(7), fact_hex(7))), "both at once");
}

static struct plinth_shared_cpu cpu;

static void put(enum plinth_log_level level, const char *tag, const char *text)
{
	struct plinth_log_record *record = &cpu.log[cpu.log_head++ % PLINTH_LOG_RECORDS];

	record->sequence = cpu.log_head;
	record->level = level;
	strncpy(record->tag, tag, sizeof(record->tag));
	strcpy(record->text, text);
}

Test(facts, lines_of_a_log)
{
	put(PLINTH_LOG_ERR, "ept", "INVEPT failed");
	put(PLINTH_LOG_INFO, "vmxchk", "field 0x400a is 0x4d");
	put(PLINTH_LOG_ERR, "vmx", "field 0x400a is 0x4");
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_DEBUG, FACTS(NULL)), 3);
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_ERR, FACTS(NULL)), 2);
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_ERR, FACTS("0x400a")), 1);
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_INFO, FACTS("0x400a")), 2);
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_INFO, FACTS("vmxchk:", "0x4d")), 1, "six letters");
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_INFO, FACTS("vmx:")), 1);
	cr_expect_eq(facts_logged(&cpu, PLINTH_LOG_INFO, FACTS("ept")), 0, "no word of the text");
}
