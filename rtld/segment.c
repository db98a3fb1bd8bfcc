/* SPDX-License-Identifier: MIT */
/* Program headers (gABI, "Program Header"): what goes where in memory, and where that is in the file. */
#include "internal.h"

#define COPIED_BYTES 16u /* in a step, see link.c */

static int fail_segment(struct rtld_module *m, enum rtld_check check, uint32_t i, uint64_t value,
			uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_PHDR, i, value, limit);
}

/* Everything about one PT_LOAD that needs no other. */
static int check_load(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];
	uint64_t size = m->info.file_size;
	uint64_t last = UINT64_MAX - RTLD_PAGE;

	if (p->flags & ~(PF_R | PF_W | PF_X))
		return fail_segment(m, RTLD_LOAD_FLAGS, i, p->flags, 7);
	if ((p->flags & PF_W) && (p->flags & PF_X))
		return fail_segment(m, RTLD_LOAD_WX, i, p->flags, 0);
	if (p->filesz > p->memsz)
		return fail_segment(m, RTLD_LOAD_FILESZ, i, p->filesz, p->memsz);
	if (p->offset > size || p->filesz > size - p->offset)
		return fail_segment(m, RTLD_LOAD_RANGE, i, p->offset, size);
	if (p->vaddr > last || p->memsz > last - p->vaddr)
		return fail_segment(m, RTLD_LOAD_WRAP, i, p->vaddr, last);
	if (p->align & (p->align - 1) || p->align > RTLD_MAX_ALIGN)
		return fail_segment(m, RTLD_LOAD_ALIGN, i, p->align, RTLD_MAX_ALIGN);
	if (p->align && (p->vaddr - p->offset) & (p->align - 1))
		return fail_segment(m, RTLD_LOAD_CONGRUENT, i, p->vaddr, p->align);
	return 0;
}

/* The same page must not want two sets of permissions. */
static int check_neighbour(struct rtld_module *m, uint32_t i, const struct rtld_segment *before)
{
	const struct elf64_phdr *p = &m->phdr[i];
	uint64_t end = before->vaddr + before->memsz;

	if (p->vaddr < end)
		return fail_segment(m, RTLD_LOAD_ORDER, i, p->vaddr, end);
	if (before->memsz && p->memsz && before->flags != p->flags &&
	    rtld_page_floor(p->vaddr) < rtld_page_ceil(end))
		return fail_segment(m, RTLD_LOAD_PAGE, i, p->vaddr, rtld_page_ceil(end));
	return 0;
}

static void keep_load(struct rtld_module *m, const struct elf64_phdr *p)
{
	m->segment[m->info.segments++] = (struct rtld_segment){
		.vaddr = p->vaddr,
		.memsz = p->memsz,
		.filesz = p->filesz,
		.offset = p->offset,
		.flags = p->flags,
	};
	if (p->flags & PF_W)
		m->target[m->targets++] = (struct rtld_range){p->vaddr, p->memsz};
	if (p->align > m->info.align)
		m->info.align = p->align;
}

static int add_load(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];
	uint32_t n = m->info.segments;
	uint64_t size;
	int err = check_load(m, i);

	if (err)
		return err;
	if (n == RTLD_MAX_SEGMENTS)
		return fail_segment(m, RTLD_LOAD_MANY, i, n + 1, n);
	if (n) {
		/* An empty PT_LOAD takes no page, so look past it too. */
		err = check_neighbour(m, i, &m->segment[n - 1]);
		while (!err && n-- > 1 && !m->segment[n].memsz)
			err = check_neighbour(m, i, &m->segment[n - 1]);
		if (err)
			return err;
	} else {
		m->info.low = rtld_page_floor(p->vaddr);
	}
	size = rtld_page_ceil(p->vaddr + p->memsz) - m->info.low;
	if (size > RTLD_MAX_IMAGE)
		return fail_segment(m, RTLD_LOAD_SIZE, i, size, RTLD_MAX_IMAGE);
	m->info.image_size = size;
	keep_load(m, p);
	/* PT_LOADs may have the same bytes of the file. */
	return rtld_pay(m, p->filesz / COPIED_BYTES);
}

/* Put RELRO and PT_DYNAMIC, which must lie in a PT_LOAD, where they belong. */
static int check_relro(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];
	uint32_t k;

	for (k = 0; k < m->info.segments; k++) {
		const struct rtld_segment *s = &m->segment[k];
		uint64_t end = rtld_page_ceil(s->vaddr + s->memsz);
		uint64_t room = end - p->vaddr;

		if (!(s->flags & PF_W) || p->vaddr < s->vaddr || p->vaddr >= end)
			continue;
		/*
		 * lld lets RELRO reach to the end of the last page, and less than a page further
		 * where it takes pages for larger. There only whole pages count: none.
		 */
		if (p->memsz > room && p->memsz - room >= RTLD_PAGE)
			continue;
		m->relro = (struct rtld_range){p->vaddr, p->memsz < room ? p->memsz : room};
		return 0;
	}
	return p->memsz ? fail_segment(m, RTLD_RELRO_PLACE, i, p->vaddr, p->memsz) : 0;
}

static int check_dynamic(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];
	const uint8_t *at = rtld_view(m, p->vaddr, p->memsz);

	if (!p->memsz || p->memsz % sizeof(struct elf64_dyn) || p->filesz != p->memsz)
		return fail_segment(m, RTLD_DYNAMIC_SIZE, i, p->filesz, p->memsz);
	if (!at || p->vaddr % 8 || (uintptr_t)at % 8 || (uint64_t)(at - m->info.bytes) != p->offset)
		return fail_segment(m, RTLD_DYNAMIC_PLACE, i, p->vaddr, p->offset);
	m->dynamic = (struct rtld_range){p->vaddr, p->memsz};
	m->dyn = (const void *)at;
	return 0;
}

/* First all PT_LOADs, because the others are checked against them. */
static int check_loads(struct rtld_module *m)
{
	const struct elf64_phdr *p = m->phdr, *end = p + m->phdrs;
	int err;

	for (; p < end; p++) {
		if (p->type != PT_LOAD)
			continue;
		err = add_load(m, p - m->phdr);
		if (err)
			return err;
	}
	return m->info.image_size ? 0 : fail_segment(m, RTLD_LOAD_NONE, 0, 0, 0);
}

static int check_other(struct rtld_module *m, uint32_t i)
{
	const struct elf64_phdr *p = &m->phdr[i];

	switch (p->type) {
	case PT_TLS: return fail_segment(m, RTLD_PHDR_TLS, i, p->memsz, 0);
	case PT_INTERP: return fail_segment(m, RTLD_PHDR_INTERP, i, 0, 0);
	case PT_GNU_STACK:
		if (p->flags & PF_X)
			return fail_segment(m, RTLD_STACK_EXEC, i, p->flags, 0);
		return 0;
	case PT_DYNAMIC: return check_dynamic(m, i);
	case PT_GNU_RELRO: return check_relro(m, i);
	default: return 0;
	}
}

/* Of the types that may occur once: which is it? */
static int once(uint32_t type)
{
	switch (type) {
	case PT_DYNAMIC: return 1;
	case PT_GNU_RELRO: return 2;
	case PT_GNU_STACK: return 4;
	default: return 0;
	}
}

int rtld_check_segments(struct rtld_module *m)
{
	const struct elf64_phdr *p = m->phdr, *end = p + m->phdrs;
	int err = check_loads(m), seen = 0;

	for (; p < end && !err; p++) {
		int bit;

		if (p->type == PT_LOAD)
			continue;
		bit = once(p->type);
		if (seen & bit)
			return fail_segment(m, RTLD_PHDR_TWICE, p - m->phdr, p->type, 0);
		seen |= bit;
		err = check_other(m, p - m->phdr);
	}
	if (!err && !m->dyn)
		err = fail_segment(m, RTLD_DYNAMIC_NONE, 0, 0, 0);
	return err;
}

static inline const void *view_from(const struct rtld_module *m, uint64_t vaddr, uint64_t *room)
{
	const struct rtld_segment *s = m->segment, *end = s + m->info.segments;

	for (; s < end; s++) {
		uint64_t skip = vaddr - s->vaddr;

		if (skip >= s->filesz)
			continue;
		*room = s->filesz - skip;
		return m->info.bytes + s->offset + skip;
	}
	return NULL;
}

const void *rtld_view_room(const struct rtld_module *m, uint64_t vaddr, uint64_t *room)
{
	return view_from(m, vaddr, room);
}

const void *rtld_view(const struct rtld_module *m, uint64_t vaddr, uint64_t size)
{
	uint64_t room;
	const void *at = view_from(m, vaddr, &room);

	return at && size <= room ? at : NULL;
}

const struct rtld_segment *rtld_segment_of(const struct rtld_module *m, uint64_t vaddr, uint64_t size)
{
	uint32_t k;

	for (k = 0; k < m->info.segments; k++) {
		const struct rtld_segment *s = &m->segment[k];
		struct rtld_range all = {s->vaddr, s->memsz};

		if (s->memsz && rtld_within(&all, vaddr, size))
			return s;
	}
	return NULL;
}
