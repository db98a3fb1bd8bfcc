/* SPDX-License-Identifier: MIT */
/* The guest's memory by its own page tables, and through second-level translation. */
#include <string.h>

#include <plinth/guest_memory.h>
#include <plinth/slat.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#include "root/root.h"

#define PAGE	   4096ull
#define PRESENT	   0x1ull
#define WRITABLE   0x2ull
#define USERS	   0x4ull
#define PAT_LARGE  0x80ull
#define NX	   (1ull << 63)
#define ALL	   (PRESENT | WRITABLE | USERS)
#define VA	   0x00007f1240601000ull /* and the page behind it */
#define VA5	   0x00fedcba40601000ull
#define KERNEL_VA  0xffff888040601000ull
#define FIRST_PA   0x300000ull
#define SECOND_PA  0x510000ull
#define TABLE(n)   (0x200000ull + (n)*PAGE) /* of that level */
#define DEVICE_PA  0xc0000000ull
#define P	   1u
#define W	   2u
#define U	   4u
#define RSVD	   8u
#define INFO_FAULT 0x80000b0eu

/* -- the guest's tables ------------------------------------------------------------------------ */

static uint64_t *entry_of(uint64_t va, unsigned int level)
{
	return (uint64_t *)physical_at(TABLE(level)) + (va >> (12 + 9 * (level - 1))) % 512;
}

static void map_two_pages(uint64_t va)
{
	for (unsigned int level = 5; level > 1; level--)
		*entry_of(va, level) = TABLE(level - 1) | ALL;
	*entry_of(va, 1) = FIRST_PA | ALL;
	*entry_of(va + PAGE, 1) = SECOND_PA | ALL;
}

static void fill(uint64_t pa, char c)
{
	memset(physical_at(pa), c, PAGE);
}

static void guest_up(const struct model_kind *kind)
{
	root_up(kind);
	model.cpu[0].st.cr3 = TABLE(4) | 6; /* with a PCID */
	map_two_pages(VA);
	fill(FIRST_PA, 'a');
	fill(SECOND_PA, 'b');
}

static void usual_guest(void)
{
	guest_up(&model_kinds[0]);
}

/* -- in root mode --------------------------------------------------------------------------------- */

static struct {
	uint64_t va;
	uint32_t access;
	size_t bytes;
	bool is_write;
	int err;
	uint64_t gpa;
	uint32_t error;
	struct guest_fault fault;
	char buffer[GUEST_BYTES_MAX + PAGE];
} ask;

static enum exit_action translate(struct vcpu *vcpu)
{
	ask.err = guest_translate(vcpu, ask.va, ask.access, &ask.gpa, &ask.error);
	return EXIT_NEXT;
}

static enum exit_action copy(struct vcpu *vcpu)
{
	ask.err = ask.is_write ? guest_write(vcpu, ask.va, ask.buffer, ask.bytes, ask.access, &ask.fault)
			       : guest_read(vcpu, ask.va, ask.buffer, ask.bytes, ask.access, &ask.fault);
	return EXIT_NEXT;
}

static void in_root(vcpu_exit_fn *handler)
{
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

static int translated(uint64_t va, uint32_t access)
{
	ask.va = va;
	ask.access = access;
	ask.gpa = ask.error = 0;
	in_root(translate);
	return ask.err;
}

static int copied(bool is_write, uint64_t va, size_t bytes, uint32_t access)
{
	ask.va = va;
	ask.access = access;
	ask.bytes = bytes;
	ask.is_write = is_write;
	ask.fault = (struct guest_fault){0};
	memset(ask.buffer, '.', sizeof(ask.buffer));
	in_root(copy);
	return ask.err;
}

static int reads(uint64_t va, size_t bytes, uint32_t access)
{
	return copied(false, va, bytes, access);
}

static int writes(uint64_t va, size_t bytes, uint32_t access)
{
	return copied(true, va, bytes, access);
}

/* -- the walk ------------------------------------------------------------------------------------- */

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
	uint64_t *entry = entry_of(va, c->level), before = *entry;

	*entry = (before & ~c->clear) | c->set;
	cr_expect_eq(translated(va, c->access), c->err, "level %u, +%llx -%llx, access %u: %d", c->level,
		     (unsigned long long)c->set, (unsigned long long)c->clear, c->access, ask.err);
	cr_expect_eq(ask.error, c->error, "level %u, +%llx -%llx, access %u: error 0x%x", c->level,
		     (unsigned long long)c->set, (unsigned long long)c->clear, c->access, ask.error);
	cr_expect(ask.err ? !ask.gpa : ask.gpa == FIRST_PA + va % PAGE);
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

Test(guest_memory, rights_of_all_levels, .init = usual_guest)
{
	expect_rights(VA, 4);
	map_two_pages(KERNEL_VA);
	expect_rights(KERNEL_VA + 0x123, 4);
	root_expect_clean();
}

Test(guest_memory, large_pages_that_there_are_not, .init = usual_guest)
{
	const struct walk_case top = {4, PAT_LARGE, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

	expect_case(VA, &top);
}

Test(guest_memory, without_no_execute, .init = usual_guest)
{
	model.cpu[0].st.msr[MODEL_MSR_EFER] &= ~EFER_NXE;
	for (unsigned int level = 1; level <= 4; level++) {
		const struct walk_case c = {level, NX, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

		expect_case(VA, &c);
	}
}

/* What is read-only is so for the kernel if CR0.WP says it; for programs always. */
Test(guest_memory, without_write_protection, .init = usual_guest)
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

	*entry_of(VA, level) = pa | PAT_LARGE | ALL | 1ull << 12;
	cr_expect_eq(translated(VA + 0x234, GUEST_WRITE | GUEST_USER), 0);
	cr_expect_eq(ask.gpa, pa + within + 0x234, "0x%llx", (unsigned long long)ask.gpa);
	*entry_of(VA, level) |= 1ull << 13;
	cr_expect_eq(translated(VA, GUEST_READ), PLINTH_E_FAULT);
	cr_expect_eq(ask.error, P | RSVD);
	*entry_of(VA, level) = pa | PAT_LARGE | ALL | bytes >> 1;
	cr_expect_eq(translated(VA, GUEST_READ), PLINTH_E_FAULT);
	*entry_of(VA, level) = pa | PAT_LARGE | PRESENT;
	cr_expect_eq(translated(VA, GUEST_READ | GUEST_USER), PLINTH_E_FAULT);
	cr_expect_eq(ask.error, P | U);
}

Test(guest_memory, large_pages, .init = usual_guest)
{
	expect_large(2, 1ull << 21);
	expect_large(3, 1ull << 30);
	root_expect_clean();
}

Test(guest_memory, a_cpu_without_pages_of_1_gib)
{
	static struct model_kind kind;
	const struct walk_case c = {3, PAT_LARGE, 0, GUEST_READ, PLINTH_E_FAULT, P | RSVD};

	kind = model_kinds[0];
	kind.no_1g = true;
	guest_up(&kind);
	expect_case(VA, &c);
}

Test(guest_memory, five_levels)
{
	static struct model_kind kind;

	kind = model_kinds[0];
	kind.linear_bits = 57;
	kind.cr4 |= CR4_LA57;
	kind.cr4_extra = CR4_LA57;
	guest_up(&kind);
	model.cpu[0].st.cr3 = TABLE(5);
	map_two_pages(VA5);
	expect_rights(VA5, 5);
	cr_expect_eq(translated(0x0100000000000000ull, GUEST_READ), PLINTH_E_INVAL);
	cr_expect_eq(translated(0x00ffffffffffffffull, GUEST_READ), PLINTH_E_FAULT);
}

Test(guest_memory, addresses_that_there_are_not, .init = usual_guest)
{
	static const uint64_t addresses[] = {0x0000800000000000ull, 0xffff7fffffffffffull, 1ull << 63,
					     VA | 1ull << 57};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		cr_expect_eq(translated(addresses[i], GUEST_READ), PLINTH_E_INVAL, "0x%llx",
			     (unsigned long long)addresses[i]);
	cr_expect_eq(translated(0x00007fffffffffffull, GUEST_READ), PLINTH_E_FAULT);
	cr_expect_eq(translated(0xffff800000000000ull, GUEST_READ), PLINTH_E_FAULT);
}

/* -- copies --------------------------------------------------------------------------------------- */

Test(guest_memory, reads_over_pages, .init = usual_guest)
{
	cr_expect_eq(reads(VA + PAGE - 3, 5, GUEST_USER), 0);
	cr_expect_eq(memcmp(ask.buffer, "aaabb.", 6), 0, "%.6s", ask.buffer);
	cr_expect_eq(reads(VA + 7, 2 * PAGE - 7, 0), 0);
	cr_expect(ask.buffer[PAGE - 8] == 'a' && ask.buffer[PAGE - 7] == 'b');
	cr_expect(ask.buffer[2 * PAGE - 8] == 'b' && ask.buffer[2 * PAGE - 7] == '.');
	cr_expect_eq(reads(0, 0, GUEST_USER), 0, "nothing can be read everywhere");
	root_expect_clean();
}

Test(guest_memory, writes_over_pages, .init = usual_guest)
{
	const char *first = physical_at(FIRST_PA), *second = physical_at(SECOND_PA);

	cr_expect_eq(writes(VA + PAGE - 1, 3, GUEST_USER), 0);
	cr_expect(first[PAGE - 2] == 'a' && first[PAGE - 1] == '.');
	cr_expect(second[0] == '.' && second[1] == '.' && second[2] == 'b');
	root_expect_clean();
}

/* The most there may be lies in five pages. */
Test(guest_memory, up_to_a_limit, .init = usual_guest)
{
	for (uint64_t i = 0; i < 6; i++)
		*entry_of(VA + i * PAGE, 1) = (FIRST_PA + i * PAGE) | ALL;
	fill(FIRST_PA + 4 * PAGE, 'e');
	cr_expect_eq(reads(VA + 1, GUEST_BYTES_MAX, GUEST_USER), 0);
	cr_expect(ask.buffer[0] == 'a' && ask.buffer[GUEST_BYTES_MAX - 1] == 'e');
	cr_expect_eq(reads(VA, GUEST_BYTES_MAX + 1, GUEST_USER), PLINTH_E_INVAL);
	cr_expect_eq(writes(VA, (size_t)-1, GUEST_USER), PLINTH_E_INVAL);
	cr_expect_eq(reads(~0ull - 3, 8, 0), PLINTH_E_INVAL, "beyond the last address");
}

static void expect_fault(int err, uint64_t va, uint32_t error)
{
	cr_expect_eq(err, PLINTH_E_FAULT);
	cr_expect_eq(ask.fault.va, va, "0x%llx", (unsigned long long)ask.fault.va);
	cr_expect_eq(ask.fault.error, error, "0x%x", ask.fault.error);
}

static void expect_untouched(void)
{
	cr_expect_eq(((char *)physical_at(FIRST_PA))[PAGE - 1], 'a');
	cr_expect_eq(ask.buffer[0], '.');
}

/* The second page is not there, or not so: nothing of the first one has been copied. */
Test(guest_memory, all_or_nothing, .init = usual_guest)
{
	*entry_of(VA + PAGE, 1) = SECOND_PA | PRESENT | USERS;
	expect_fault(writes(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, P | W | U);
	expect_untouched();
	*entry_of(VA + PAGE, 1) = 0;
	expect_fault(reads(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, U);
	expect_untouched();
	expect_fault(writes(VA + PAGE - 4, 8, 0), VA + PAGE, W);
	expect_untouched();
	*entry_of(VA + PAGE, 1) = DEVICE_PA | ALL;
	cr_expect_eq(writes(VA + PAGE - 4, 8, GUEST_USER), PLINTH_E_PERM);
	expect_untouched();
	cr_expect_eq(ask.fault.va, 0, "no page fault");
	root_expect_clean();
}

/* -- what is not the guest's ---------------------------------------------------------------------- */

static uint64_t pool_page(void)
{
	const struct space_region *pool = &machine.core->space[SPACE_POOL];

	return os_virt_to_phys((char *)pool->kernel + 8 * PAGE);
}

static void expect_refused(uint64_t pa)
{
	*entry_of(VA, 1) = pa | ALL;
	cr_expect_eq(translated(VA, GUEST_READ), 0, "where it is, is no secret");
	cr_expect_eq(reads(VA, 8, 0), PLINTH_E_PERM, "0x%llx", (unsigned long long)pa);
	cr_expect_eq(writes(VA, 8, GUEST_USER), PLINTH_E_PERM, "0x%llx", (unsigned long long)pa);
	*entry_of(VA, 1) = FIRST_PA | ALL;
	for (unsigned int level = 2; level <= 4; level++) {
		uint64_t *entry = entry_of(VA, level), before = *entry;

		*entry = pa | ALL;
		cr_expect_eq(translated(VA, GUEST_READ), PLINTH_E_PERM, "0x%llx is a table",
			     (unsigned long long)pa);
		*entry = before;
	}
	model.cpu[0].st.cr3 = pa;
	cr_expect_eq(translated(VA, GUEST_READ), PLINTH_E_PERM, "0x%llx is the top level",
		     (unsigned long long)pa);
	model.cpu[0].st.cr3 = TABLE(4);
}

Test(guest_memory, pages_of_the_vmm_are_refused, .init = usual_guest)
{
	expect_refused(pool_page());
	expect_refused(os_virt_to_phys(machine.core->space[SPACE_SHARED].kernel));
	expect_refused(machine.core->tables.root_pa);
	root_expect_clean();
}

Test(guest_memory, devices_are_refused, .init = usual_guest)
{
	expect_refused(DEVICE_PA);
	expect_refused(0xfee00000);
	expect_refused(0xb8000);
	root_expect_clean();
}

static uint32_t trapped;

static enum exit_action trap(struct vcpu *vcpu)
{
	(void)vcpu;
	ask.err = slat_trap(slat_host(), FIRST_PA, PAGE, trapped);
	return EXIT_NEXT;
}

static enum exit_action redirect(struct vcpu *vcpu)
{
	(void)vcpu;
	ask.err = slat_map(slat_host(), FIRST_PA, SECOND_PA, PAGE, SLAT_READ);
	return EXIT_NEXT;
}

Test(guest_memory, second_level_translation_decides, .init = usual_guest)
{
	trapped = SLAT_READ;
	in_root(trap);
	cr_expect_eq(ask.err, 0);
	cr_expect_eq(reads(VA, 8, GUEST_USER), 0);
	cr_expect_eq(writes(VA, 8, GUEST_USER), PLINTH_E_PERM);
	trapped = 0;
	in_root(trap);
	cr_expect_eq(reads(VA, 8, GUEST_USER), PLINTH_E_PERM);
	in_root(redirect);
	cr_expect_eq(reads(VA, 8, GUEST_USER), 0);
	cr_expect_eq(ask.buffer[0], 'b', "where it leads");
	cr_expect_eq(translated(VA, GUEST_READ), 0);
	cr_expect_eq(ask.gpa, FIRST_PA, "as the guest has it");
	cr_expect_eq(writes(VA, 8, 0), PLINTH_E_PERM);
}

static enum exit_action without_it(struct vcpu *vcpu)
{
	const struct slat *slat = vcpu_common.slat;

	vcpu_common.slat = NULL;
	ask.err = guest_translate(vcpu, VA, GUEST_READ, &ask.gpa, &ask.error);
	vcpu_common.slat = slat;
	return EXIT_NEXT;
}

/* Its registers are not there: no paging can be told from them. */
static enum exit_action not_current(struct vcpu *vcpu)
{
	static struct vcpu other;

	other = (struct vcpu){.guest = vcpu->guest};
	ask.err = guest_translate(&other, VA, GUEST_READ, &ask.gpa, &ask.error);
	return EXIT_NEXT;
}

Test(guest_memory, what_cannot_be_told, .init = usual_guest)
{
	in_root(without_it);
	cr_expect_eq(ask.err, PLINTH_E_NOTSUP);
	in_root(not_current);
	cr_expect_eq(ask.err, PLINTH_E_NOTSUP);
}

/* -- the page fault ----------------------------------------------------------------------------------- */

static enum exit_action inject(struct vcpu *vcpu)
{
	guest_inject_fault(vcpu, &ask.fault);
	return EXIT_RETRY;
}

Test(guest_memory, the_guest_gets_the_fault, .init = usual_guest)
{
	const uint64_t rip = model.cpu[0].rip;

	*entry_of(VA + PAGE, 1) = 0;
	expect_fault(writes(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, W | U);
	in_root(inject);
	root_expect_event(INFO_FAULT);
	cr_expect_eq(model.cpu[0].event.error, W | U);
	cr_expect_eq(model.cpu[0].st.cr2, VA + PAGE);
	cr_expect_eq(model.cpu[0].rip, rip + 1, "behind the write, and not behind this");
	root_expect_clean();
}
