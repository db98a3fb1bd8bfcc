/* SPDX-License-Identifier: MIT */
/* Calls into the VMM that are made on the boot stack. */
#include "drivers/common/internal.h"

struct call {
	const struct core *core;
	uint64_t fn, arg0, cpu;
};

static int call_here(void *arg)
{
	const struct call *call = arg;
	const struct space_region *stack = &call->core->space[SPACE_STACK];

	return os_vmm_call(map_launch_tables(call->core), stack->va + stack->pages * OS_PAGE, call->fn,
			   call->arg0, call->cpu);
}

static int call_without_result(void *arg)
{
	(void)call_here(arg);
	return 0;
}

int vmm_call(struct core *core, uint32_t cpu, uint64_t fn, uint64_t arg0)
{
	struct call call = {.core = core, .fn = fn, .arg0 = arg0, .cpu = cpu};

	return os_run_on(cpu, call_here, &call);
}

int vmm_call_void(struct core *core, uint32_t cpu, uint64_t fn)
{
	struct call call = {.core = core, .fn = fn, .arg0 = cpu, .cpu = cpu};

	return os_run_on(cpu, call_without_result, &call);
}

int vmm_any_cpu(struct core *core, uint32_t *cpu)
{
	for (uint32_t i = 0; i < core->n_cpus; i++) {
		if (os_cpu_is_online(i)) {
			*cpu = i;
			return 0;
		}
	}
	return PLINTH_E_STATE;
}

static int call_anywhere(struct core *core, uint64_t fn)
{
	uint32_t cpu;
	int err = vmm_any_cpu(core, &cpu);

	return err ? err : vmm_call_void(core, cpu, fn);
}

/* The set of modules does not outlive the load, so what is to be called later is kept. */
int vmm_note_finis(void *ctx)
{
	struct core *core = ctx;
	struct rtld_cursor at = {0};
	uint32_t n = 0, module;
	uint64_t fn;

	while (rtld_next_fini(core->link.set, &at, &fn, &module))
		n++;
	core->n_finis = n;
	if (!n)
		return 0;
	core->finis = core_alloc_bytes(core, n * sizeof(*core->finis), "the list of destructors");
	if (!core->finis) {
		core->n_finis = 0;
		return PLINTH_E_NOMEM;
	}
	at = (struct rtld_cursor){0};
	for (uint32_t i = 0; i < n && rtld_next_fini(core->link.set, &at, &fn, &module); i++)
		core->finis[i] = (struct core_fini){.fn = fn, .position = at.module};
	return 0;
}

void vmm_forget_finis(void *ctx)
{
	struct core *core = ctx;

	core_free_bytes(core, core->finis, core->n_finis * sizeof(*core->finis));
	core->finis = NULL;
	core->n_finis = 0;
}

static int run_inits(struct core *core)
{
	struct rtld_cursor at = {0};
	uint32_t module;
	uint64_t fn;

	core->inits_done = 0;
	while (rtld_next_init(core->link.set, &at, &fn, &module)) {
		int err;

		core->inits_done = at.module;
		err = call_anywhere(core, fn);
		if (err) {
			report_line(core->report, "%s: its constructor could not be called: %s",
				    core->modules[module].about.role, plinth_strerror(err));
			return err;
		}
	}
	core->inits_done = core->n_modules;
	return 0;
}

int vmm_run_inits(void *ctx)
{
	struct core *core = ctx;
	int err = run_inits(core);

	if (err)
		vmm_run_finis(core);
	return err;
}

void vmm_run_finis(void *ctx)
{
	struct core *core = ctx;

	/* Only of modules that were initialised: what was done is undone. */
	for (uint32_t i = 0; core->finis && i < core->n_finis; i++) {
		int err = 0;

		if (core->finis[i].position < core->inits_done)
			err = call_anywhere(core, core->finis[i].fn);
		if (err)
			core_corrupt(core, "a module's destructor could not be called: %s",
				     plinth_strerror(err));
	}
	core->inits_done = 0;
}

int vmm_init(void *ctx)
{
	struct core *core = ctx;
	uint32_t cpu = 0;
	int err = vmm_any_cpu(core, &cpu);

	if (!err)
		err = vmm_call(core, cpu, core->entry[ENTRY_INIT], core->space[SPACE_BOOT].va);
	if (err)
		explain(core, cpu, "entry_init", err);
	return err;
}

void vmm_fini(void *ctx)
{
	struct core *core = ctx;
	int err = call_anywhere(core, core->entry[ENTRY_FINI]);

	if (err)
		core_corrupt(core, "the VMM could not be taken down: %s", plinth_strerror(err));
}
