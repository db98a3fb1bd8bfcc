/* SPDX-License-Identifier: MIT */
/*
 * What the host touches and is not mapped yet: from then on it is, for all, or in a window of this CPU's own.
 *
 * Context: exits, interrupts off; the lock is taken here.
 */
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>

#include "internal.h"

int touch_settle(bool starts)
{
	uint32_t cpu = cpu_local()->cpu;
	int err = 0;

	table_lock();
	watch_follow();
	if (starts)
		window_forget(cpu);
	else
		err = window_close(cpu);
	if (!err)
		err = window_flush();
	table_unlock();
	if (err)
		LOG_ERR("INVEPT failed");
	return err;
}

int touch_leave(void)
{
	int err;

	table_lock();
	err = window_close(cpu_local()->cpu);
	table_unlock();
	return err;
}

enum verdict { GO_ON, FORBIDDEN, NO_TABLES, NO_FLUSH, LATER };

/* Is it always this instruction, and does it get anywhere? REP counts in RCX and moves RSI and RDI. */
static bool is_stuck(struct vcpu *vcpu)
{
	const uint64_t where[WINDOW_WHERE] = {vcpu->exit.rip, vcpu->regs.rcx, vcpu->regs.rsi, vcpu->regs.rdi,
					      vcpu_read(vcpu, VCPU_RSP)};

	return window_stuck(vcpu->cpu->local.cpu, where);
}

/*
 * For one instruction: behind it, or behind the fault it is refused with, on_step() gives back what was lent.
 */
static int borrow(struct vcpu *vcpu)
{
	uint32_t cpu = vcpu->cpu->local.cpu;
	int err = window_borrow(cpu);

	if (!err && vcpu_step(vcpu, true))
		err = window_return(cpu) ? PLINTH_E_VIRT : PLINTH_E_NOMEM;
	return err;
}

/* The instruction is tried again, now as one that may not pass by what is watched. */
static int end_pass(struct vcpu *vcpu)
{
	int err = watch_pass(false);

	return err ? err : vcpu_step(vcpu, false);
}

static int open(struct vcpu *vcpu, uint64_t gpa)
{
	int err = watch_passes() ? end_pass(vcpu) : 0;

	if (!err)
		err = window_open(vcpu->cpu->local.cpu, gpa);

	if (err != PLINTH_E_NOMEM)
		return err;
	err = borrow(vcpu);
	return err ? err : window_open(vcpu->cpu->local.cpu, gpa);
}

static enum verdict open_window(struct vcpu *vcpu, uint64_t gpa)
{
	switch (is_stuck(vcpu) ? PLINTH_E_NOMEM : open(vcpu, gpa)) {
	case 0: return GO_ON;
	case PLINTH_E_NOMEM: return NO_TABLES;
	case PLINTH_E_BUSY: return LATER;
	default: return NO_FLUSH;
	}
}

/* The shared tables have it: so has what this CPU goes by. */
static int follow_tables(uint32_t cpu, uint64_t gpa)
{
	if (!watch_passes())
		return window_follow(cpu, gpa);
	watch_follow();
	return window_flush();
}

/*
 * Mapped meanwhile, by another CPU or in another's tables: try again. Forbidden: not ours. Not there: it is
 * from now on.
 */
static enum verdict judge_access(struct vcpu *vcpu, uint64_t gpa, uint64_t wanted)
{
	unsigned int level;
	uint64_t entry = gpa < table_kind()->reach ? table_find(slat_host(), gpa, &level) : 0;

	if (gpa >= table_kind()->reach || (entry && (entry & wanted) != wanted))
		return FORBIDDEN;
	if (!entry && direct_map(slat_host(), gpa))
		return open_window(vcpu, gpa);
	return follow_tables(vcpu->cpu->local.cpu, gpa) ? NO_FLUSH : GO_ON;
}

static enum exit_action refuse_access(struct vcpu *vcpu, uint64_t gpa, const char *why)
{
	LOG_WARN("guest may not touch physical 0x%llx (RIP 0x%llx): %s", (unsigned long long)gpa,
		 (unsigned long long)vcpu->exit.rip, why);
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

/* What somebody decided about is for whoever did; at the bottom of the chain the access is refused. */
static enum exit_action on_violation(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access access;
	enum verdict verdict;

	(void)context;
	vcpu_memory_access(vcpu, &access);
	table_lock();
	verdict = judge_access(vcpu, access.address, access.wanted);
	table_unlock();
	switch (verdict) {
	case FORBIDDEN: return exit_below(vcpu, below);
	case NO_TABLES: return refuse_access(vcpu, access.address, "too few tables");
	case NO_FLUSH: return refuse_access(vcpu, access.address, "INVEPT failed");
	default: return EXIT_RETRY;
	}
}

/* Was the step asked for here? What it was for is over. */
static bool end_of_step(uint32_t cpu, int *err)
{
	const bool passes = watch_passes(), borrows = window_borrows(cpu);

	*err = passes ? watch_pass(false) : 0;
	if (borrows && !*err)
		*err = window_return(cpu);
	return passes || borrows;
}

static enum exit_action on_step(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	bool ours;
	int err;

	(void)context;
	table_lock();
	ours = end_of_step(vcpu->cpu->local.cpu, &err);
	table_unlock();
	if (!ours)
		return exit_below(vcpu, below);
	/* As long as the CPU cannot be told to leave the tables alone it comes back. */
	if (!err)
		err = vcpu_step(vcpu, false);
	if (err)
		LOG_ERR("the CPU keeps what it was lent");
	return EXIT_RETRY;
}

static int begin_pass(struct vcpu *vcpu)
{
	int err;

	if (window_is_open(vcpu->cpu->local.cpu))
		return PLINTH_E_BUSY;
	err = watch_pass(true);
	if (err)
		return err;
	err = vcpu_step(vcpu, true);
	if (err && watch_pass(false))
		LOG_ERR("the CPU goes on by tables in which nothing is watched");
	return err;
}

int slat_pass(struct vcpu *vcpu)
{
	int err;

	if (!slat_host() || vcpu->guest->space != slat_host())
		return PLINTH_E_STATE;
	table_lock();
	err = begin_pass(vcpu);
	table_unlock();
	return err;
}

void touch_register(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, on_violation, NULL);
	(void)!exit_register_kind(PLINTH_EXIT_STEP, PLINTH_EXIT_STEP, on_step, NULL);
}
