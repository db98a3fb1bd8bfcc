/* SPDX-License-Identifier: MIT */
/* A guest's addresses by its own page tables: every right at every level, reserved bits, pages of all sizes.
 */
#include "guest_tables.h"
#include "modules/vcpu/internal.h"

#define VA5	  0x00fedcba40601000ull
#define KERNEL_VA 0xffff888040601000ull

/* One change of the entry at that level, and what comes of an access then. */
struct walk_case {
	unsigned int level;
	uint64_t set, clear;
	uint32_t access;
	int err;
	uint32_t error;
};

static void expect_case(uint64_t va, const struct walk_case *c)
{
	uint64_t *entry = tables_entry(va, c->level), before = *entry;

	*entry = (before & ~c->clear) | c->set;
	cr_expect_eq(tables_translate(va, c->access), c->err, "level %u, +%llx -%llx, access %u: %d",
		     c->level, (unsigned long long)c->set, (unsigned long long)c->clear, c->access,
		     translated.err);
	cr_expect_eq(translated.error, c->error, "level %u, +%llx -%llx, access %u: error 0x%x", c->level,
		     (unsigned long long)c->set, (unsigned long long)c->clear, c->access, translated.error);
	cr_expect(translated.err ? !translated.gpa : translated.gpa == FIRST_PA + va % PAGE);
	*entry = before;
}

/* At every level the same, by 4 or 5 levels. */
static void expect_rights(uint64_t va, unsigned int levels)
{
	const struct walk_case cases[] = {
		{0, 0, 0, GUEST_READ, 0, 0},
		{0, 0, 0, GUEST_READ | GUEST_WRITE | GUEST_USER, 0, 0},
		{0, NX, 0, GUEST_READ | GUEST_USER, 0, 0},
		{0, 0, PRESENT, GUEST_READ, PLINTH_E_FAULT, 0},
		{0, 0, PRESENT, GUEST_WRITE | GUEST_USER, PLINTH_E_FAULT, W | U},
		{0, 0, WRITABLE, GUEST_READ | GUEST_USER, 0, 0},
		{0, 0, WRITABLE, GUEST_READ | GUEST_WRITE | GUEST_USER, PLINTH_E_FAULT, P | W | U},
		{0, 0, WRITABLE, GUEST_WRITE, PLINTH_E_FAULT, P | W},
		{0, 0, USERS, GUEST_READ, 0, 0},
		{0, 0, USERS, GUEST_READ | GUEST_USER, PLINTH_E_FAULT, P | U},
		{0, 1ull << 39, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD},
		{0, 1ull << 51, 0, GUEST_WRITE | GUEST_USER, PLINTH_E_FAULT, P | W | U | RSVD},
		{0, 0x7ffull << 52 | 0xe00, 0, GUEST_READ | GUEST_USER, 0, 0},
		{0, 1ull << 39, PRESENT, GUEST_READ, PLINTH_E_FAULT, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct walk_case c = cases[i];

		for (c.level = 1; c.level <= levels; c.level++)
			expect_case(va, &c);
	}
}

Test(guest_walk, rights_of_all_levels, .init = tables_usual_guest)
{
	expect_rights(VA, 4);
	tables_map(KERNEL_VA);
	expect_rights(KERNEL_VA + 0x123, 4);
	root_expect_clean();
}

Test(guest_walk, large_pages_that_there_are_not, .init = tables_usual_guest)
{
	const struct walk_case top = {4, LARGE, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

	expect_case(VA, &top);
}

Test(guest_walk, without_no_execute, .init = tables_usual_guest)
{
	model.cpu[0].st.msr[MODEL_MSR_EFER] &= ~EFER_NXE;
	for (unsigned int level = 1; level <= 4; level++) {
		const struct walk_case c = {level, NX, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

		expect_case(VA, &c);
	}
}

/* What is read-only is so for the kernel if CR0.WP says it; for programs always. */
Test(guest_walk, without_write_protection, .init = tables_usual_guest)
{
	static const struct walk_case cases[] = {
		{1, 0, WRITABLE, GUEST_WRITE, 0, 0},
		{2, 0, WRITABLE, GUEST_WRITE | GUEST_USER, PLINTH_E_FAULT, P | W | U},
	};

	model.cpu[0].st.cr0 &= ~CR0_WP;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_case(VA, &cases[i]);
}

static void expect_large(unsigned int level, uint64_t bytes)
{
	uint64_t pa = bytes * 3, within = VA & (bytes - 1);

	*tables_entry(VA, level) = pa | LARGE | ALL | 1ull << 12;
	cr_expect_eq(tables_translate(VA + 0x234, GUEST_WRITE | GUEST_USER), 0);
	cr_expect_eq(translated.gpa, pa + within + 0x234, "0x%llx", (unsigned long long)translated.gpa);
	*tables_entry(VA, level) |= 1ull << 13;
	cr_expect_eq(tables_translate(VA, GUEST_READ), PLINTH_E_FAULT);
	cr_expect_eq(translated.error, P | RSVD);
	*tables_entry(VA, level) = pa | LARGE | ALL | bytes >> 1;
	cr_expect_eq(tables_translate(VA, GUEST_READ), PLINTH_E_FAULT);
	*tables_entry(VA, level) = pa | LARGE | PRESENT;
	cr_expect_eq(tables_translate(VA, GUEST_READ | GUEST_USER), PLINTH_E_FAULT);
	cr_expect_eq(translated.error, P | U);
}

Test(guest_walk, large_pages, .init = tables_usual_guest)
{
	expect_large(2, 1ull << 21);
	expect_large(3, 1ull << 30);
	root_expect_clean();
}

Test(guest_walk, a_cpu_without_pages_of_1_gib)
{
	static struct model_kind kind;
	const struct walk_case c = {3, LARGE, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

	kind = model_kinds[0];
	kind.no_1g = true;
	tables_guest(&kind);
	expect_case(VA, &c);
}

Test(guest_walk, five_levels)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.linear_bits = 57;
	kind.cr4 |= CR4_LA57;
	kind.cr4_extra = CR4_LA57;
	tables_guest(&kind);
	model.cpu[0].st.cr3 = TABLE(5);
	tables_map(VA5);
	expect_rights(VA5, 5);
	cr_expect_eq(tables_translate(0x0100000000000000ull, GUEST_READ), PLINTH_E_INVAL);
	cr_expect_eq(tables_translate(0x00ffffffffffffffull, GUEST_READ), PLINTH_E_FAULT);
}

Test(guest_walk, addresses_that_there_are_not, .init = tables_usual_guest)
{
	static const uint64_t addresses[] = {0x0000800000000000ull, 0xffff7fffffffffffull, 1ull << 63,
					     VA | 1ull << 57};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		cr_expect_eq(tables_translate(addresses[i], GUEST_READ), PLINTH_E_INVAL, "0x%llx",
			     (unsigned long long)addresses[i]);
	cr_expect_eq(tables_translate(0x00007fffffffffffull, GUEST_READ), PLINTH_E_FAULT);
	cr_expect_eq(tables_translate(0xffff800000000000ull, GUEST_READ), PLINTH_E_FAULT);
}

/* -- what there is no walk for ------------------------------------------------------------------------ */

static enum exit_action without_it(struct vcpu *vcpu)
{
	const struct slat *slat = vcpu_common.slat;

	vcpu_common.slat = NULL;
	translated.err = guest_translate(vcpu, VA, GUEST_READ, &translated.gpa, &translated.error);
	vcpu_common.slat = slat;
	return EXIT_NEXT;
}

/* Its registers are not there: no paging can be told from them. */
static enum exit_action not_current(struct vcpu *vcpu)
{
	static struct vcpu other;

	other = (struct vcpu){.guest = vcpu->guest};
	translated.err = guest_translate(&other, VA, GUEST_READ, &translated.gpa, &translated.error);
	return EXIT_NEXT;
}

Test(guest_walk, what_cannot_be_told, .init = tables_usual_guest)
{
	tables_in_root(without_it);
	cr_expect_eq(translated.err, PLINTH_E_NOTSUP);
	tables_in_root(not_current);
	cr_expect_eq(translated.err, PLINTH_E_NOTSUP);
}
