/* SPDX-License-Identifier: MIT */
/* An entry module without a step table: what must come before what, written out. */
#include <plinth/call.h>
#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/serial.h>
#include <plinth/shared.h>
#include <plinth/vcpu.h>

#include "variant.h"

PLINTH_MODULE("mock_entry", "0.1.0", "entry: brings the others up one after the other (tests)");

static struct plinth_shared *shared;
static struct vcpu **vcpus;
static uint32_t n_cpus;
static struct cpu_local local;

static uint64_t enter(uint64_t cpu)
{
	local.cpu = (uint32_t)cpu;
	return cpu_set_local(&local);
}

static int vcpus_up(const struct plinth_boot *boot)
{
	int err = vcpu_init(boot);

	if (err)
		return err;
	vcpus = mem_alloc(boot->n_cpus * sizeof(*vcpus), 0);
	if (vcpus)
		return 0;
	vcpu_fini();
	return PLINTH_E_NOMEM;
}

static int exits_up(const struct plinth_boot *boot)
{
	int err = exit_init(boot);

	if (err)
		return err;
	err = vcpus_up(boot);
	if (err)
		exit_fini();
	return err;
}

static int memory_up(const struct plinth_boot *boot)
{
	int err = mem_init(boot);

	if (err)
		return err;
	err = exits_up(boot);
	if (err)
		mem_fini();
	return err;
}

static int all_up(const struct plinth_boot *boot)
{
	int err = log_init(boot);

	if (err)
		return err;
	err = memory_up(boot);
	if (err)
		log_fini();
	return err;
}

int entry_init(const struct plinth_boot *boot, uint64_t cpu)
{
	uint64_t before;
	int err;

	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("entry_init"))
		return PLINTH_E_NOMEM;
	before = enter(cpu);
	err = all_up(boot);
	shared = (struct plinth_shared *)boot->shared_va;
	n_cpus = boot->n_cpus;
	cpu_restore_local(before);
	return err;
}

void entry_fini(uint64_t cpu)
{
	uint64_t before = enter(cpu);

	mem_free(vcpus);
	vcpu_fini();
	exit_fini();
	mem_fini();
	log_fini();
	cpu_restore_local(before);
}

int entry_prepare(uint64_t target, uint64_t cpu)
{
	struct plinth_shared_cpu *block = plinth_shared_own(shared, (uint32_t)target);
	uint64_t before;
	int err;

	if (target >= n_cpus)
		return PLINTH_E_INVAL;
	if (vcpus[target])
		return PLINTH_E_STATE;
	if (mock_fails("entry_prepare"))
		return PLINTH_E_NOMEM;
	before = enter(cpu);
	err = cpu_create((uint32_t)target, exit_handlers(), &vcpus[target]);
	if (!err) {
		block->stack_top = (uint64_t)vcpus[target] & ~15ull;
		block->state = PLINTH_CPU_READY;
	}
	cpu_restore_local(before);
	return err;
}

void entry_release(uint64_t target, uint64_t cpu)
{
	struct plinth_shared_cpu *block = plinth_shared_own(shared, (uint32_t)target);
	uint64_t before = enter(cpu);

	cpu_destroy(vcpus[target]->cpu);
	vcpus[target] = NULL;
	block->stack_top = 0;
	block->state = PLINTH_CPU_OFF;
	cpu_restore_local(before);
}

int entry_check(uint64_t cpu)
{
	uint64_t before;
	int err;

	if (mock_fails("entry_check"))
		return PLINTH_E_NOTSUP;
	before = enter(cpu);
	err = vcpu_check();
	cpu_restore_local(before);
	return err;
}

int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3)
{
	uint64_t fs_base;
	int err;

	if (mock_fails("entry_start"))
		return PLINTH_E_VIRT;
	fs_base = cpu_set_local(&vcpus[cpu]->cpu->local);
	err = vcpu_start(vcpus[cpu], rip, rsp, cr3, fs_base);
	cpu_restore_local(fs_base);
	return err;
}

/* -- messages: nobody can have any ---------------------------------------------------- */

int call_register(const char *name, call_fn *handler, void *context)
{
	(void)name;
	(void)handler;
	(void)context;
	return PLINTH_E_LIMIT;
}

int call_unregister(const char *name, call_fn *handler, void *context)
{
	(void)name;
	(void)handler;
	(void)context;
	return PLINTH_E_INVAL;
}

int entry_call(uint64_t cpu)
{
	(void)cpu;
	return PLINTH_E_NAME;
}
