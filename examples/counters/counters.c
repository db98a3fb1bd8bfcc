/* SPDX-License-Identifier: MIT */
/*
 * Answers messages of `plinthctl call`: "counters" tells how often the CPU that it is asked on left for the
 * VMM, and what for, a line of text for each kind; "echo" sends back what it got. Nothing of it runs until
 * somebody asks.
 */
#include <stdbool.h>

#include <plinth/call.h>
#include <plinth/intrinsics.h>
#include <plinth/shared.h>
#include <plinth/vcpu_state.h>

PLINTH_MODULE("counters", "0.1.0", "exit counts, and an echo, for plinthctl call");

static const char *const kinds[PLINTH_EXIT_KINDS] = {
#define PLINTH_EXIT(name, text) text,
#include <plinth/exit_kinds.def>
#undef PLINTH_EXIT
};

/* False: there is no more room, and what is there is not the whole answer. */
static bool put(struct call *call, char character)
{
	if (call->out_bytes == call->room)
		return false;
	((char *)call->out)[call->out_bytes++] = character;
	return true;
}

static bool put_text(struct call *call, const char *text)
{
	while (*text)
		if (!put(call, *text++))
			return false;
	return true;
}

static bool put_number(struct call *call, uint64_t number)
{
	char digits[24];
	size_t n = sizeof(digits) - 1;

	digits[n] = '\0';
	do
		digits[--n] = (char)('0' + number % 10);
	while (number /= 10);
	return put_text(call, digits + n);
}

static bool put_count(struct call *call, const char *what, uint64_t count)
{
	return put_text(call, what) && put(call, ' ') && put_number(call, count) && put(call, '\n');
}

/* Before the start there is no vCPU, and nothing to count. */
static int tell_counters(struct call *call, void *context)
{
	const struct cpu_local *here = cpu_local();
	bool fits = put_count(call, "cpu", here->cpu);

	(void)context;
	if (call->in_bytes)
		return PLINTH_E_INVAL;
	for (uint32_t kind = 0; kind < PLINTH_EXIT_KINDS && here->vcpu; kind++) {
		const uint64_t count = here->vcpu->shared->exits[kind];

		fits = fits && (!count || put_count(call, kinds[kind], count));
	}
	return fits ? 0 : PLINTH_E_LIMIT;
}

static int echo(struct call *call, void *context)
{
	const char *in = call->in;

	(void)context;
	for (size_t i = 0; i < call->in_bytes; i++)
		if (!put(call, in[i]))
			return PLINTH_E_LIMIT;
	return 0;
}

/* A name that somebody else has stays theirs. Ours end with us. */
__attribute__((constructor)) static void enlist(void)
{
	(void)!call_register("counters", tell_counters, NULL);
	(void)!call_register("echo", echo, NULL);
}
