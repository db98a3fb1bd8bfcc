/* SPDX-License-Identifier: MIT */
/* Tries every rule, in the order of a CPU. */
#include "internal.h"

static const struct {
	const struct section *sections;
	uint32_t n;
} groups[] = {
#define GROUP(sections) sections, sizeof(sections) / sizeof((sections)[0])
	{GROUP(control_sections)}, {GROUP(host_sections)},  {GROUP(guest_sections)},
	{GROUP(segment_sections)}, {GROUP(state_sections)},
#undef GROUP
};

#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

struct findings {
	struct vmx_check_finding *list;
	uint32_t room, n;
};

static void try_section(const struct view *v, const struct section *section, struct findings *out)
{
	for (uint32_t i = 0; i < section->n_rules; i++) {
		uint32_t field = section->rules[i].broken_by(v);

		if (field == KEPT)
			continue;
		if (out->n < out->room)
			out->list[out->n] = (struct vmx_check_finding){
				.section = section->title,
				.rule = section->rules[i].name,
				.area = section->area,
				.field = field,
				.value = v->read(v->context, field),
			};
		out->n++;
	}
}

uint32_t vmx_check_entry(const struct vmx_caps *caps, vmx_read_fn *read, void *context,
			 struct vmx_check_finding *out, uint32_t room)
{
	struct view view = {.caps = caps, .read = read, .context = context};
	struct findings findings = {.list = out, .room = room};

	for (uint32_t i = 0; i < N_GROUPS; i++)
		for (uint32_t k = 0; k < groups[i].n; k++) {
			const struct section *section = &groups[i].sections[k];

			view.in = section->area == VMX_CHECK_HOST ? &host_registers : &guest_registers;
			try_section(&view, section, &findings);
		}
	return findings.n;
}

uint32_t vmx_check_rules(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < N_GROUPS; i++)
		for (uint32_t k = 0; k < groups[i].n; k++)
			n += groups[i].sections[k].n_rules;
	return n;
}

const char *vmx_check_rule(uint32_t i)
{
	for (uint32_t g = 0; g < N_GROUPS; g++)
		for (uint32_t k = 0; k < groups[g].n; k++) {
			const struct section *section = &groups[g].sections[k];

			if (i < section->n_rules)
				return section->rules[i].name;
			i -= section->n_rules;
		}
	return NULL;
}
