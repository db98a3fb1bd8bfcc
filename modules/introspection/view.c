/* SPDX-License-Identifier: MIT */
/*
 * What a window shows: each of its pages itself, or a page of the machine's memory. Nobody waits in root
 * mode for other CPUs: the caller's instruction is repeated until all have flushed.
 *
 * A page that was asked for is recognized by where the caller's leads already: so a call that is repeated
 * changes nothing, whatever became of it in between.
 */
#include <plinth/exit_handler.h>
#include <plinth/guest_memory.h>
#include <plinth/log.h>
#include <plinth/slat.h>
#include <plinth/x86.h>

#include "internal.h"

static uint64_t frame_of(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

/* -- changes ----------------------------------------------------------------------------------- */

bool view_settled(struct client *client)
{
	if (client->is_stale) {
		client->ticket = slat_flush(slat_host());
		client->is_stale = !client->ticket;
	}
	return !client->is_stale && slat_flushed(client->ticket);
}

int view_restore(struct client *client, uint64_t gpa, uint64_t bytes)
{
	int err = slat_restore(slat_host(), gpa, bytes);

	if (!err)
		client->is_stale = true;
	return err;
}

static bool leads_to(uint64_t page, uint64_t target, uint32_t access)
{
	uint64_t hpa;
	uint32_t allowed;

	return !slat_get(slat_host(), page, &hpa, &allowed) && hpa == target && allowed == access;
}

/* The VMM's own pages and addresses that the CPU cannot name slat_map() refuses. */
static int show(struct client *client, uint64_t page, uint64_t target)
{
	const uint32_t access = SLAT_READ | (client->may_write ? SLAT_WRITE : 0);
	int err;

	if (leads_to(page, target, access))
		return 0;
	if (!clients_may_see(target))
		return PLINTH_E_INVAL;
	err = slat_map(slat_host(), page, target, PAGE_BYTES, access);
	if (!err)
		client->is_stale = true;
	return err;
}

static int show_itself(struct client *client, uint64_t page)
{
	return leads_to(page, page, SLAT_ALL) ? 0 : view_restore(client, page, PAGE_BYTES);
}

/* Only pages of the caller's own window: they are the driver's, who takes none away that is registered. */
static enum outcome change_view(struct vcpu *vcpu, uint64_t page, uint64_t target, uint64_t *ticket)
{
	struct client *client = clients_find(vcpu);

	if (!client || clients_owner(page) != client)
		return FAILED;
	if (target == page ? show_itself(client, page) : show(client, page, target))
		return FAILED;
	if (view_settled(client))
		return DONE;
	*ticket = client->ticket;
	return AGAIN;
}

enum outcome view_map(struct vcpu *vcpu, const struct client *who)
{
	const uint64_t target = frame_of(vcpu->regs.rsi);
	uint64_t gpa, ticket;
	enum outcome outcome;
	uint32_t error;

	(void)who; /* it may have gone meanwhile: change_view() looks again, under the lock */
	if (guest_translate(vcpu, vcpu->regs.rdi, GUEST_READ | GUEST_USER, &gpa, &error))
		return FAILED;
	clients_lock();
	outcome = change_view(vcpu, frame_of(gpa), target, &ticket);
	clients_unlock();
	if (outcome == AGAIN)
		vcpu_hasten(ticket);
	return outcome;
}

/* -- accesses that are not allowed ------------------------------------------------------------- */

enum verdict { NOT_OURS, RESTORED, REFUSED };

/*
 * A process that writes where it may only read is at fault. The kernel, which writes for it, is not: it gets
 * the page itself.
 */
static enum verdict judge_target(struct vcpu *vcpu, const struct vcpu_memory_access *access)
{
	const uint64_t page = frame_of(access->address);
	struct client *client = clients_owner(page);
	uint32_t allowed;
	uint64_t hpa;

	if (!client || slat_get(slat_host(), page, &hpa, &allowed) || !(access->wanted & ~allowed))
		return NOT_OURS;
	if (vcpu_read(vcpu, VCPU_CPL) || view_restore(client, page, PAGE_BYTES))
		return REFUSED;
	(void)view_settled(client); /* others may read what was there until they flush: no harm */
	return RESTORED;
}

static enum exit_action refuse_write(struct vcpu *vcpu)
{
	LOG_DEBUG("#GP for a write to a page that is seen through a window (RIP 0x%llx)",
		  (unsigned long long)vcpu->exit.rip);
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

static enum exit_action on_forbidden(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access access;
	enum verdict verdict;

	(void)context;
	vcpu_memory_access(vcpu, &access);
	clients_lock();
	verdict = judge_target(vcpu, &access);
	clients_unlock();
	switch (verdict) {
	case NOT_OURS: return exit_below(vcpu, below);
	case RESTORED: return EXIT_RETRY;
	default: return refuse_write(vcpu);
	}
}

void view_register(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, on_forbidden, NULL);
}
