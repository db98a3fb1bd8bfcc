/* SPDX-License-Identifier: MIT */
/*
 * One CPU at a time under the VMM. The core serialises all of it; entry_start() runs on the CPU's own root
 * stack.
 */
#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/shared.h>
#include <plinth/vcpu.h>

#include "internal.h"

static int prepare_cpu(uint64_t target)
{
	struct plinth_shared_cpu *block;
	int err;

	if (target >= entry_state.n_cpus)
		return PLINTH_E_INVAL;
	if (entry_state.vcpus[target])
		return PLINTH_E_STATE;
	err = cpu_create((uint32_t)target, exit_handlers(), &entry_state.vcpus[target]);
	if (err)
		return err;
	block = plinth_shared_own(entry_state.shared, (uint32_t)target);
	/* The root stack serves the start as well: struct vcpu lies at its very top. */
	plinth_set(&block->stack_top, (uint64_t)entry_state.vcpus[target] & ~15ull);
	__atomic_store_n(&block->state, PLINTH_CPU_READY, __ATOMIC_RELEASE);
	return 0;
}

int entry_prepare(uint64_t target, uint64_t cpu)
{
	uint64_t before = entry_enter(cpu);
	int err = prepare_cpu(target);

	if (err)
		LOG_ERR("CPU %llu: no memory or not possible: %s", (unsigned long long)target,
			plinth_strerror(err));
	cpu_restore_local(before);
	return err;
}

void entry_release(uint64_t target, uint64_t cpu)
{
	uint64_t before = entry_enter(cpu);

	if (target < entry_state.n_cpus && entry_state.vcpus[target]) {
		struct plinth_shared_cpu *block = plinth_shared_own(entry_state.shared, (uint32_t)target);

		plinth_set(&block->stack_top, 0);
		__atomic_store_n(&block->state, PLINTH_CPU_OFF, __ATOMIC_RELEASE);
		cpu_destroy(entry_state.vcpus[target]->cpu);
		entry_state.vcpus[target] = NULL;
	}
	cpu_restore_local(before);
}

int entry_check(uint64_t cpu)
{
	uint64_t before = entry_enter(cpu);
	int err = vcpu_check();

	cpu_restore_local(before);
	return err;
}

int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3)
{
	struct vcpu *vcpu = cpu < entry_state.n_cpus ? entry_state.vcpus[cpu] : NULL;
	uint64_t fs_base;
	int err;

	if (!vcpu)
		return PLINTH_E_STATE;
	fs_base = cpu_set_local(&vcpu->cpu->local);
	err = vcpu_start(vcpu, rip, rsp, cr3, fs_base);
	cpu_restore_local(fs_base);
	return err;
}

int entry_call(uint64_t cpu)
{
	uint64_t before = entry_enter(cpu);
	int err = call_answer();

	cpu_restore_local(before);
	return err;
}
