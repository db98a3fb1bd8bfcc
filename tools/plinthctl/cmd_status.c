/* SPDX-License-Identifier: MIT */
/* status: what the driver tells about itself. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>

#include "commands.h"
#include "device.h"
#include "options.h"
#include "output.h"
#include "status_json.h"

static const char *const state_names[PLINTH_STATES] = {
	[PLINTH_UNLOADED] = "unloaded",
	[PLINTH_LOADED] = "loaded",
	[PLINTH_RUNNING] = "running",
	[PLINTH_CORRUPT] = "corrupt",
};

static const char *const plan_names[PLINTH_PLANS] = {
	[PLINTH_PLAN_NONE] = "none",
	[PLINTH_PLAN_USED] = "used",
	[PLINTH_PLAN_UNFIT] = "does not fit",
};

enum form { COUNT, ADDRESS, BYTES, TICKS, PLAN };

/* clang-format off */ /* its releases disagree about such a macro */
#define FIELD(member, form) \
	{ #member, offsetof(struct plinth_ctl_status, member), sizeof(((struct plinth_ctl_status *)0)->member), form }
/* clang-format on */

/* What is shown, in this order; counts always, the rest if it is not 0. */
static const struct field {
	const char *name;
	size_t offset, bytes;
	enum form form;
} fields[] = {
	FIELD(module_abi, COUNT),   FIELD(n_cpus, COUNT),     FIELD(n_online, COUNT),
	FIELD(n_guests, COUNT),	    FIELD(n_modules, COUNT),  FIELD(slot_va, ADDRESS),
	FIELD(base_va, ADDRESS),    FIELD(end_va, ADDRESS),   FIELD(image_bytes, BYTES),
	FIELD(heap_bytes, BYTES),   FIELD(pool_bytes, BYTES), FIELD(shared_bytes, BYTES),
	FIELD(memory_bytes, BYTES), FIELD(link_ticks, TICKS), FIELD(load_ticks, TICKS),
	FIELD(start_ticks, TICKS),  FIELD(stop_ticks, TICKS), FIELD(link_plan, PLAN),
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static uint64_t value_of(const struct plinth_ctl_status *status, const struct field *field)
{
	const char *at = (const char *)status + field->offset;

	return field->bytes == 4 ? *(const uint32_t *)(const void *)at : *(const uint64_t *)(const void *)at;
}

static const char *plan_name(uint64_t plan)
{
	return plan < PLINTH_PLANS ? plan_names[plan] : "unknown";
}

static void print_field(const struct field *field, uint64_t value)
{
	if (field->form == PLAN)
		printf("%-12s %s\n", field->name, plan_name(value));
	else if (field->form == ADDRESS)
		printf("%-12s %#" PRIx64 "\n", field->name, value);
	else
		printf("%-12s %" PRIu64 "\n", field->name, value);
}

static struct json_object *field_json(const struct field *field, uint64_t value)
{
	return field->form == PLAN ? json_object_new_string(plan_name(value)) : json_object_new_uint64(value);
}

static const char *vmm_state_name(uint32_t state)
{
	return state < PLINTH_STATES ? state_names[state] : "unknown";
}

static void print_status(const struct plinth_ctl_status *status)
{
	printf("%-12s %s%s\n", "state", vmm_state_name(status->state),
	       status->state == PLINTH_CORRUPT ? ": restart the machine" : "");
	for (size_t i = 0; i < N_FIELDS; i++) {
		uint64_t value = value_of(status, &fields[i]);

		if (value || fields[i].form == COUNT)
			print_field(&fields[i], value);
	}
}

void status_print_json(const struct plinth_ctl_status *status)
{
	struct json_object *document = json_object_new_object();

	json_add_text(document, "state", vmm_state_name(status->state));
	for (size_t i = 0; i < N_FIELDS; i++)
		json_object_object_add(document, fields[i].name,
				       field_json(&fields[i], value_of(status, &fields[i])));
	print_json(document);
}

int cmd_status(int argc, char **argv)
{
	bool json = options_json(argc, argv,
				 "Show the state, addresses, sizes in bytes, and times in TSC ticks.");
	struct plinth_ctl_status status;

	if (device_status(&status))
		return EXIT_FAILED;
	if (json)
		status_print_json(&status);
	else
		print_status(&status);
	return EXIT_OK;
}
