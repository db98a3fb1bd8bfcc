/* SPDX-License-Identifier: MIT */
/* All CPUs or none: start and stop, one CPU after the other. */
#include "drivers/common/internal.h"
#include "lib/step.h"

/* It may change at any moment: the VMM dies, an INIT comes. */
static uint32_t state_of(const struct core_cpu *c)
{
	return __atomic_load_n(&core_shared_cpu(c->core, c->cpu)->state, __ATOMIC_ACQUIRE);
}

bool cpus_died(const struct core_cpu *c)
{
	return state_of(c) >= PLINTH_CPU_DEAD;
}

uint32_t cpus_hastened(const struct core_cpu *c)
{
	return __atomic_load_n(&core_shared_cpu(c->core, c->cpu)->hastened, __ATOMIC_ACQUIRE);
}

/* -- the steps of one CPU -------------------------------------------------- */

static int call_entry(const struct core_cpu *c, enum entry_fn fn)
{
	return vmm_call(c->core, c->cpu, c->core->entry[fn], c->cpu);
}

static int cpu_check(void *ctx)
{
	return call_entry(ctx, ENTRY_CHECK);
}

static int cpu_prepare(void *ctx)
{
	return call_entry(ctx, ENTRY_PREPARE);
}

static void cpu_release(void *ctx)
{
	struct core_cpu *c = ctx;
	int err;

	/* Not stopped: its stack and vCPU are in use. Died: nothing there can be trusted. */
	if (c->guest || cpus_died(c))
		return;
	err = vmm_call_void(c->core, c->cpu, c->core->entry[ENTRY_RELEASE]);
	if (err)
		core_corrupt(c->core, "CPU %u: its VMM memory could not be released: %s", c->cpu,
			     plinth_strerror(err));
}

/* With its stack mapped. */
static int cpu_tables(void *ctx)
{
	struct core_cpu *c = ctx;

	c->stack_top = __atomic_load_n(&core_shared_cpu(c->core, c->cpu)->stack_top, __ATOMIC_ACQUIRE);
	return map_check_start(c->core, c->cpu, c->stack_top);
}

static int launch_here(void *arg)
{
	struct core_cpu *c = arg;
	struct core *core = c->core;
	int err = os_vmm_start(map_launch_tables(core), c->stack_top, core->entry[ENTRY_START], c->cpu);

	if (!err) {
		c->guest = true;
		os_cpu_claim();
	}
	return err;
}

static int cpu_launch(void *ctx)
{
	struct core_cpu *c = ctx;

	return os_run_on(c->cpu, launch_here, c);
}

static int forget_here(void *arg)
{
	struct core_cpu *c = arg;

	os_cpu_unclaim();
	c->guest = false;
	return 0;
}

static int stop_here(void *arg)
{
	struct core_cpu *c = arg;
	int err = os_vmm_stop(c->core->stop_token);

	return err ? err : forget_here(arg);
}

/* The VMM is not there any more: it gave the CPU back, or holds it for good. */
static void cpu_bury(struct core_cpu *c)
{
	/* Waiting for one that is not in the kernel any more would hang this CPU as well. */
	if (state_of(c) == PLINTH_CPU_HALTED) {
		core_corrupt(c->core, "CPU %u: halted in the VMM, the report is in the log", c->cpu);
		return;
	}
	if (state_of(c) == PLINTH_CPU_RESET) {
		core_corrupt(c->core, "CPU %u: somebody sent it an INIT: the kernel and the VMM have lost it",
			     c->cpu);
		return;
	}
	/* One on which nothing can be run stays claimed; the VMM died all the same. */
	(void)!os_run_on(c->cpu, forget_here, c);
	core_corrupt(c->core, "CPU %u: given back by a VMM that died, the report is in the log", c->cpu);
}

static void cpu_stop(void *ctx)
{
	struct core_cpu *c = ctx;
	int err = cpus_died(c) ? 0 : os_run_on(c->cpu, stop_here, c);

	/* It may have died of the stop itself. */
	if (cpus_died(c))
		cpu_bury(c);
	else if (err)
		core_corrupt(c->core, "CPU %u: could not be stopped: %s", c->cpu, plinth_strerror(err));
}

static const struct step cpu_steps[] = {
	{"check", cpu_check, NULL},
	{"prepare", cpu_prepare, cpu_release},
	{"check the page tables", cpu_tables, NULL},
	{"start", cpu_launch, cpu_stop},
};

int cpus_start_one(struct core_cpu *c)
{
	const struct step *failed = NULL;
	int err = steps_up(cpu_steps, ARRAY_SIZE_OF(cpu_steps), c, &failed);

	if (err)
		explain(c->core, c->cpu, failed->name, err);
	return err;
}

void cpus_stop_one(struct core_cpu *c)
{
	steps_down(cpu_steps, ARRAY_SIZE_OF(cpu_steps), c);
}

static int exit_once(void *arg)
{
	struct core_cpu *c = arg;
	struct plinth_ctl_map nothing;

	/* There is no such table: the VMM has nothing to do but to answer. */
	(void)!os_vmm_map(c->core->stop_token, PLINTH_MAP_TABLES, 0, &nothing);
	return 0;
}

void cpus_make_exits(struct core *core)
{
	for (uint32_t i = 0; i < core->n_cpus; i++)
		if (core->cpus[i].guest && !cpus_died(&core->cpus[i]))
			(void)!os_run_on(i, exit_once, &core->cpus[i]);
}

void core_make_exits(struct core *core)
{
	core_lock();
	if (core->state == PLINTH_RUNNING)
		cpus_make_exits(core);
	core_unlock();
}

/* -- all CPUs -------------------------------------------------------------- */

int cpus_alloc(void *ctx)
{
	struct core *core = ctx;

	core->cpus = core_alloc_bytes(core, core->n_cpus * sizeof(*core->cpus), "the CPU list");
	if (!core->cpus)
		return PLINTH_E_NOMEM;
	for (uint32_t i = 0; i < core->n_cpus; i++) {
		core->cpus[i].core = core;
		core->cpus[i].cpu = i;
	}
	return 0;
}

void cpus_free(void *ctx)
{
	struct core *core = ctx;

	core_free_bytes(core, core->cpus, core->n_cpus * sizeof(*core->cpus));
	core->cpus = NULL;
}

/* Whatever is a guest is stopped; asks what was done, not what the state says. */
void cpus_stop(void *ctx)
{
	struct core *core = ctx;

	for (uint32_t i = core->n_cpus; i--;)
		if (core->cpus[i].guest)
			cpus_stop_one(&core->cpus[i]);
}

int cpus_start(void *ctx)
{
	struct core *core = ctx;
	int err = 0;

	for (uint32_t i = 0; i < core->n_cpus && !err; i++)
		if (os_cpu_is_online(i))
			err = cpus_start_one(&core->cpus[i]);
	if (err)
		cpus_stop(core);
	return err;
}

uint32_t cpus_guests(const struct core *core)
{
	uint32_t n = 0;

	for (uint32_t i = 0; core->cpus && i < core->n_cpus; i++)
		n += core->cpus[i].guest;
	return n;
}

int cpus_any_guest(const struct core *core, uint32_t *cpu)
{
	for (uint32_t i = 0; i < core->n_cpus; i++) {
		if (core->cpus[i].guest && !cpus_died(&core->cpus[i])) {
			*cpu = i;
			return 0;
		}
	}
	return PLINTH_E_STATE;
}
