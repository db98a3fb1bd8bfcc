/* SPDX-License-Identifier: MIT */
/* Guests: the host, which is there from the beginning, and others. */
#include <stddef.h>

#include "internal.h"

static struct guest host;

struct guest *guest_host(void)
{
	return &host;
}

void host_init(struct slat_space *space)
{
	host.space = space;
	host.handlers = NULL;
}

void host_handlers(vcpu_exit_fn *const *handlers)
{
	/* Other CPUs may be in their handlers: what is there for them is not written again. */
	if (host.handlers == handlers)
		return;
	host.handlers = handlers;
	history_handlers(&host);
}

int guest_init(struct guest *guest)
{
	history_handlers(guest);
	return vendor_guest_create(guest);
}

void guest_fini(struct guest *guest)
{
	vendor_guest_destroy(guest);
}
