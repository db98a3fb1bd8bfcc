/* SPDX-License-Identifier: MIT */
/* The guest's memory is copied from and to: over pages, all or nothing, and nothing that is not the guest's.
 */
#include <string.h>

#include <plinth/slat.h>

#include "drivers/common/internal.h"
#include "guest_tables.h"
#include "modules/vcpu/internal.h"

#define INFO_FAULT 0x80000b0eu

static struct {
	uint64_t va;
	uint32_t access;
	size_t bytes;
	bool is_write;
	int err;
	struct guest_fault fault;
	char buffer[GUEST_BYTES_MAX + PAGE];
} ask;

static enum exit_action copy(struct vcpu *vcpu)
{
	ask.err = ask.is_write ? guest_write(vcpu, ask.va, ask.buffer, ask.bytes, ask.access, &ask.fault)
			       : guest_read(vcpu, ask.va, ask.buffer, ask.bytes, ask.access, &ask.fault);
	return EXIT_NEXT;
}

static int copied(bool is_write, uint64_t va, size_t bytes, uint32_t access)
{
	ask.va = va;
	ask.access = access;
	ask.bytes = bytes;
	ask.is_write = is_write;
	ask.fault = (struct guest_fault){0};
	memset(ask.buffer, '.', sizeof(ask.buffer));
	tables_in_root(copy);
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

/* -- copies --------------------------------------------------------------------------------------- */

Test(guest_memory, reads_over_pages, .init = tables_usual_guest)
{
	cr_expect_eq(reads(VA + PAGE - 3, 5, GUEST_USER), 0);
	cr_expect_eq(memcmp(ask.buffer, "aaabb.", 6), 0, "%.6s", ask.buffer);
	cr_expect_eq(reads(VA + 7, 2 * PAGE - 7, 0), 0);
	cr_expect(ask.buffer[PAGE - 8] == 'a' && ask.buffer[PAGE - 7] == 'b');
	cr_expect(ask.buffer[2 * PAGE - 8] == 'b' && ask.buffer[2 * PAGE - 7] == '.');
	cr_expect_eq(reads(0, 0, GUEST_USER), 0, "nothing can be read everywhere");
	root_expect_clean();
}

Test(guest_memory, writes_over_pages, .init = tables_usual_guest)
{
	const char *first = physical_at(FIRST_PA), *second = physical_at(SECOND_PA);

	cr_expect_eq(writes(VA + PAGE - 1, 3, GUEST_USER), 0);
	cr_expect(first[PAGE - 2] == 'a' && first[PAGE - 1] == '.');
	cr_expect(second[0] == '.' && second[1] == '.' && second[2] == 'b');
	root_expect_clean();
}

/* The most there may be lies in five pages. */
Test(guest_memory, up_to_a_limit, .init = tables_usual_guest)
{
	for (uint64_t i = 0; i < 6; i++)
		*tables_entry(VA + i * PAGE, 1) = (FIRST_PA + i * PAGE) | ALL;
	tables_fill(FIRST_PA + 4 * PAGE, 'e');
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
Test(guest_memory, all_or_nothing, .init = tables_usual_guest)
{
	*tables_entry(VA + PAGE, 1) = SECOND_PA | PRESENT | USERS;
	expect_fault(writes(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, P | W | U);
	expect_untouched();
	*tables_entry(VA + PAGE, 1) = 0;
	expect_fault(reads(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, U);
	expect_untouched();
	expect_fault(writes(VA + PAGE - 4, 8, 0), VA + PAGE, W);
	expect_untouched();
	*tables_entry(VA + PAGE, 1) = DEVICE_PA | ALL;
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
	*tables_entry(VA, 1) = pa | ALL;
	cr_expect_eq(tables_translate(VA, GUEST_READ), 0, "where it is, is no secret");
	cr_expect_eq(reads(VA, 8, 0), PLINTH_E_PERM, "0x%llx", (unsigned long long)pa);
	cr_expect_eq(writes(VA, 8, GUEST_USER), PLINTH_E_PERM, "0x%llx", (unsigned long long)pa);
	*tables_entry(VA, 1) = FIRST_PA | ALL;
	for (unsigned int level = 2; level <= 4; level++) {
		uint64_t *entry = tables_entry(VA, level), before = *entry;

		*entry = pa | ALL;
		cr_expect_eq(tables_translate(VA, GUEST_READ), PLINTH_E_PERM, "0x%llx is a table",
			     (unsigned long long)pa);
		*entry = before;
	}
	model.cpu[0].st.cr3 = pa;
	cr_expect_eq(tables_translate(VA, GUEST_READ), PLINTH_E_PERM, "0x%llx is the top level",
		     (unsigned long long)pa);
	model.cpu[0].st.cr3 = TABLE(4);
}

Test(guest_memory, pages_of_the_vmm_are_refused, .init = tables_usual_guest)
{
	expect_refused(pool_page());
	expect_refused(os_virt_to_phys(machine.core->space[SPACE_SHARED].kernel));
	expect_refused(machine.core->tables.root_pa);
	root_expect_clean();
}

Test(guest_memory, devices_are_refused, .init = tables_usual_guest)
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

Test(guest_memory, second_level_translation_decides, .init = tables_usual_guest)
{
	trapped = SLAT_READ;
	tables_in_root(trap);
	cr_expect_eq(ask.err, 0);
	cr_expect_eq(reads(VA, 8, GUEST_USER), 0);
	cr_expect_eq(writes(VA, 8, GUEST_USER), PLINTH_E_PERM);
	trapped = 0;
	tables_in_root(trap);
	cr_expect_eq(reads(VA, 8, GUEST_USER), PLINTH_E_PERM);
	tables_in_root(redirect);
	cr_expect_eq(reads(VA, 8, GUEST_USER), 0);
	cr_expect_eq(ask.buffer[0], 'b', "where it leads");
	cr_expect_eq(tables_translate(VA, GUEST_READ), 0);
	cr_expect_eq(translated.gpa, FIRST_PA, "as the guest has it");
	cr_expect_eq(writes(VA, 8, 0), PLINTH_E_PERM);
}

/* -- the page fault ----------------------------------------------------------------------------------- */

static enum exit_action inject(struct vcpu *vcpu)
{
	guest_inject_fault(vcpu, &ask.fault);
	return EXIT_RETRY;
}

Test(guest_memory, the_guest_gets_the_fault, .init = tables_usual_guest)
{
	const uint64_t rip = model.cpu[0].rip;

	*tables_entry(VA + PAGE, 1) = 0;
	expect_fault(writes(VA + PAGE - 4, 8, GUEST_USER), VA + PAGE, W | U);
	tables_in_root(inject);
	root_expect_event(INFO_FAULT);
	cr_expect_eq(model.cpu[0].event.error, W | U);
	cr_expect_eq(model.cpu[0].st.cr2, VA + PAGE);
	cr_expect_eq(model.cpu[0].rip, rip + 1, "behind the write, and not behind this");
	root_expect_clean();
}
