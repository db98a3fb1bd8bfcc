/* SPDX-License-Identifier: MIT */
/*
 * A breakpoint that nobody reads: who executes the instruction meets an INT3, who reads the page finds the
 * bytes that were there. The page's execution goes to a copy with the INT3 in it, which lies in this module;
 * an access of another kind passes by to the page itself, on the CPU that makes it, for an instruction.
 *
 * Whoever writes to the page ends the breakpoint, before the write is made: code that is changed is never run
 * in its old form, and a page that gets another owner is written to first. So it needs nobody to take it
 * back.
 *
 * Messages to `hidden_breakpoint`: eight bytes, the physical address of an instruction's first byte, set the
 * breakpoint; the answer is 1 in eight bytes when it is set, and 0 as long as a CPU has not made an exit
 * since: then the message is to be sent again, on each CPU. An empty one takes it back; its answer is how
 * often the page was read.
 */
#include <stdbool.h>
#include <stdint.h>

#include <plinth/call.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/serial.h>
#include <plinth/slat.h>
#include <plinth/vcpu.h>

PLINTH_MODULE("hidden_breakpoint", "0.1.0", "a breakpoint that cannot be read");

#define INT3 0xcc

/* There is one at a time. */
static struct {
	char lock;
	bool is_set;	  /* the page is watched */
	bool is_hidden;	  /* ... and executed from the copy */
	uint64_t address; /* guest-physical */
	uint64_t reads;
	uint64_t ticket; /* of the newest flush: behind it nobody goes by what was before */
} breakpoint;

static _Alignas(MEM_PAGE) uint8_t copy[MEM_PAGE];

static void lock_breakpoint(void)
{
	while (__atomic_test_and_set(&breakpoint.lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

static void unlock_breakpoint(void)
{
	__atomic_clear(&breakpoint.lock, __ATOMIC_RELEASE);
}

static uint64_t page_in(uint64_t address)
{
	return address & ~(uint64_t)(MEM_PAGE - 1);
}

static bool is_breakpoint(uint64_t address)
{
	bool is;

	lock_breakpoint();
	is = breakpoint.is_set && page_in(address) == page_in(breakpoint.address);
	unlock_breakpoint();
	return is;
}

static void note_breakpoint(bool is_set, uint64_t ticket)
{
	lock_breakpoint();
	breakpoint.is_set = is_set;
	breakpoint.is_hidden = false;
	breakpoint.ticket = ticket;
	unlock_breakpoint();
}

/* Two CPUs can come to that at once: the second finds it done. */
static void take_back(void)
{
	if (!slat_unwatch(page_in(breakpoint.address)))
		note_breakpoint(false, slat_flush(slat_host()));
}

/* -- messages ------------------------------------------------------------------------------------ */

/* Word by word: a module alone has no library whose functions a longer copy would call. */
static void make_copy(void)
{
	const uint64_t *from = mem_glance(cpu_local()->cpu, page_in(breakpoint.address));
	uint64_t *to = (uint64_t *)copy;

	for (unsigned int i = 0; i < MEM_PAGE / sizeof(*to); i++)
		__atomic_store_n(&to[i], __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	copy[breakpoint.address % MEM_PAGE] = INT3;
}

/* Noted first: another CPU can touch the page before this is over. The copy may still be executed. */
static int watch_code(uint64_t address)
{
	int err;

	if (breakpoint.ticket && !slat_flushed(breakpoint.ticket))
		return PLINTH_E_BUSY;
	breakpoint.address = address;
	breakpoint.reads = 0;
	note_breakpoint(true, 0);
	err = slat_watch(page_in(address), SLAT_EXECUTE);
	note_breakpoint(!err, slat_flush(slat_host()));
	return err;
}

/* When nobody can write to the page any more without being seen. */
static int hide(void)
{
	int err;

	if (breakpoint.is_hidden || !breakpoint.ticket || !slat_flushed(breakpoint.ticket))
		return 0;
	make_copy();
	err = slat_execute_from(page_in(breakpoint.address), copy);
	breakpoint.is_hidden = !err;
	return err;
}

static int answer_word(struct call *call, uint64_t word)
{
	if (call->room < sizeof(word))
		return PLINTH_E_LIMIT;
	*(uint64_t *)call->out = word;
	call->out_bytes = sizeof(word);
	return 0;
}

static int set_breakpoint(struct call *call, uint64_t address)
{
	int err = 0;

	if (!breakpoint.is_set)
		err = watch_code(address);
	else if (breakpoint.address != address)
		err = PLINTH_E_BUSY;
	if (!err)
		err = hide();
	return err ? err : answer_word(call, breakpoint.is_hidden);
}

/* Only a CPU that is a guest knows whether it can step: before the start nobody is asked. */
static int on_breakpoint_message(struct call *call, void *context)
{
	(void)context;
	if (!cpu_local()->vcpu)
		return PLINTH_E_STATE;
	if (call->in_bytes == sizeof(uint64_t))
		return set_breakpoint(call, *(const uint64_t *)call->in);
	if (call->in_bytes)
		return PLINTH_E_INVAL;
	if (breakpoint.is_set)
		take_back();
	return answer_word(call, breakpoint.reads);
}

/* -- accesses -------------------------------------------------------------------------------------- */

static enum exit_action on_breakpoint_page(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access access;

	(void)context;
	vcpu_memory_access(vcpu, &access);
	if (!is_breakpoint(access.address))
		return exit_below(vcpu, below);
	if (access.wanted & SLAT_WRITE || slat_pass(vcpu))
		take_back();
	else
		__atomic_add_fetch(&breakpoint.reads, 1, __ATOMIC_RELAXED);
	return EXIT_RETRY;
}

__attribute__((constructor)) static void attach_breakpoint(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, on_breakpoint_page,
				  NULL);
	(void)!call_register("hidden_breakpoint", on_breakpoint_message, NULL);
}
