/* SPDX-License-Identifier: MIT */
/*
 * Memory types that change: in a sleep, on one CPU alone, or while a guest runs.
 *
 * A kernel switches caches and MTRRs off, writes them, and switches them on again, on each CPU (SDM, "MTRR
 * Considerations in MP Systems"). With caches off the tables' types do not count, so what stands there in
 * between is not taken over; the first CPU to be ready changes the tables, the others find them so, and each
 * drops what it remembers.
 */
#include <stddef.h>

#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>

#include "internal.h"

static int take_over(const struct mtrr_state *state, bool starts)
{
	bool changed;

	table_lock();
	table_reach(caps_reach(table_kind()->levels));
	changed = mtrr_use(state);
	if (changed)
		spaces_retype();
	table_unlock();
	if (changed)
		LOG_INFO("memory types have changed");
	return touch_settle(starts);
}

int types_start(void)
{
	struct mtrr_state state;

	mtrr_read(&state);
	return take_over(&state, true);
}

#define MSR_VARIABLE_FIRST 0x200u
#define MSR_VARIABLE_LAST  0x24fu
#define MSR_FIXED_64K	   0x250u
#define MSR_FIXED_16K	   0x258u
#define MSR_FIXED_4K	   0x268u
#define MSR_FIXED_LAST	   0x26fu
#define MSR_DEFAULT	   0x2ffu

static enum exit_action on_mtrr_write(struct vcpu *vcpu, struct exit_msr *access,
				      const struct exit_link *below, void *context)
{
	enum exit_action action = exit_below(vcpu, below);
	struct mtrr_state state;

	(void)access;
	(void)context;
	if (action != EXIT_NEXT || !slat_host())
		return action;
	mtrr_read(&state);
	if (state.enabled || !(vcpu_read(vcpu, VCPU_CR0) & CR0_CD))
		(void)!take_over(&state, false);
	return action;
}

static const struct {
	uint32_t first, last;
} mtrr_msrs[] = {
	{MSR_VARIABLE_FIRST, MSR_VARIABLE_LAST},
	{MSR_FIXED_64K, MSR_FIXED_64K},
	{MSR_FIXED_16K, MSR_FIXED_16K + 1},
	{MSR_FIXED_4K, MSR_FIXED_LAST},
	{MSR_DEFAULT, MSR_DEFAULT},
};

void types_register(void)
{
	for (size_t i = 0; i < sizeof(mtrr_msrs) / sizeof(mtrr_msrs[0]); i++)
		(void)!exit_register_msr(mtrr_msrs[i].first, mtrr_msrs[i].last, VCPU_MSR_WRITE, on_mtrr_write,
					 NULL);
}
