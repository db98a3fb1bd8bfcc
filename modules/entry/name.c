/* SPDX-License-Identifier: MIT */
/* Who answers to which name: rows in the order of registration, which change only while no CPU is a guest. */
#include "internal.h"

bool call_is_name(const char *name)
{
	size_t n = 0;

	while (n < PLINTH_CALL_NAME && name[n] > ' ' && name[n] <= '~')
		n++;
	return n && n < PLINTH_CALL_NAME && !name[n];
}

/* The library's string functions would take a page more of every load than these few loops. */
static bool is_same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct call_row *call_row_of(const char *name)
{
	for (uint32_t i = 0; i < entry_state.n_rows; i++)
		if (is_same_name(entry_state.rows[i].name, name))
			return &entry_state.rows[i];
	return NULL;
}

int call_register(const char *name, call_fn *handler, void *context)
{
	struct call_row *row = &entry_state.rows[entry_state.n_rows];

	if (!name || !call_is_name(name) || !handler)
		return PLINTH_E_INVAL;
	if (call_row_of(name))
		return PLINTH_E_BUSY;
	if (entry_state.n_rows == CALL_REGISTRATIONS)
		return PLINTH_E_LIMIT;
	*row = (struct call_row){.handler = handler, .context = context};
	for (size_t i = 0; name[i]; i++)
		row->name[i] = name[i];
	entry_state.n_rows++;
	return 0;
}

int call_unregister(const char *name, call_fn *handler, void *context)
{
	const struct call_row *row = name ? call_row_of(name) : NULL;

	if (!row || row->handler != handler || row->context != context)
		return PLINTH_E_INVAL;
	entry_state.n_rows--;
	for (size_t i = (size_t)(row - entry_state.rows); i < entry_state.n_rows; i++)
		entry_state.rows[i] = entry_state.rows[i + 1];
	return 0;
}

/* -- all that is registered, by whatever module ------------------------------------------- */

_Static_assert((EXIT_REGISTRATIONS + CALL_REGISTRATIONS) * sizeof(struct plinth_ctl_registration) <=
		       PLINTH_CALL_BYTES,
	       "all of it is one answer");

uint64_t call_list(struct plinth_ctl_registration *out)
{
	uint32_t n = exit_registrations(out);

	for (uint32_t i = 0; i < entry_state.n_rows; i++, n++) {
		const struct call_row *row = &entry_state.rows[i];

		out[n] = (struct plinth_ctl_registration){.sort = PLINTH_REGISTERED_NAME,
							  .handler = (uint64_t)row->handler};
		for (size_t k = 0; k < PLINTH_CALL_NAME; k++)
			out[n].name[k] = row->name[k];
	}
	return n * sizeof(*out);
}

/* PLINTH_CALL_REGISTRATIONS */
static int tell_registrations(struct call *call, void *context)
{
	(void)context;
	if (call->in_bytes)
		return PLINTH_E_INVAL;
	call->out_bytes = call_list(call->out);
	return call->out_bytes <= call->room ? 0 : PLINTH_E_LIMIT;
}

static __attribute__((constructor)) void take_registrations(void)
{
	(void)!call_register(PLINTH_CALL_REGISTRATIONS, tell_registrations, NULL);
}
