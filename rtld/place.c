/* SPDX-License-Identifier: MIT */
/* Where modules lie. */
#include "internal.h"

static int fail_set(struct rtld_module *m, enum rtld_check check, uint64_t value, uint64_t limit)
{
	return rtld_fail(m, check, RTLD_T_SET, m->place, value, limit);
}

int rtld_place(struct rtld_set *set, uint32_t module, void *write, uint64_t run)
{
	struct rtld_module *m;

	if (module >= set->count)
		return PLINTH_E_INVAL;
	m = &set->module[module];
	if (run % RTLD_PAGE || (run % m->info.align && (run - m->info.low) % m->info.align))
		return fail_set(m, RTLD_PLACE_ALIGN, run, m->info.align);
	if ((uintptr_t)write % 8)
		return fail_set(m, RTLD_PLACE_ALIGN, (uintptr_t)write, 8);
	if (m->info.image_size > UINT64_MAX - run)
		return fail_set(m, RTLD_PLACE_WRAP, run, UINT64_MAX - m->info.image_size);
	m->info.run = run;
	m->info.write = write;
	m->bias = run - m->info.low;
	m->placed = true;
	set->resolved = false;
	set->linked = false;
	return 0;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a - b < b_size || b - a < a_size;
}

static int check_pair(struct rtld_module *a, struct rtld_module *b)
{
	uint64_t wa = (uintptr_t)a->info.write, wb = (uintptr_t)b->info.write;
	bool alias = wa && wb && overlap(wa, a->info.image_size, wb, b->info.image_size);
	struct rtld_error error = {
		.check = RTLD_PLACE_OVERLAP,
		.table = RTLD_T_SET,
		.module = b->position,
		.other = a->position,
		.index = b->place,
		.value = alias ? wb : b->info.run,
		.limit = alias ? wa : a->info.run,
		.file = b->info.file,
	};

	if (!alias && !overlap(a->info.run, a->info.image_size, b->info.run, b->info.image_size))
		return 0;
	return rtld_report(a->set, &error);
}

/* The usual layout: each module behind the one before. */
static bool ascends(const struct rtld_set *set)
{
	uint32_t i;

	for (i = 1; i < set->count; i++) {
		const struct rtld_info *a = &set->module[i - 1].info;
		const struct rtld_info *b = &set->module[i].info;
		uint64_t wa = (uintptr_t)a->write, wb = (uintptr_t)b->write;

		if (b->run < a->run + a->image_size || (wb && wb < wa + a->image_size))
			return false;
	}
	return true;
}

int rtld_check_places(struct rtld_set *set)
{
	uint32_t i, k;
	int err = 0;

	for (i = 0; i < set->count; i++)
		if (!set->module[i].placed)
			err = fail_set(&set->module[i], RTLD_PLACE_MISSING, 0, 0);
	if (err || ascends(set))
		return err;
	for (i = 0; i < set->count; i++)
		for (k = 0; k < i; k++)
			if (check_pair(&set->module[k], &set->module[i]))
				err = PLINTH_E_INVAL;
	return err;
}
