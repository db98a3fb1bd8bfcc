/* SPDX-License-Identifier: MIT */
/*
 * Functions to call at start and end, checked before and after relocation (gABI, "Initialization and
 * Termination Functions").
 */
#include "internal.h"

/* An entry is looked at when the image is written, and when it is called. */
#define ENTRY_STEPS   16u
#define SEGMENT_STEPS 6u /* for each PT_LOAD that it may be in */

static bool is_code(const struct rtld_module *m, uint64_t vaddr)
{
	const struct rtld_segment *s = rtld_segment_of(m, vaddr, 1);

	return s && s->flags & PF_X;
}

static int check_function(struct rtld_module *m, enum rtld_tag tag, enum rtld_table table)
{
	if (!rtld_has(m, tag) || is_code(m, m->tag[tag]))
		return 0;
	return rtld_fail(m, RTLD_INIT_TARGET, table, 0, m->tag[tag], 0);
}

static int check_array(struct rtld_module *m, enum rtld_tag tag, enum rtld_tag length, struct rtld_range *out)
{
	struct rtld_range array = {m->tag[tag], m->tag[length]};

	if (!array.size)
		return 0;
	if (array.start % 8)
		return rtld_fail_tag(m, RTLD_INIT_ALIGN, tag, 8);
	if (!rtld_segment_of(m, array.start, array.size))
		return rtld_fail_tag(m, RTLD_INIT_PLACE, tag, array.size);
	*out = array;
	/* An array may lie where no file part is, so it need not have bytes. */
	return rtld_pay(m, array.size / 8 * (ENTRY_STEPS + SEGMENT_STEPS * m->info.segments));
}

int rtld_check_init(struct rtld_module *m)
{
	int err = check_function(m, RTLD_DT_INIT, RTLD_T_INIT);

	if (!err)
		err = check_function(m, RTLD_DT_FINI, RTLD_T_FINI);
	if (!err)
		err = check_array(m, RTLD_DT_INIT_ARRAY, RTLD_DT_INIT_ARRAYSZ, &m->init_array);
	if (!err)
		err = check_array(m, RTLD_DT_FINI_ARRAY, RTLD_DT_FINI_ARRAYSZ, &m->fini_array);
	m->info.init_count = m->init_array.size / 8;
	m->info.fini_count = m->fini_array.size / 8;
	return err;
}

static uint64_t array_entry(const struct rtld_module *m, const struct rtld_range *array, uint64_t i)
{
	uint64_t at = array->start - m->info.low + 8 * i;

	return *(const uint64_t *)(m->info.write + at);
}

/* By the usual convention 0 and -1 are no functions. */
static bool is_empty(uint64_t entry)
{
	return entry + 1 <= 1;
}

static int check_targets(struct rtld_module *m, const struct rtld_range *array, enum rtld_table table)
{
	uint64_t i;

	for (i = 0; i < array->size / 8; i++) {
		uint64_t run = array_entry(m, array, i);

		if (!is_empty(run) && !is_code(m, run - m->bias))
			return rtld_fail(m, RTLD_INIT_TARGET, table, i, run, m->info.run);
	}
	return 0;
}

int rtld_check_init_targets(struct rtld_set *set)
{
	uint32_t k;
	int err = 0;

	for (k = 0; k < set->count && !err; k++) {
		struct rtld_module *m = &set->module[k];

		err = check_targets(m, &m->init_array, RTLD_T_INIT);
		if (!err)
			err = check_targets(m, &m->fini_array, RTLD_T_FINI);
	}
	return err;
}

/*
 * The i-th call of a module: 0 and *run, 1 if there is none at this number,
 * -1 past the last. Memory may have changed since it was checked: check again.
 */
static int pick(const struct rtld_module *m, const struct rtld_range *array, uint64_t i, uint64_t *run)
{
	if (i >= array->size / 8)
		return -1;
	*run = array_entry(m, array, i);
	return is_empty(*run) || !is_code(m, *run - m->bias);
}

static int pick_init(const struct rtld_module *m, uint32_t i, uint64_t *run)
{
	if (i)
		return pick(m, &m->init_array, i - 1, run);
	*run = m->tag[RTLD_DT_INIT] + m->bias;
	return !rtld_has(m, RTLD_DT_INIT);
}

static int pick_fini(const struct rtld_module *m, uint32_t i, uint64_t *run)
{
	uint32_t n = m->fini_array.size / 8;

	if (i < n)
		return pick(m, &m->fini_array, n - 1 - i, run);
	if (i > n)
		return -1;
	*run = m->tag[RTLD_DT_FINI] + m->bias;
	return !rtld_has(m, RTLD_DT_FINI);
}

static bool next(const struct rtld_set *set, struct rtld_cursor *at, uint64_t *run, uint32_t *module,
		 bool forward)
{
	while (set->linked && at->module < set->count) {
		uint32_t i = forward ? at->module : set->count - 1 - at->module;
		const struct rtld_module *m = &set->module[set->order[i]];
		int r = forward ? pick_init(m, at->index, run) : pick_fini(m, at->index, run);

		at->index++;
		if (!r) {
			*module = m->place;
			return true;
		}
		if (r < 0)
			*at = (struct rtld_cursor){at->module + 1, 0};
	}
	return false;
}

bool rtld_next_init(const struct rtld_set *set, struct rtld_cursor *at, uint64_t *run, uint32_t *module)
{
	return next(set, at, run, module, true);
}

bool rtld_next_fini(const struct rtld_set *set, struct rtld_cursor *at, uint64_t *run, uint32_t *module)
{
	return next(set, at, run, module, false);
}
