/* SPDX-License-Identifier: MIT */
/* The launch: the running system becomes the guest. */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"
#include "step.h"

#define S_CET_SHSTK 1ull

bool kernel_shadow_stack(uint64_t cr4)
{
	return cr4 & CR4_CET && cpu_rdmsr(MSR_IA32_S_CET) & S_CET_SHSTK;
}

/* What of the running system the VMM could not keep as it is. */
static int in_use_check(void)
{
	const uint64_t cr4 = cpu_read_cr4(), unknown = cr4 & ~VENDOR_CR4_KEPT;

	if (kernel_shadow_stack(cr4)) {
		LOG_ERR("IA32_S_CET.SH_STK_EN is set: the kernel has a shadow stack, and the VMM does not "
			"know how to change that");
		return PLINTH_E_NOTSUP;
	}
	if (unknown & CR4_FRED) {
		LOG_ERR("CR4.FRED is set: the VMM knows the IDT only, boot the kernel with fred=off");
		return PLINTH_E_NOTSUP;
	}
	if (unknown) {
		LOG_ERR("CR4 has bits 0x%llx set: the VMM does not know what they change",
			(unsigned long long)unknown);
		return PLINTH_E_NOTSUP;
	}
	return 0;
}

int vcpu_check(void)
{
	int err = vendor_check();

	return err ? err : in_use_check();
}

/* What becomes a guest, and whose. */
struct launch {
	struct vcpu *vcpu;
	struct vcpu_system system;
};

static struct vcpu *vcpu_of(void *launch)
{
	return ((struct launch *)launch)->vcpu;
}

static int in_use_up(void *launch)
{
	(void)launch;
	return in_use_check();
}

static int root_up(void *launch)
{
	return vendor_root_on(vcpu_of(launch)->cpu);
}

static void root_down(void *launch)
{
	vendor_root_off(vcpu_of(launch)->cpu);
}

/* Translations that a former user of the same tags left behind are not ours. */
static int flush_up(void *launch)
{
	struct vcpu *vcpu = vcpu_of(launch);
	int err;

	mem_cpu_enter(vcpu->cpu->local.cpu);
	err = flush_at_start(vcpu);
	if (err)
		mem_cpu_leave(vcpu->cpu->local.cpu);
	return err;
}

static void flush_down(void *launch)
{
	mem_cpu_leave(vcpu_of(launch)->cpu->local.cpu);
}

static int guest_up(void *launch)
{
	const struct vcpu_system *system = &((struct launch *)launch)->system;
	struct vcpu *vcpu = vcpu_of(launch);
	const struct vendor_root root = tables_root(vcpu->cpu->priv->tables, &vcpu->cpu->local);

	LOG_DEBUG("the guest goes on at RIP 0x%llx, RSP 0x%llx", (unsigned long long)system->rip,
		  (unsigned long long)system->rsp);
	return vendor_load(vcpu, system, &root);
}

static void guest_down(void *launch)
{
	vendor_unload(vcpu_of(launch));
}

static int entry_up(void *launch)
{
	struct vcpu *vcpu = vcpu_of(launch);
	int err;

	state_set(vcpu, PLINTH_CPU_GUEST);
	plinth_set(&vcpu->shared->start_ticks, cpu_rdtsc() - vcpu->cpu->priv->started);
	vcpu->entered = true;
	vcpu->cpu->priv->loaded = true;
	err = vendor_enter(vcpu);
	/* Only an entry that failed early comes back here. */
	vcpu->cpu->priv->loaded = false;
	state_set(vcpu, PLINTH_CPU_READY);
	vendor_refusal_log(vcpu, 0);
	return err;
}

/* clang-format off */
static const struct step launch_steps[] = {
	{"features in use", in_use_up, NULL},
	{"root mode", root_up, root_down},
	{"flush", flush_up, flush_down},
	{"guest state", guest_up, guest_down},
	{"entry", entry_up, NULL},
};
/* clang-format on */

/* The registers that the gate has changed are not asked: vcpu_start() is told them. */
static void system_capture(struct vcpu_system *system)
{
	memset(system, 0, sizeof(*system));
	system->cr0 = cpu_read_cr0();
	system->cr4 = cpu_read_cr4();
	system->dr7 = cpu_read_dr7();
	/* Interrupts are off until the gate's caller turns them on again. */
	system->rflags = RFLAGS_FIXED;
	cpu_store_gdt(&system->gdt);
	cpu_store_idt(&system->idt);
	segments_capture(system->segment, &system->gdt);
}

int vcpu_start(struct vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t cr3, uint64_t fs_base)
{
	struct cpu_private *p = vcpu->cpu->priv;
	struct launch launch = {.vcpu = vcpu};
	const struct step *failed;
	int err;

	p->started = cpu_rdtsc();
	p->began = rip;
	p->nmis_owed = 0;
	p->mc_owed = false;
	p->fatal = false;
	system_capture(&launch.system);
	launch.system.rip = rip;
	launch.system.rsp = rsp;
	launch.system.cr3 = cr3;
	launch.system.segment[SEG_FS].base = fs_base;
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	err = steps_up(launch_steps, sizeof(launch_steps) / sizeof(launch_steps[0]), &launch, &failed);
	LOG_ERR("start stopped at step \"%s\": %s", failed->name, plinth_strerror(err));
	return err;
}
