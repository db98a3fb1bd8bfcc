/* SPDX-License-Identifier: MIT */
/* The state machine: what is allowed when, and the sequences behind it. */
#include <stdarg.h>

#include "drivers/common/internal.h"
#include "lib/format.h"
#include "lib/step.h"

/*
 * The second half of a load, on CPUs that stay: what a CPU is needed for, or what core_cpu_offline() looks
 * at.
 */
static const struct step life_steps[] = {
	{"allocate the CPU list", cpus_alloc, cpus_free},
	{"run the constructors", vmm_run_inits, vmm_run_finis},
	{"initialise the VMM", vmm_init, vmm_fini},
	{"check the page tables", map_check, NULL},
};

static int life_up(void *ctx)
{
	struct core *core = ctx;
	int err;

	os_cpus_lock();
	err = steps_up(life_steps, ARRAY_SIZE_OF(life_steps), core, &core->failed);
	os_cpus_unlock();
	return err;
}

static void life_down(void *ctx)
{
	os_cpus_lock();
	steps_down(life_steps, ARRAY_SIZE_OF(life_steps), ctx);
	os_cpus_unlock();
}

static int gate_check(void *ctx)
{
	struct core *core = ctx;
	const char *why = "";
	int err = os_gate_check(&why);

	if (err)
		report_line(core->report, "load failed: %s: %s", plinth_strerror(err), why);
	return err;
}

/*
 * The first half takes its time by the size of the files, which anybody may have made: CPUs come and go
 * meanwhile.
 */
static const struct step load_steps[] = {
	{"look at the CPU", gate_check, NULL},
	{"read the modules", modules_probe, modules_forget},
	{"allocate the images", modules_alloc, modules_free},
	{"allocate the VMM's memory", space_alloc, space_free},
	{"choose addresses", space_place, NULL},
	{"link", link_modules, NULL},
	{"find the entry points", link_entry_points, NULL},
	{"map", map_all, NULL},
	{"prepare the jump slots", lazy_prepare, NULL},
	{"fill the boot page", boot_fill, NULL},
	{"note the destructors", vmm_note_finis, vmm_forget_finis},
	{"bring it to life", life_up, life_down},
};

static int start_virt(void *ctx)
{
	struct core *core = ctx;
	const char *why = "";
	int err = os_virt_acquire(&why);

	if (err)
		report_line(core->report, "start failed: %s: %s", plinth_strerror(err), why);
	return err;
}

static void stop_virt(void *ctx)
{
	struct core *core = ctx;

	/* What the emergency stop needs stays while a CPU may be a guest. */
	if (core->state != PLINTH_CORRUPT)
		os_virt_release();
}

static const struct step start_steps[] = {
	{"keep others away", start_virt, stop_virt},
	{"start the CPUs", cpus_start, cpus_stop},
};

/* -- the commands; state, locks and report are run_locked()'s business and its callers' ------ */

/* Of the step that failed, unless it said more; whoever is being ended need not know where that met it. */
static int explain_load(struct core *core, int err, uint32_t lines)
{
	if (!os_relax()) {
		report_clear(core->report);
		err = PLINTH_E_INTR;
	}
	if (core->report->used <= lines)
		report_line(core->report, "load failed at \"%s\": %s", core->failed->name,
			    plinth_strerror(err));
	return err;
}

static int load_up(struct core *core)
{
	const struct step *failed = NULL;
	uint64_t before = os_ticks();
	uint32_t lines = core->report->used;
	int err;

	core->n_cpus = os_cpu_count();
	core->failed = NULL;
	err = steps_up(load_steps, ARRAY_SIZE_OF(load_steps), core, &failed);
	link_end(core);
	if (!core->failed)
		core->failed = failed;
	if (err)
		err = explain_load(core, err, lines);
	core->load_ticks = os_ticks() - before;
	core->start_ticks = core->stop_ticks = 0;
	return err;
}

static int start_up(struct core *core)
{
	uint64_t before = os_ticks();
	int err = steps_up(start_steps, ARRAY_SIZE_OF(start_steps), core, NULL);

	core->start_ticks = os_ticks() - before;
	return err;
}

static int stop_down(struct core *core)
{
	uint64_t before = os_ticks();

	steps_down(start_steps, ARRAY_SIZE_OF(start_steps), core);
	core->stop_ticks = os_ticks() - before;
	return 0;
}

static int unload_down(struct core *core)
{
	steps_down(load_steps, ARRAY_SIZE_OF(load_steps), core);
	return 0;
}

/* A command, the state it wants, the state it leads to, and what to say elsewhere. */
struct command {
	const char *name;
	int (*run)(struct core *core);
	enum plinth_ctl_state from, to;
	const char *refusal[PLINTH_STATES];
};

static const struct command load_command = {
	.name = "load",
	.run = load_up,
	.from = PLINTH_UNLOADED,
	.to = PLINTH_LOADED,
	.refusal = {[PLINTH_LOADED] = "modules are loaded already: unload them first",
		    [PLINTH_RUNNING] = "the VMM is running: stop and unload it first"},
};
static const struct command start_command = {
	.name = "start",
	.run = start_up,
	.from = PLINTH_LOADED,
	.to = PLINTH_RUNNING,
	.refusal = {[PLINTH_UNLOADED] = "no modules are loaded: load them first",
		    [PLINTH_RUNNING] = "the VMM is running already"},
};
static const struct command stop_command = {
	.name = "stop",
	.run = stop_down,
	.from = PLINTH_RUNNING,
	.to = PLINTH_LOADED,
	.refusal = {[PLINTH_UNLOADED] = "no modules are loaded", [PLINTH_LOADED] = "the VMM is not running"},
};
static const struct command unload_command = {
	.name = "unload",
	.run = unload_down,
	.from = PLINTH_LOADED,
	.to = PLINTH_UNLOADED,
	.refusal = {[PLINTH_UNLOADED] = "no modules are loaded",
		    [PLINTH_RUNNING] = "the VMM is running: stop it first"},
};

/* Run a command that the state allows. */
static int run_allowed(struct core *core, const struct command *command)
{
	int err;

	explain_mark(core);
	err = command->run(core);
	if (core->state == PLINTH_CORRUPT)
		return PLINTH_E_CORRUPT;
	if (!err) {
		core->state = command->to;
		core->paused = false;
	}
	return err;
}

static int run_locked(struct core *core, const struct command *command, struct core_report *report)
{
	int err;

	if (core->state == PLINTH_CORRUPT) {
		report_line(report, "%s refused: an earlier failure could not be undone: restart the machine",
			    command->name);
		return PLINTH_E_CORRUPT;
	}
	if (core->state != command->from) {
		report_line(report, "%s refused: %s", command->name, command->refusal[core->state]);
		return PLINTH_E_STATE;
	}
	core->report = report;
	err = run_allowed(core, command);
	core->report = NULL;
	return err;
}

int core_load(struct core *core, const struct core_load *load, struct core_report *report)
{
	int err;

	os_lock();
	core->load = load;
	err = run_locked(core, &load_command, report);
	core->load = NULL;
	os_unlock();
	return err;
}

int core_start_locked(struct core *core, struct core_report *report)
{
	return run_locked(core, &start_command, report);
}

int core_stop_locked(struct core *core, struct core_report *report)
{
	return run_locked(core, &stop_command, report);
}

int core_start(struct core *core, struct core_report *report)
{
	int err;

	core_lock();
	err = core_start_locked(core, report);
	core_unlock();
	return err;
}

int core_stop(struct core *core, struct core_report *report)
{
	int err;

	core_lock();
	err = core_stop_locked(core, report);
	core_unlock();
	return err;
}

/* As a load: it takes the CPUs for as long as it needs them. */
int core_unload(struct core *core, struct core_report *report)
{
	int err;

	os_lock();
	err = run_locked(core, &unload_command, report);
	os_unlock();
	return err;
}

void core_corrupt(struct core *core, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	plinth_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	core->state = PLINTH_CORRUPT;
	report_line(core->report, "%s; its memory is kept: restart the machine", line);
	os_log(OS_LOG_ERR, line);
}

/* -- the core's own life ------------------------------------------------------ */

struct core *core_create(void)
{
	return os_alloc_pages(core_pages(sizeof(struct core)), OS_PAGE);
}

int core_retire(struct core *core)
{
	struct core_report *report = &core->unheard;

	report_clear(report);
	core_lock();
	if (core->state == PLINTH_RUNNING)
		(void)core_stop_locked(core, report);
	os_cpus_unlock();
	if (core->state == PLINTH_LOADED)
		(void)run_locked(core, &unload_command, report);
	os_unlock();
	return core->state == PLINTH_CORRUPT ? PLINTH_E_CORRUPT : 0;
}

int core_destroy(struct core *core)
{
	int err = core_retire(core);

	if (err)
		return err;
	os_free_pages(core, core_pages(sizeof(*core)));
	return 0;
}
