/* SPDX-License-Identifier: MIT */
/*
 * What a registered process asks for: is somebody there, and one of the calls. To everybody else, the kernel
 * among them, nothing of it exists.
 */
#include <plinth/call.h>
#include <plinth/exit_handler.h>
#include <plinth/guest_memory.h>
#include <plinth/log.h>

#include "internal.h"

PLINTH_MODULE("introspection", "0.1.0",
	      "registered processes see the machine's memory, as LibVMI asks for it");

/*
 * The kernel runs on the page tables of whatever process was there last: so it is not asked for by those
 * alone. 32-bit code cannot name a call.
 */
static bool is_process(struct vcpu *vcpu)
{
	return vcpu_read(vcpu, VCPU_CPL) == 3 && vcpu_read(vcpu, VCPU_CODE64);
}

static enum exit_action answer_leaf(struct vcpu *vcpu, struct exit_cpuid *cpuid, void *context)
{
	const uint32_t here = INTROSPECTION_HERE;
	struct client who;

	(void)context;
	if (is_process(vcpu) && clients_know(vcpu, &who))
		cpuid->answer = (struct cpu_leaf){.eax = here, .ebx = here, .ecx = here, .edx = here};
	return EXIT_NEXT;
}

/* -- calls ------------------------------------------------------------------------------------- */

static enum outcome acknowledge(struct vcpu *vcpu, const struct client *who)
{
	(void)vcpu;
	(void)who;
	return DONE;
}

static enum outcome translate(struct vcpu *vcpu, const struct client *who)
{
	uint64_t gpa = 0;
	uint32_t error;
	int err = guest_translate(vcpu, vcpu->regs.rdi, GUEST_READ | GUEST_USER, &gpa, &error);

	(void)who;
	vcpu->regs.rdi = err ? 0 : gpa;
	return err ? FAILED : DONE;
}

static call_of *const calls[] = {
	[INTROSPECTION_ACKNOWLEDGE] = acknowledge,
	[INTROSPECTION_GET_REGISTERS] = registers_get,
	[INTROSPECTION_SET_REGISTERS] = registers_set,
	[INTROSPECTION_TRANSLATE] = translate,
	[INTROSPECTION_MAP] = view_map,
};

static enum exit_action action_of(struct vcpu *vcpu, enum outcome outcome)
{
	if (outcome == AGAIN)
		return EXIT_RETRY;
	vcpu->regs.rax = outcome == FAILED;
	return outcome == ELSEWHERE ? EXIT_RETRY : EXIT_NEXT;
}

static enum exit_action answer_call(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	const uint64_t number = vcpu->regs.rax - INTROSPECTION_CALLS;
	call_of *call = number < sizeof(calls) / sizeof(calls[0]) ? calls[number] : NULL;
	struct client who;

	(void)context;
	if (!is_process(vcpu) || !clients_know(vcpu, &who))
		return exit_below(vcpu, below);
	return action_of(vcpu, call ? call(vcpu, &who) : FAILED);
}

/* -- the driver's messages --------------------------------------------------------------------- */

static int end_of_client(struct call *call, uint64_t id)
{
	struct introspection_answer *answer = call->out;
	bool pending;
	int err;

	if (call->room < sizeof(*answer))
		return PLINTH_E_LIMIT;
	err = clients_end(id, &pending);
	if (err)
		return err;
	*answer = (struct introspection_answer){.pending = pending};
	call->out_bytes = sizeof(*answer);
	return 0;
}

static bool is_access(const struct call *call)
{
	const struct introspection_access *access = call->in;

	return call->in_bytes >= sizeof(access->op) && access->op >= INTROSPECTION_READ &&
	       access->op <= INTROSPECTION_REGISTERS;
}

static int on_message(struct call *call, void *context)
{
	const struct introspection_message *about = call->in;

	(void)context;
	if (is_access(call))
		return access_answer(call);
	if (call->in_bytes != sizeof(*about) || about->reserved0)
		return PLINTH_E_INVAL;
	switch (about->op) {
	case INTROSPECTION_ADMIT: return clients_admit(about);
	case INTROSPECTION_END: return end_of_client(call, about->id);
	default: return PLINTH_E_INVAL;
	}
}

/* Any of them fails only where there is no more room; then there is no such name to send messages to. */
__attribute__((constructor)) static void attach_introspection(void)
{
	(void)!exit_register_cpuid(INTROSPECTION_LEAF, INTROSPECTION_LEAF, 0, EXIT_LAST_SUBLEAF, answer_leaf,
				   NULL);
	(void)!exit_register_hypercall(INTROSPECTION_CALLS, INTROSPECTION_CALLS_LAST, EXIT_CALLER_ANYBODY,
				       answer_call, NULL);
	view_register();
	(void)!call_register(INTROSPECTION_NAME, on_message, NULL);
}
