/* SPDX-License-Identifier: MIT */
/* What the mock memory that the core's and the modules' tests use says of those who touch what is nobody's.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "mapping.h"
#include "memory.h"
#include "physical.h"
#include "backing.h"

#define SOMEWHERE 0x100000000000ull

/* The first life is guarded, the second is not. */
static void lives(unsigned int n)
{
	while (n--)
		memory_reset();
}

static volatile uint8_t *given_back(size_t pages)
{
	void *memory = memory_alloc(pages, 1);

	memory_free(memory, pages);
	return memory;
}

Test(core_memory, a_guarded_page_is_not_there, .signal = SIGSEGV)
{
	lives(1);
	cr_assert(backing_is_guarded());
	(void)given_back(3)[PHYSICAL_PAGE];
}

Test(core_memory, nor_is_what_is_behind, .signal = SIGSEGV)
{
	lives(1);
	((volatile uint8_t *)memory_alloc(2, 1))[2 * PHYSICAL_PAGE] = 1;
}

Test(core_memory, writes_are_found_when_it_is_given_out_again, .signal = SIGABRT)
{
	lives(2);
	cr_assert_not(backing_is_guarded());
	given_back(3)[2 * PHYSICAL_PAGE + 5] = 1;
	(void)memory_alloc(3, 1);
}

Test(core_memory, writes_are_found_at_the_next_power_on, .signal = SIGABRT)
{
	lives(2);
	given_back(1)[PHYSICAL_PAGE - 1] = 0;
	memory_reset();
}

Test(core_memory, as_are_those_behind, .signal = SIGABRT)
{
	lives(2);
	((volatile uint8_t *)memory_alloc(2, 1))[2 * PHYSICAL_PAGE] = 1;
	memory_reset();
}

Test(core_memory, whoever_keeps_to_it_hears_nothing)
{
	for (unsigned int life = 0; life < 100; life++) {
		uint8_t *first, *second;

		memory_reset();
		first = memory_alloc(3, 1);
		second = memory_alloc(1, 1);
		cr_expect(!first[0] && !second[PHYSICAL_PAGE - 1], "zeroed");
		memset(first, 0x55, 3 * PHYSICAL_PAGE);
		memset(second, 0x55, PHYSICAL_PAGE);
		memory_free(first, 3);
		memory_free(second, 1);
	}
}

/* -- what is mapped ---------------------------------------------------------------------------- */

static int file;
static uint64_t offset;

static void want(uint64_t page, uint64_t of, int prot)
{
	mapping_want(SOMEWHERE + page * PHYSICAL_PAGE, file, offset + of * PHYSICAL_PAGE, prot);
}

static uint8_t *mapped_at(uint64_t page)
{
	return (uint8_t *)SOMEWHERE + page * PHYSICAL_PAGE;
}

static bool is_there(uint64_t page)
{
	return !msync(mapped_at(page), PHYSICAL_PAGE, MS_ASYNC);
}

static uint8_t *six_pages(void)
{
	uint8_t *memory;

	lives(2);
	memory = memory_alloc(6, 1);
	for (unsigned int i = 0; i < 6; i++)
		memory[i * PHYSICAL_PAGE] = (uint8_t)(i + 1);
	cr_assert(physical_file(memory_pa(memory), &file, &offset));
	return memory;
}

Test(core_memory, another_address_space)
{
	six_pages();
	for (unsigned int i = 0; i < 4; i++)
		want(i, i, PROT_READ);
	mapping_enter();
	cr_expect_eq(*mapped_at(3), 4);
	want(1, 1, PROT_READ);
	want(2, 5, PROT_READ | PROT_WRITE);
	want(9, 0, PROT_READ);
	mapping_enter();
	cr_expect(!is_there(0) && !is_there(3));
	cr_expect(*mapped_at(1) == 2 && *mapped_at(2) == 6 && *mapped_at(9) == 1);
	*mapped_at(2) = 7;
	mapping_leave();
	cr_expect(!is_there(1) && !is_there(2) && !is_there(9));
}

Test(core_memory, pages_that_come_and_go)
{
	six_pages();
	for (unsigned int i = 0; i < 4; i++)
		want(i, i, PROT_READ);
	mapping_enter();
	mapping_forget(SOMEWHERE + PHYSICAL_PAGE);
	cr_expect(is_there(0) && !is_there(1) && is_there(2));
	mapping_page(SOMEWHERE + 2 * PHYSICAL_PAGE, file, offset + 5 * PHYSICAL_PAGE, PROT_READ);
	cr_expect_eq(*mapped_at(2), 6);
	for (unsigned int i = 0; i < 4; i++)
		want(i, i, PROT_READ);
	mapping_enter();
	for (unsigned int i = 0; i < 4; i++)
		cr_expect_eq(*mapped_at(i), i + 1);
}
