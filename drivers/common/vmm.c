/* SPDX-License-Identifier: MIT */
/* Calls into the VMM that are made on the boot stack. */
#include "drivers/common/internal.h"

struct call {
	const struct core *core;
	uint64_t fn, arg0, arg1;
};

static int call_here(void *arg)
{
	const struct call *call = arg;
	const struct space_region *stack = &call->core->space[SPACE_STACK];

	return os_vmm_call(map_launch_tables(call->core), stack->va + stack->pages * OS_PAGE, call->fn,
			   call->arg0, call->arg1);
}

int vmm_call(struct core *core, uint32_t cpu, uint64_t fn, uint64_t arg0, uint64_t arg1, int *result)
{
	struct call call = {.core = core, .fn = fn, .arg0 = arg0, .arg1 = arg1};

	return os_run_on(cpu, call_here, &call, result);
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

/* A call that has no result and may be made on any CPU. */
static int call_anywhere(struct core *core, uint64_t fn, uint64_t arg0)
{
	uint32_t cpu;
	int ignored;
	int err = vmm_any_cpu(core, &cpu);

	return err ? err : vmm_call(core, cpu, fn, arg0, cpu, &ignored);
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
	core->finis =
		core_alloc(core, core_pages(n * sizeof(*core->finis)), OS_PAGE, "the list of destructors");
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

	core_free(core, core->finis, core_pages(core->n_finis * sizeof(*core->finis)));
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
		err = call_anywhere(core, fn, 0);
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
			err = call_anywhere(core, core->finis[i].fn, 0);
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
	int result = 0;
	int err = vmm_any_cpu(core, &cpu);

	if (!err)
		err = vmm_call(core, cpu, core->entry[ENTRY_INIT], core->space[SPACE_BOOT].va, cpu, &result);
	if (!err)
		err = result;
	if (err)
		explain(core, cpu, "entry_init", err);
	return err;
}

void vmm_fini(void *ctx)
{
	struct core *core = ctx;
	uint32_t cpu;
	int err = vmm_any_cpu(core, &cpu);

	if (!err)
		err = call_anywhere(core, core->entry[ENTRY_FINI], cpu);
	if (err)
		core_corrupt(core, "the VMM could not be taken down: %s", plinth_strerror(err));
}
