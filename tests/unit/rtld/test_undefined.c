/* SPDX-License-Identifier: MIT */
/* What is written where a reference has no definition. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

static const char *const forms[] = {
	"gnu", "lazy", "sysv", "both", "lld", "relr", "version", "tags", "marked",
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

/*
 * Words with an addend whose symbol nobody has, some of them of one symbol: 0 for a strong
 * reference, and what S + A gives for a weak one.
 */
static void expect_words(const char *name, uint8_t bind, bool keeps_addend)
{
	uint32_t i, seen = 0;
	struct sample s;
	struct test_set t;

	sample_load(&s, name);
	sample_symbol(&s, "base_numbers")->info = bind << 4 | STT_OBJECT;
	sample_symbol(&s, "base_note")->info = bind << 4 | STT_FUNC;
	for (i = 0; i < sample_dyn(&s, 8)->value / sizeof(struct elf64_rela); i++) {
		struct elf64_rela *r = (struct elf64_rela *)sample_at(&s, sample_dyn(&s, 7)->value) + i;

		r->addend = r->type == R_X86_64_64 ? 16 + i : r->addend;
	}
	test_set_open(&t, RTLD_RULES_ELF);
	cr_assert_eq(test_set_add_sample(&t, &s), 0);
	test_set_place(&t, TEST_BASE);
	cr_assert_eq(test_set_link(&t), 0);
	for (i = 0; i < sample_dyn(&s, 8)->value / sizeof(struct elf64_rela); i++) {
		const struct elf64_rela *r = (struct elf64_rela *)sample_at(&s, sample_dyn(&s, 7)->value) + i;
		uint64_t word;

		if (r->type != R_X86_64_64)
			continue;
		memcpy(&word, rtld_info(t.set, 0)->write + r->offset, sizeof(word));
		cr_expect_eq(word, keeps_addend ? 16 + i : 0, "%s, entry %u: %#lx", name, i, word);
		seen++;
	}
	cr_expect_eq(seen, 3, "%s: %u words", name, seen);
	sample_free(&s);
	test_set_close(&t);
}

Test(rtld_set, words_that_nobody_provides)
{
	size_t i;

	for (i = 0; i < FORMS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "user-%s", forms[i]);
		expect_words(name, STB_GLOBAL, false);
		expect_words(name, STB_WEAK, true);
	}
}
