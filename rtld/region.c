/* SPDX-License-Identifier: MIT */
/* Which pages want which permissions. */
#include "internal.h"

struct cut {
	uint64_t start, end;   /* pages of the segment */
	uint64_t seal, unseal; /* of these, the sealed ones */
};

/* Pages before `floor` belong to an earlier segment of the same permissions. */
static uint64_t pages_end(const struct rtld_module *m, uint32_t k)
{
	uint64_t end = 0;
	uint32_t i;

	for (i = 0; i < k; i++)
		if (m->segment[i].memsz)
			end = rtld_page_ceil(m->segment[i].vaddr + m->segment[i].memsz);
	return end;
}

static uint64_t clamp(uint64_t n, uint64_t low, uint64_t high)
{
	return n < low ? low : n > high ? high : n;
}

/*
 * Only whole pages can be sealed. A page at either edge of RELRO is sealed too
 * if the segment has nothing else on it.
 */
static void cut_relro(const struct rtld_module *m, const struct rtld_segment *s, uint32_t k, struct cut *c)
{
	uint64_t start = m->relro.start, end = start + m->relro.size;
	uint64_t last = s->vaddr + s->memsz;
	bool alone = k + 1 == m->info.segments || m->segment[k + 1].vaddr >= rtld_page_ceil(last);

	c->seal = c->unseal = c->start;
	if (!m->relro.size || !(s->flags & PF_W) || start < s->vaddr || start >= rtld_page_ceil(last))
		return;
	start = start == s->vaddr ? c->start : rtld_page_ceil(start);
	end = end >= last && alone ? c->end : rtld_page_floor(end);
	c->seal = clamp(start, c->start, c->end);
	c->unseal = clamp(end, c->seal, c->end);
}

static struct cut cut_segment(const struct rtld_module *m, uint32_t k)
{
	const struct rtld_segment *s = &m->segment[k];
	uint64_t before = pages_end(m, k);
	struct cut c;

	c.start = rtld_page_floor(s->vaddr);
	if (c.start < before)
		c.start = before;
	c.end = s->memsz ? rtld_page_ceil(s->vaddr + s->memsz) : c.start;
	cut_relro(m, s, k, &c);
	return c;
}

/* Each segment has three parts, any of which may be empty. */
static uint64_t take_part(const struct rtld_module *m, uint32_t number, struct rtld_region *out)
{
	struct cut c = cut_segment(m, number / 3);
	uint32_t part = number % 3;
	uint64_t edge[4] = {c.start, c.seal, c.unseal, c.end};
	uint64_t start = edge[part];

	*out = (struct rtld_region){
		.run = start + m->bias,
		.write = m->info.write ? m->info.write + (start - m->info.low) : NULL,
		.size = edge[part + 1] - start,
		.perms = m->segment[number / 3].flags,
		.sealed = part == 1,
	};
	if (out->sealed)
		out->perms &= ~RTLD_W;
	return out->size;
}

bool rtld_next_region(const struct rtld_set *set, uint32_t module, struct rtld_cursor *at,
		      struct rtld_region *out)
{
	const struct rtld_module *m;

	if (module >= set->count)
		return false;
	m = &set->module[module];
	while (at->index < 3 * m->info.segments)
		if (take_part(m, at->index++, out))
			return true;
	return false;
}
