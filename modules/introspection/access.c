/* SPDX-License-Identifier: MIT */
/*
 * The driver reads, writes and asks in somebody's stead, on a CPU that is on the page tables in question: no
 * process is registered for that, and nothing is shown anywhere.
 *
 * Context: a message, beneath a guest; interrupts are off, so the CPU stays on these tables.
 */
#include <stddef.h>

#include <plinth/guest_memory.h>
#include <plinth/intrinsics.h>
#include <plinth/vcpu_state.h>
#include <plinth/x86.h>

#include "internal.h"

#define ASKED_HEAD offsetof(struct introspection_access, data)
#define REPLY_HEAD offsetof(struct introspection_reply, data)

_Static_assert(sizeof(struct introspection_access) <= PLINTH_CALL_BYTES, "it is a message");
_Static_assert(sizeof(struct introspection_reply) <= PLINTH_CALL_BYTES, "it is an answer");

/* Bytes of data that come, and that go, for an operation of such a length. */
static size_t data_in(const struct introspection_access *asked)
{
	return asked->op == INTROSPECTION_WRITE ? asked->bytes : 0;
}

static size_t data_out(const struct introspection_access *asked)
{
	if (asked->op == INTROSPECTION_REGISTERS)
		return sizeof(struct plinth_ctl_registers);
	return asked->op == INTROSPECTION_READ ? asked->bytes : 0;
}

static bool is_understood(const struct introspection_access *asked, size_t in_bytes)
{
	const bool copies = asked->op == INTROSPECTION_READ || asked->op == INTROSPECTION_WRITE;

	if (in_bytes < ASKED_HEAD || asked->bytes > PLINTH_PEEK_BYTES || copies != !!asked->bytes)
		return false;
	return in_bytes == ASKED_HEAD + data_in(asked);
}

static int copy_for_driver(struct vcpu *vcpu, const struct introspection_access *asked,
			   struct introspection_reply *reply)
{
	struct guest_fault fault;
	int err;

	if (asked->op == INTROSPECTION_READ)
		err = guest_read(vcpu, asked->address, reply->data, asked->bytes, 0, &fault);
	else
		err = guest_write(vcpu, asked->address, asked->data, asked->bytes, 0, &fault);
	if (err == PLINTH_E_FAULT) {
		reply->address = fault.va;
		reply->error = fault.error;
	}
	return err;
}

static int carry_out(struct vcpu *vcpu, const struct introspection_access *asked,
		     struct introspection_reply *reply)
{
	switch (asked->op) {
	case INTROSPECTION_REGISTERS: registers_copy(vcpu, &reply->registers); return 0;
	case INTROSPECTION_LOCATE:
		return guest_translate(vcpu, asked->address, GUEST_READ, &reply->address, &reply->error);
	default: return copy_for_driver(vcpu, asked, reply);
	}
}

int access_answer(struct call *call)
{
	const struct introspection_access *asked = call->in;
	struct introspection_reply *reply = call->out;
	struct vcpu *vcpu = cpu_local()->vcpu;

	if (!is_understood(asked, call->in_bytes))
		return PLINTH_E_INVAL;
	if (call->room < REPLY_HEAD + data_out(asked))
		return PLINTH_E_LIMIT;
	if (!vcpu)
		return PLINTH_E_STATE;
	if (asked->root && !x86_is_on(vcpu_read(vcpu, VCPU_CR3), asked->root, false))
		return PLINTH_E_BUSY;
	reply->address = asked->address;
	reply->result = carry_out(vcpu, asked, reply);
	call->out_bytes = REPLY_HEAD + (reply->result ? 0 : data_out(asked));
	return 0;
}
