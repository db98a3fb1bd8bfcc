/* SPDX-License-Identifier: MIT */
#include "event_line.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "output.h"

static const char *event_access(const struct events_record *r, char text[4])
{
	snprintf(text, 4, "%s%s%s", r->access & EVENTS_READ ? "r" : "", r->access & EVENTS_WRITE ? "w" : "",
		 r->access & EVENTS_EXECUTE ? "x" : "");
	return text;
}

void print_event(const struct events_record *r)
{
	char access[4];

	printf("%16" PRIu64 " cpu %u %s%s %#" PRIx64 " before %#018" PRIx64, r->tsc, r->cpu,
	       r->kind == EVENTS_MSR ? "msr " : "", event_access(r, access), r->address, r->before);
	if (r->flags & EVENTS_DONE)
		printf(" after %#018" PRIx64, r->after);
	printf(" cr3 %#" PRIx64 " %s rip %#" PRIx64 "\n", r->cr3, r->cpl ? "user" : "kernel", r->rip);
}

void print_event_json(const struct events_record *r)
{
	struct json_object *item = json_object_new_object();
	char access[4];

	json_add_number(item, "tsc", r->tsc);
	json_add_number(item, "cpu", r->cpu);
	json_add_text(item, "kind", r->kind == EVENTS_MSR ? "msr" : "page");
	json_add_text(item, "access", event_access(r, access));
	json_add_address(item, "address", r->address);
	json_add_address(item, "before", r->before);
	if (r->flags & EVENTS_DONE)
		json_add_address(item, "after", r->after);
	json_add_address(item, "cr3", r->cr3);
	json_add_number(item, "cpl", r->cpl);
	json_add_address(item, "rip", r->rip);
	write_json_line(stdout, item);
}
