/* SPDX-License-Identifier: MIT */
#include "guest_tables.h"

#include <string.h>

uint64_t *tables_entry(uint64_t va, unsigned int level)
{
	return (uint64_t *)physical_at(TABLE(level)) + (va >> (12 + 9 * (level - 1))) % 512;
}

void tables_map(uint64_t va)
{
	for (unsigned int level = 5; level > 1; level--)
		*tables_entry(va, level) = TABLE(level - 1) | ALL;
	*tables_entry(va, 1) = FIRST_PA | ALL;
	*tables_entry(va + PAGE, 1) = SECOND_PA | ALL;
}

void tables_fill(uint64_t pa, char c)
{
	memset(physical_at(pa), c, PAGE);
}

void tables_guest(const struct model_kind *kind)
{
	root_up(kind);
	model.cpu[0].st.cr3 = TABLE(4) | 6; /* with a PCID */
	tables_map(VA);
	tables_fill(FIRST_PA, 'a');
	tables_fill(SECOND_PA, 'b');
}

void tables_usual_guest(void)
{
	tables_guest(&model_kinds[0]);
}

void tables_in_root(vcpu_exit_fn *handler)
{
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

struct tables_answer translated;
static uint64_t asked_va;
static uint32_t asked_access;

static enum exit_action translate(struct vcpu *vcpu)
{
	translated.err = guest_translate(vcpu, asked_va, asked_access, &translated.gpa, &translated.error);
	return EXIT_NEXT;
}

int tables_translate(uint64_t va, uint32_t access)
{
	asked_va = va;
	asked_access = access;
	translated = (struct tables_answer){0};
	tables_in_root(translate);
	return translated.err;
}
