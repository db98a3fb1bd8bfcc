/* SPDX-License-Identifier: MIT */
/*
 * Who is registered, and what memory the machine has, as the driver said. Static: 8 rows are looked through
 * at each call of a process, which costs less than the exit.
 */
#include <string.h>

#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/slat.h>
#include <plinth/x86.h>

#include "internal.h"

static struct {
	char lock;
	struct client client[INTROSPECTION_CLIENTS];
	uint32_t n_memory;
	struct introspection_memory memory[INTROSPECTION_MEMORY];
} table;

void clients_lock(void)
{
	while (__atomic_test_and_set(&table.lock, __ATOMIC_ACQUIRE))
		cpu_pause();
}

void clients_unlock(void)
{
	__atomic_clear(&table.lock, __ATOMIC_RELEASE);
}

/* -- looking up -------------------------------------------------------------------------------- */

static struct client *client_of(uint64_t cr3)
{
	for (unsigned int i = 0; i < INTROSPECTION_CLIENTS; i++) {
		struct client *c = &table.client[i];

		if (c->id && !c->is_ending && x86_is_on(cr3, c->cr3, c->is_isolated))
			return c;
	}
	return NULL;
}

struct client *clients_find(struct vcpu *vcpu)
{
	return client_of(vcpu_read(vcpu, VCPU_CR3));
}

bool clients_know(struct vcpu *vcpu, struct client *copy)
{
	const struct client *c;

	clients_lock();
	c = clients_find(vcpu);
	if (c)
		*copy = *c;
	clients_unlock();
	return c;
}

struct client *clients_owner(uint64_t page)
{
	for (unsigned int i = 0; i < INTROSPECTION_CLIENTS; i++) {
		struct client *c = &table.client[i];

		if (c->id && page - c->window < INTROSPECTION_WINDOW_BYTES)
			return c;
	}
	return NULL;
}

/* Is it there as a whole, in one run? */
static bool is_ram(uint64_t start, uint64_t bytes)
{
	for (uint32_t i = 0; i < table.n_memory; i++) {
		const struct introspection_memory *run = &table.memory[i];

		if (start >= run->start && start < run->end && run->end - start >= bytes)
			return true;
	}
	return false;
}

bool clients_may_see(uint64_t page)
{
	return is_ram(page, PAGE_BYTES) && !clients_owner(page);
}

/* -- coming and going -------------------------------------------------------------------------- */

static struct client *client_by_id(uint64_t id)
{
	for (unsigned int i = 0; i < INTROSPECTION_CLIENTS; i++)
		if (table.client[i].id == id)
			return &table.client[i];
	return NULL;
}

static const char *wrong_with(const struct introspection_message *about)
{
	if (about->flags & ~(INTROSPECTION_MAY_WRITE | INTROSPECTION_ISOLATED))
		return "flags that nobody knows";
	if (!about->id || client_by_id(about->id))
		return "an id that is 0 or taken";
	if (!about->cr3 || about->cr3 & ~CR3_TABLE || client_of(about->cr3) ||
	    (about->flags & INTROSPECTION_ISOLATED && about->cr3 & CR3_USER_HALF))
		return "page tables that cannot be, or are registered already";
	if (about->window & (INTROSPECTION_WINDOW_BYTES - 1) ||
	    !is_ram(about->window, INTROSPECTION_WINDOW_BYTES))
		return "a window that is no 2 MiB of the machine's memory";
	return clients_owner(about->window) ? "another's window" : NULL;
}

static void take_memory(const struct introspection_message *about)
{
	table.n_memory = about->n_memory;
	memcpy(table.memory, about->memory, about->n_memory * sizeof(table.memory[0]));
}

static int admit_client(const struct introspection_message *about, const char **wrong)
{
	struct client *c = client_by_id(0);

	*wrong = about->n_memory > INTROSPECTION_MEMORY ? "more runs of memory than there is room for" : NULL;
	if (*wrong)
		return PLINTH_E_INVAL;
	take_memory(about);
	*wrong = wrong_with(about);
	if (*wrong)
		return PLINTH_E_INVAL;
	if (!c)
		return PLINTH_E_LIMIT;
	*c = (struct client){.id = about->id,
			     .cr3 = about->cr3,
			     .window = about->window,
			     .may_write = about->flags & INTROSPECTION_MAY_WRITE,
			     .is_isolated = about->flags & INTROSPECTION_ISOLATED};
	return 0;
}

int clients_admit(const struct introspection_message *about)
{
	const char *wrong = NULL;
	int err;

	if (!slat_host()) {
		LOG_ERR("no process can be registered: this CPU has no second-level translation");
		return PLINTH_E_NOTSUP;
	}
	clients_lock();
	err = admit_client(about, &wrong);
	clients_unlock();
	if (wrong)
		LOG_ERR("registration 0x%llx is refused: %s", (unsigned long long)about->id, wrong);
	else if (err)
		LOG_ERR("registration 0x%llx is refused: there are %u already; end one first",
			(unsigned long long)about->id, INTROSPECTION_CLIENTS);
	return err;
}

static int end_client(struct client *client, bool *pending)
{
	int err = 0;

	if (!client->is_ending) {
		client->is_ending = true;
		err = view_restore(client, client->window, INTROSPECTION_WINDOW_BYTES);
	}
	if (err)
		client->is_ending = false;
	*pending = err || !view_settled(client);
	if (!*pending)
		*client = (struct client){.id = 0};
	return err;
}

int clients_end(uint64_t id, bool *pending)
{
	struct client *client;
	int err = 0;

	*pending = false;
	clients_lock();
	client = id ? client_by_id(id) : NULL;
	if (client)
		err = end_client(client, pending);
	clients_unlock();
	if (err)
		LOG_ERR("the window of registration 0x%llx cannot be restored: %d", (unsigned long long)id,
			err);
	return err;
}
