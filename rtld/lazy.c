/* SPDX-License-Identifier: MIT */
/*
 * Jump slots that are filled at the first call (RTLD_LAZY_PLT). Every name has been
 * bound by rtld_resolve() all the same, so the first call cannot fail; what is
 * deferred is the write. Source: psABI x86-64, "Procedure Linkage Table".
 */
#include <string.h>

#include "internal.h"

#define DF_BIND_NOW	8u
#define DF_1_NOW	1u

static bool wants_now(const struct rtld_module *m)
{
	return rtld_has(m, RTLD_DT_BIND_NOW) ||
	       m->tag[RTLD_DT_FLAGS] & DF_BIND_NOW ||
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
static bool can_be_lazy(const struct rtld_module *m)
{
	uint64_t got = m->tag[RTLD_DT_PLTGOT], before = 0;
	uint32_t i;

	if (!m->jmprels || !rtld_has(m, RTLD_DT_PLTGOT) || wants_now(m) ||
	    !rtld_is_target(m, got + 8) || !rtld_is_target(m, got + 16))
		return false;
	for (i = 0; i < m->jmprels; i++) {
		uint64_t at = m->jmprel[i].offset;

		if (at <= before || at - got < 24 || !is_lazy_slot(m, at))
			return false;
		before = at;
	}
	return true;
}

void rtld_choose_lazy(struct rtld_set *set)
{
	uint8_t *claimed = set->claimed;
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		struct rtld_module *m = &set->module[i];

		m->lazy = set->flags & RTLD_LAZY_PLT && can_be_lazy(m);
		m->claimed = claimed;
		m->bound = 0;
		if (!m->lazy)
			continue;
		memset(claimed, 0, m->jmprels);
		claimed += m->jmprels;
	}
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
	got[1] = (uintptr_t)m;
	got[2] = lazy->entry;
}

void rtld_set_lazy(struct rtld_set *set, const struct rtld_lazy *lazy)
{
	set->lazy = lazy;
}

bool rtld_is_lazy(const struct rtld_set *set, uint32_t module)
{
	return module < set->count && set->module[module].lazy;
}

/*
 * Who claims a slot writes it, once; others go where it will lead. So when as
 * many have been counted as there are slots, nobody writes any more.
 */
uint64_t rtld_lazy_bind(struct rtld_module *m, uint64_t index)
{
	const struct rtld_lazy *lazy = m->set->lazy;
	uint64_t value;

	if (index >= m->jmprels)
		__builtin_trap();	/* no PLT entry of a linker */
	value = rtld_provided(m->set, m->bind[m->jmprel[index].symbol]);
	if (__atomic_exchange_n(&m->claimed[index], 1, __ATOMIC_RELAXED))
		return value;
	__atomic_store_n((uint64_t *)(m->jmprel[index].offset + m->bias),
			 value, __ATOMIC_RELEASE);
	if (__atomic_add_fetch(&m->bound, 1, __ATOMIC_ACQ_REL) == m->jmprels &&
	    lazy->seal)
		lazy->seal(lazy->context, m->set, m->place);
	return value;
}

bool rtld_lazy_region(const struct rtld_set *set, uint32_t module,
		      struct rtld_region *out)
{
	const struct rtld_module *m;
	uint64_t start, end;

	if (!rtld_is_lazy(set, module))
		return false;
	m = &set->module[module];
	start = rtld_page_ceil(m->jmprel[0].offset);
	end = rtld_page_floor(m->jmprel[m->jmprels - 1].offset + 8);
	/* Ascending by eight all the way, or there is something in between. */
	if (start >= end || m->jmprel[m->jmprels - 1].offset -
	    m->jmprel[0].offset != 8ull * (m->jmprels - 1))
		return false;
	*out = (struct rtld_region){
		.run = start + m->bias,
		.write = m->info.write + (start - m->info.low),
		.size = end - start, .perms = RTLD_R, .sealed = true,
	};
	return true;
}
