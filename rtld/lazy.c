/* SPDX-License-Identifier: MIT */
/*
 * Jump slots that are filled at the first call (RTLD_LAZY_PLT). Every name is bound
 * by rtld_resolve() all the same, so the first call cannot fail; what is deferred is
 * the write. The binder is not here: it needs the tables only (include/plinth/lazy.h).
 * Source: psABI x86-64, "Procedure Linkage Table".
 */
#include <string.h>

#include <plinth/lazy.h>

#include "internal.h"

#define DF_BIND_NOW 8u
#define DF_1_NOW    1u
#define GOT_HEADER  24u /* bytes before the first slot */

/* Checking and preparing a slot, and for each PT_LOAD it or its entry may be in. */
#define SLOT_STEPS    24u
#define SEGMENT_STEPS 6u

static bool wants_now(const struct rtld_module *m)
{
	return rtld_has(m, RTLD_DT_BIND_NOW) || m->tag[RTLD_DT_FLAGS] & DF_BIND_NOW ||
	       m->tag[RTLD_DT_FLAGS_1] & DF_1_NOW;
}

/* Does the slot hold, in the file, the address of an own PLT entry? */
static bool is_lazy_slot(const struct rtld_module *m, uint64_t vaddr)
{
	const struct rtld_segment *s;
	const void *at = rtld_view(m, vaddr, 8);
	uint64_t stub;

	if (!at || vaddr - m->relro.start < m->relro.size)
		return false;
	memcpy(&stub, at, sizeof(stub));
	s = rtld_segment_of(m, stub, 1);
	return s && s->flags & PF_X;
}

/*
 * Slots must ascend: then no two entries have the same, and they are a range.
 * The two words behind DT_PLTGOT are for us; see psABI.
 */
static bool can_be_lazy(struct rtld_module *m, int *err)
{
	uint64_t got = m->tag[RTLD_DT_PLTGOT], before = 0;
	uint32_t i;

	if (!m->jmprels || !rtld_has(m, RTLD_DT_PLTGOT) || wants_now(m) || !rtld_is_target(m, got + 8) ||
	    !rtld_is_target(m, got + 16))
		return false;
	for (i = 0; i < m->jmprels; i++) {
		uint64_t at = m->jmprel[i].offset;

		*err = rtld_pay(m, SLOT_STEPS + SEGMENT_STEPS * m->info.segments);
		if (*err || at <= before || at - got < GOT_HEADER || !is_lazy_slot(m, at))
			return false;
		before = at;
	}
	return true;
}

int rtld_choose_lazy(struct rtld_module *m)
{
	struct rtld_set *set = m->set;
	int err = 0;

	m->lazy = can_be_lazy(m, &err);
	if (!m->lazy)
		return err;
	m->lazy_table = set->lazy_tables;
	m->lazy_state = set->lazy_states;
	set->lazy_tables += sizeof(struct plinth_lazy_table) + m->jmprels * sizeof(struct plinth_lazy_slot);
	set->lazy_states += (sizeof(uint32_t) + m->jmprels + 7) / 8 * 8;
	return 0;
}

static void write_table(const struct rtld_module *m, const struct rtld_lazy *lazy)
{
	struct plinth_lazy_table *table = rtld_lazy_table(m->set, m->place);
	struct plinth_lazy_slot *slot = (struct plinth_lazy_slot *)(table + 1);
	uint64_t state = lazy->states_run + m->lazy_state;
	struct rtld_region pages = {0};
	uint32_t i;

	rtld_lazy_region(m->set, m->place, &pages);
	*table = (struct plinth_lazy_table){
		.slots = m->jmprels,
		.slots_va = lazy->tables_run + m->lazy_table + sizeof(*table),
		.claimed_va = state + sizeof(uint32_t),
		.bound_va = state,
		.pages_va = pages.run,
		.pages = pages.size / RTLD_PAGE,
	};
	for (i = 0; i < m->jmprels; i++) {
		slot[i].at = m->jmprel[i].offset + m->bias;
		slot[i].value = m->value[m->relas - m->relatives + i];
	}
	memset((uint8_t *)lazy->states + m->lazy_state, 0, sizeof(uint32_t) + m->jmprels);
}

void rtld_prepare_lazy(const struct rtld_module *m)
{
	const struct elf64_rela *r = m->jmprel, *end = r + m->jmprels;
	const struct rtld_lazy *lazy = m->set->lazy;
	uintptr_t alias = (uintptr_t)m->info.write - m->info.low;
	uint64_t *got = (uint64_t *)(alias + m->tag[RTLD_DT_PLTGOT]);

	for (; r < end; r++)
		*(uint64_t *)(alias + r->offset) += m->bias;
	if (!lazy)
		return;
	write_table(m, lazy);
	got[1] = lazy->tables_run + m->lazy_table;
	got[2] = lazy->entry;
}

void rtld_set_lazy(struct rtld_set *set, const struct rtld_lazy *lazy)
{
	set->lazy = lazy;
}

size_t rtld_lazy_tables(const struct rtld_set *set)
{
	return set->lazy_tables;
}

size_t rtld_lazy_states(const struct rtld_set *set)
{
	return set->lazy_states;
}

struct plinth_lazy_table *rtld_lazy_table(const struct rtld_set *set, uint32_t module)
{
	if (!set->lazy || !rtld_is_lazy(set, module))
		return NULL;
	return (struct plinth_lazy_table *)((uint8_t *)set->lazy->tables + set->module[module].lazy_table);
}

bool rtld_is_lazy(const struct rtld_set *set, uint32_t module)
{
	return module < set->count && set->module[module].lazy;
}

uint32_t rtld_jump_slots(const struct rtld_set *set, uint32_t module)
{
	return module < set->count ? set->module[module].jmprels : 0;
}

/* Is the PT_LOAD with the slots for nothing else, and alone in its pages? */
static bool has_own_segment(const struct rtld_module *m, uint64_t first, uint64_t end)
{
	const struct rtld_segment *own = rtld_segment_of(m, first, end - first);
	uint64_t got = m->tag[RTLD_DT_PLTGOT];
	uint32_t k;

	if (!own || own->vaddr < got || first != got + GOT_HEADER || own->vaddr + own->memsz > end)
		return false;
	for (k = 0; k < m->info.segments; k++) {
		const struct rtld_segment *s = &m->segment[k];

		if (s != own && s->memsz && rtld_page_floor(s->vaddr) < rtld_page_ceil(end) &&
		    rtld_page_ceil(s->vaddr + s->memsz) > rtld_page_floor(own->vaddr))
			return false;
	}
	return true;
}

bool rtld_lazy_region(const struct rtld_set *set, uint32_t module, struct rtld_region *out)
{
	const struct rtld_module *m;
	uint64_t first, last, start, end;

	if (!rtld_is_lazy(set, module))
		return false;
	m = &set->module[module];
	first = m->jmprel[0].offset;
	last = m->jmprel[m->jmprels - 1].offset + 8;
	/* Ascending by eight all the way, or there is something in between. */
	if (last - first != 8ull * m->jmprels)
		return false;
	if (has_own_segment(m, first, last)) {
		start = rtld_page_floor(first);
		end = rtld_page_ceil(last);
	} else {
		start = rtld_page_ceil(first);
		end = rtld_page_floor(last);
	}
	if (start >= end)
		return false;
	*out = (struct rtld_region){
		.run = start + m->bias,
		.write = m->info.write + (start - m->info.low),
		.size = end - start,
		.perms = RTLD_R,
		.sealed = true,
	};
	return true;
}
