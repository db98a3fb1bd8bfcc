/* SPDX-License-Identifier: MIT */
/* Jump slots that are filled at the first call, by code that really runs. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <plinth/intrinsics.h>
#include <plinth/lazy.h>
#include <plinth/shared.h>

#include "sample.h"

void call_with_pattern(uint64_t target);

#define TEST_PAGES 64u
#define ENTRY	   0x8000000000000063ull /* present, writable, NX */

/* What a driver keeps for the binder, the tables out of its reach for writing. */
static struct {
	struct rtld_lazy lazy;
	struct plinth_lazy_use use;
	size_t tables_size;
	uint64_t entry[TEST_PAGES]; /* of the page tables */
	uint64_t *where[TEST_PAGES];
	uint64_t pages_va;
	uint32_t flushed;
} vmm;

/* The page-table entry has been changed: do what it says. */
void cpu_invlpg(uint64_t va)
{
	uint64_t page = (va - vmm.pages_va) / RTLD_PAGE;

	cr_assert_eq(vmm.entry[page], ENTRY & ~2ull);
	cr_assert_eq(mprotect((void *)va, RTLD_PAGE, PROT_READ), 0);
	__atomic_add_fetch(&vmm.flushed, 1, __ATOMIC_SEQ_CST);
}

static void *get_pages(size_t size)
{
	void *p = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(p, MAP_FAILED);
	return p;
}

static void give_memory(struct test_set *t)
{
	memset(&vmm, 0, sizeof(vmm));
	vmm.tables_size = rtld_lazy_tables(t->set);
	vmm.lazy = (struct rtld_lazy){
		.entry = (uintptr_t)lazy_entry,
		.tables = get_pages(vmm.tables_size),
		.states = get_pages(rtld_lazy_states(t->set)),
	};
	vmm.lazy.tables_run = (uintptr_t)vmm.lazy.tables;
	vmm.lazy.states_run = (uintptr_t)vmm.lazy.states;
	rtld_set_lazy(t->set, &vmm.lazy);
}

/* What rtld leaves to its caller: page-table entries and counters. */
static void complete(struct test_set *t)
{
	struct plinth_lazy_table *table = rtld_lazy_table(t->set, 1);
	uint64_t i;

	cr_assert_eq(!table, !rtld_is_lazy(t->set, 1));
	if (!table)
		return;
	cr_assert_leq(table->pages, TEST_PAGES);
	for (i = 0; i < table->pages; i++) {
		vmm.entry[i] = ENTRY;
		vmm.where[i] = &vmm.entry[i];
	}
	vmm.pages_va = table->pages_va;
	table->entries_va = (uintptr_t)vmm.where;
	table->use_va = (uintptr_t)&vmm.use;
	cr_assert_eq(mprotect(vmm.lazy.tables, vmm.tables_size, PROT_READ), 0);
}

static void protect(const struct test_set *t, uint32_t m)
{
	struct rtld_cursor at = {0};
	struct rtld_region r;

	while (rtld_next_region(t->set, m, &at, &r)) {
		int prot =
			PROT_READ | (r.perms & RTLD_W ? PROT_WRITE : 0) | (r.perms & RTLD_X ? PROT_EXEC : 0);

		cr_assert_eq(mprotect((void *)r.run, r.size, prot), 0);
	}
}

static void open_set(struct test_set *t, const char *caller, uint32_t flags)
{
	test_set_open(t, flags);
	cr_assert_eq(test_set_add(t, "many"), 0);
	cr_assert_eq(test_set_add(t, caller), 1);
	test_set_place_here(t);
	give_memory(t);
	cr_assert_eq(test_set_link(t), 0);
	complete(t);
	protect(t, 0);
	protect(t, 1);
}

/* The i-th jump slot of caller, as the file numbers them. */
static struct elf64_rela *slot_entry(const struct test_set *t, uint32_t i)
{
	const struct sample *s = &t->sample[1];

	return (struct elf64_rela *)sample_at(s, sample_dyn(s, 23)->value) + i;
}

static uint32_t slots(const struct test_set *t)
{
	return sample_dyn(&t->sample[1], 2)->value / sizeof(struct elf64_rela);
}

static uint64_t *slot(const struct test_set *t, uint32_t i)
{
	const struct rtld_info *info = rtld_info(t->set, 1);

	return (uint64_t *)(info->run - info->low + slot_entry(t, i)->offset);
}

static const char *slot_name(const struct test_set *t, uint32_t i)
{
	const struct sample *s = &t->sample[1];
	struct elf64_sym *sym = (void *)sample_at(s, sample_dyn(s, 6)->value);

	return (char *)sample_at(s, sample_dyn(s, 5)->value) + sym[slot_entry(t, i)->symbol].name;
}

/* Slots filled so far. */
static uint32_t filled(const struct test_set *t)
{
	uint32_t i, n = 0;

	for (i = 0; i < slots(t); i++)
		n += *slot(t, i) == test_set_look_up(t, slot_name(t, i));
	return n;
}

static long call(const struct test_set *t, const char *name, long x)
{
	return ((long (*)(long))test_set_look_up(t, name))(x);
}

Test(rtld_lazy, one_call_fills_one_slot)
{
	static const char *const callers[] = {"caller", "caller-lld"};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct test_set t;
		long direct;

		open_set(&t, callers[i], RTLD_LAZY_PLT);
		cr_expect(rtld_is_lazy(t.set, 1), "%s", callers[i]);
		cr_expect_not(rtld_is_lazy(t.set, 0));
		cr_expect_eq(filled(&t), 0);
		direct = call(&t, "many_100", 5);
		cr_expect_eq(call(&t, "caller_one", 5), direct);
		cr_expect_eq(filled(&t), 1);
		cr_expect_eq(call(&t, "caller_one", 5), direct);
		cr_expect_eq(filled(&t), 1);
		cr_expect_eq(vmm.use.sealed, 0);
		cr_expect_eq(vmm.use.bound, 1);
		test_set_close(&t);
	}
}

/* Both modes compute the same; and the last slot seals. */
Test(rtld_lazy, all_calls_seal)
{
	struct test_set eager, t;
	struct rtld_region r;

	open_set(&eager, "caller", 0);
	cr_expect_not(rtld_is_lazy(eager.set, 1));
	cr_expect_eq(filled(&eager), slots(&eager));
	cr_expect_not(rtld_lazy_region(eager.set, 1, &r));
	open_set(&t, "caller", RTLD_LAZY_PLT);
	cr_expect_eq(call(&t, "caller_all", 7), call(&eager, "caller_all", 7));
	cr_expect_eq(filled(&t), slots(&t) - 1);
	cr_expect_eq(vmm.flushed, 0);
	((void (*)(void))test_set_look_up(&t, "caller_rest"))();
	cr_expect_eq(filled(&t), slots(&t));
	cr_assert(rtld_lazy_region(t.set, 1, &r));
	cr_expect_eq(vmm.flushed, r.size / RTLD_PAGE);
	cr_expect_eq(vmm.use.sealed, vmm.flushed);
	cr_expect_eq(vmm.use.bound, slots(&t));
	cr_expect_eq(call(&t, "caller_all", 7), call(&eager, "caller_all", 7));
	cr_expect_eq(vmm.flushed, r.size / RTLD_PAGE);
	cr_expect_eq(r.perms, RTLD_R);
	cr_expect_geq((uint64_t)slot(&t, slots(&t) - 1), r.run);
	cr_expect_eq(r.size % RTLD_PAGE, 0);
	test_set_close(&t);
	test_set_close(&eager);
}

/* Everything but r11 arrives as it was sent, the first time and the second. */
Test(rtld_lazy, registers)
{
	uint64_t *registers, target = 0, first[16];
	struct test_set t;
	uint32_t i, k;

	open_set(&t, "caller", RTLD_LAZY_PLT);
	registers = (uint64_t *)test_set_look_up(&t, "many_registers");
	for (i = 0; i < slots(&t); i++)
		if (!strcmp(slot_name(&t, i), "many_spy"))
			target = *slot(&t, i);
	cr_assert_neq(target, test_set_look_up(&t, "many_spy"), "a PLT entry");
	call_with_pattern(target);
	memcpy(first, registers, sizeof(first));
	for (k = 0; k < 14; k++)
		cr_expect_eq(first[k], 0x1000000000000001 + k, "register %u", k);
	/* CF PF AF ZF SF DF OF as set, no TF. */
	cr_expect_eq(first[14] & 0xdd5, 0xcd5, "flags %#lx", first[14]);
	memset(registers, 0, sizeof(first));
	call_with_pattern(test_set_look_up(&t, "many_spy"));
	cr_expect_arr_eq(first, registers, sizeof(first), "as a direct call");
	test_set_close(&t);
}

struct racer {
	const struct test_set *t;
	pthread_barrier_t *start;
	uint64_t result;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	r->result = (uint64_t)call(r->t, "caller_all", 11);
	((void (*)(void))test_set_look_up(r->t, "caller_rest"))();
	r->result += (uint64_t)call(r->t, "caller_all", 11);
	return NULL;
}

/* Two threads go through all slots at once; the loser must not write after the seal. */
Test(rtld_lazy, two_at_once)
{
	int round, i;

	for (round = 0; round < 200; round++) {
		pthread_barrier_t start;
		struct racer racer[2];
		pthread_t thread[2];
		struct test_set t;

		open_set(&t, "caller", RTLD_LAZY_PLT);
		pthread_barrier_init(&start, NULL, 2);
		for (i = 0; i < 2; i++) {
			racer[i] = (struct racer){&t, &start, 0};
			pthread_create(&thread[i], NULL, race, &racer[i]);
		}
		for (i = 0; i < 2; i++)
			pthread_join(thread[i], NULL);
		cr_assert_eq(racer[0].result, racer[1].result);
		cr_assert_eq(filled(&t), slots(&t), "round %d", round);
		cr_assert_eq(vmm.flushed, vmm.use.sealed, "round %d", round);
		cr_assert_eq(vmm.use.bound, slots(&t), "round %d", round);
		pthread_barrier_destroy(&start);
		test_set_close(&t);
	}
}

/* Modules that are not made for it are linked as ever. */
Test(rtld_lazy, not_for_all)
{
	static const char *const callers[] = {"caller-now", "caller-noplt"};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct test_set t, eager;

		open_set(&t, callers[i], RTLD_LAZY_PLT);
		cr_expect_not(rtld_is_lazy(t.set, 1), "%s", callers[i]);
		open_set(&eager, "caller", 0);
		cr_expect_eq(call(&t, "caller_all", 3), call(&eager, "caller_all", 3));
		test_set_close(&t);
		test_set_close(&eager);
	}
}

/* A slot that leads into data is no lazy slot. */
Test(rtld_lazy, slot_into_data)
{
	struct test_set t;
	struct sample s;
	struct elf64_rela *r;

	sample_load(&s, "caller");
	r = (struct elf64_rela *)sample_at(&s, sample_dyn(&s, 23)->value);
	*(uint64_t *)sample_at(&s, r[3].offset) = r[3].offset;
	test_set_open(&t, RTLD_LAZY_PLT);
	cr_assert_eq(test_set_add(&t, "many"), 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 1);
	test_set_place_here(&t);
	give_memory(&t);
	cr_assert_eq(test_set_link(&t), 0);
	complete(&t);
	cr_expect_not(rtld_is_lazy(t.set, 1));
	cr_expect_eq(filled(&t), slots(&t));
	sample_free(&s);
	test_set_close(&t);
}

/* With a PT_LOAD of their own all pages of slots are sealed; else the one with data is not. */
Test(rtld_lazy, own_segment)
{
	static const char *const callers[] = {"caller-own", "caller-own-lld"};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct test_set t;
		struct rtld_region r;

		open_set(&t, callers[i], RTLD_LAZY_PLT);
		cr_assert(rtld_lazy_region(t.set, 1, &r), "%s", callers[i]);
		cr_expect_leq(r.run, (uint64_t)slot(&t, 0));
		cr_expect_gt(r.run + r.size, (uint64_t)slot(&t, slots(&t) - 1));
		call(&t, "caller_all", 7);
		((void (*)(void))test_set_look_up(&t, "caller_rest"))();
		cr_expect_eq(filled(&t), slots(&t));
		cr_expect_eq(vmm.flushed, r.size / RTLD_PAGE);
		test_set_close(&t);
	}
}

/* One byte more than the slots in that PT_LOAD, and it is data that must stay writable. */
Test(rtld_lazy, not_quite_own)
{
	struct elf64_phdr *last;
	struct rtld_region r;
	struct test_set t;
	struct sample s;
	uint64_t end;

	sample_load(&s, "caller-own");
	last = sample_phdr(&s, 1, 3);
	end = last->vaddr + last->memsz;
	last->memsz++;
	test_set_open(&t, RTLD_LAZY_PLT);
	cr_assert_eq(test_set_add(&t, "many"), 0);
	cr_assert_eq(test_set_add_sample(&t, &s), 1);
	test_set_place_here(&t);
	cr_assert(rtld_is_lazy(t.set, 1));
	if (rtld_lazy_region(t.set, 1, &r))
		cr_expect_leq(r.run + r.size, end + rtld_info(t.set, 1)->run - rtld_info(t.set, 1)->low);
	sample_free(&s);
	test_set_close(&t);
}
