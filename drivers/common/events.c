/* SPDX-License-Identifier: MIT */
/* What happens to the machine while the VMM may run: CPUs come, go and are lost, it sleeps, it goes down. */
#include "drivers/common/internal.h"

/* Any CPU, in any state of the core. */
static bool is_guest(const struct core *core, uint32_t cpu)
{
	return core->cpus && cpu < core->n_cpus && core->cpus[cpu].guest;
}

int core_cpu_online(struct core *core, uint32_t cpu, struct core_report *report)
{
	int err;

	if (core->state != PLINTH_RUNNING || is_guest(core, cpu))
		return 0;
	if (cpu >= core->n_cpus) {
		report_line(report, "CPU %u: the VMM was loaded for %u CPUs: unload and load it", cpu,
			    core->n_cpus);
		return PLINTH_E_LIMIT;
	}
	core->report = report;
	explain_mark(core);
	err = cpus_start_one(&core->cpus[cpu]);
	core->report = NULL;
	return core->state == PLINTH_CORRUPT ? PLINTH_E_CORRUPT : err;
}

int core_cpu_offline(struct core *core, uint32_t cpu, struct core_report *report)
{
	if (!is_guest(core, cpu))
		return 0;
	core->report = report;
	cpus_stop_one(&core->cpus[cpu]);
	if (!core->cpus[cpu].guest)
		cpus_make_exits(core);
	core->report = NULL;
	return core->cpus[cpu].guest ? PLINTH_E_CORRUPT : 0;
}

int core_pause(struct core *core, struct core_report *report)
{
	int err = 0;

	core_lock();
	if (core->state == PLINTH_RUNNING) {
		err = core_stop_locked(core, report);
		core->paused = !err;
	}
	core_unlock();
	return err;
}

int core_resume(struct core *core, struct core_report *report)
{
	int err = 0;

	core_lock();
	if (core->paused) {
		core->paused = false;
		err = core_start_locked(core, report);
	}
	core_unlock();
	return err;
}

bool core_cpu_died(const struct core *core, uint32_t cpu)
{
	return is_guest(core, cpu) && cpus_died(&core->cpus[cpu]);
}

uint32_t core_hastened(const struct core *core, uint32_t cpu)
{
	return core->cpus && cpu < core->n_cpus ? cpus_hastened(&core->cpus[cpu]) : 0;
}

void core_watch(struct core *core, struct core_report *report)
{
	bool died = false;

	core_lock();
	for (uint32_t i = 0; core->state == PLINTH_RUNNING && i < core->n_cpus; i++)
		died = died || core_cpu_died(core, i);
	if (died)
		(void)core_stop_locked(core, report);
	core_unlock();
}

void core_emergency_stop(struct core *core, uint32_t cpu)
{
	if (is_guest(core, cpu) && !os_vmm_stop(core->stop_token))
		core->cpus[cpu].guest = false;
}
