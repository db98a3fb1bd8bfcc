/* SPDX-License-Identifier: MIT */
/* A failure of the VMM on one CPU, in words: what to do about it, and the VMM's own. */
#include "drivers/common/internal.h"
#include "lib/log_ring.h"

static const struct {
	int err;
	const char *advice;
} advices[] = {
	{PLINTH_E_NOTSUP, "it lacks what the modules need (in a virtual machine: nested virtualization)"},
	{PLINTH_E_LOCKED, "enable virtualization in the firmware's set-up"},
	{PLINTH_E_BUSY, "another hypervisor uses it: stop its guests and unload it (of KVM, the module of "
			"this CPU's vendor)"},
	{PLINTH_E_ABI, "driver and modules are of different versions"},
};

/* Of a shortage it depends on what of. */
static const char *advice_for(const struct core *core, int err, char *text, size_t bytes)
{
	if (err == PLINTH_E_NOMEM)
		return shortage_advice(core, text, bytes);
	for (size_t i = 0; i < ARRAY_SIZE_OF(advices); i++)
		if (advices[i].err == err)
			return advices[i].advice;
	return NULL;
}

void explain_mark(struct core *core)
{
	shortage_mark(core);
	for (uint32_t i = 0; core->cpus && i < core->n_cpus; i++)
		core->cpus[i].log_seen =
			__atomic_load_n(&core_shared_cpu(core, i)->log_head, __ATOMIC_ACQUIRE);
}

/* The errors the VMM logged on this CPU since the command began. */
void explain_quote(struct core *core, uint32_t cpu)
{
	const struct plinth_shared_cpu *ring = core_shared_cpu(core, cpu);
	uint64_t head = __atomic_load_n(&ring->log_head, __ATOMIC_ACQUIRE);
	struct plinth_log_record record;

	for (uint64_t i = log_ring_first(ring, core->cpus[cpu].log_seen + 1); i <= head; i++)
		if (log_ring_read(ring, i, &record) && record.level == PLINTH_LOG_ERR)
			report_line(core->report, "CPU %u: %.6s: %.104s", cpu, record.tag, record.text);
	core->cpus[cpu].log_seen = head;
}

void explain(struct core *core, uint32_t cpu, const char *step, int err)
{
	char text[SHORTAGE_TEXT];
	const char *advice = advice_for(core, err, text, sizeof(text));

	report_line(core->report, "CPU %u: %s failed: %s%s%s", cpu, step, plinth_strerror(err),
		    advice ? ": " : "", advice ? advice : "");
	explain_quote(core, cpu);
}
