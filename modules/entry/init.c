/* SPDX-License-Identifier: MIT */
/*
 * The way in: brings the other modules up in order, and down again; on the boot stack, on the launch tables,
 * while no CPU is a guest.
 */
#include <plinth/abi.h>
#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/memory.h>
#include <plinth/serial.h>
#include <plinth/vcpu.h>

#include "internal.h"
#include "step.h"

PLINTH_MODULE("entry", "0.1.0", "what the driver calls: init, prepare, start, release");

struct entry_state entry_state;

uint64_t entry_enter(uint64_t cpu)
{
	entry_state.boot_local.cpu = (uint32_t)cpu;
	entry_state.boot_local.vcpu = NULL;
	return cpu_set_local(&entry_state.boot_local);
}

static int log_up(void *ctx)
{
	return log_init(ctx);
}

static int mem_up(void *ctx)
{
	return mem_init(ctx);
}

static int exit_up(void *ctx)
{
	return exit_init(ctx);
}

static int vcpu_up(void *ctx)
{
	return vcpu_init(ctx);
}

static int messages_up(void *ctx)
{
	const struct plinth_boot *boot = ctx;

	return call_init((struct plinth_mailbox *)boot->mailbox_va);
}

static int table_up(void *ctx)
{
	const struct plinth_boot *boot = ctx;

	entry_state.vcpus = mem_alloc(boot->n_cpus * sizeof(struct vcpu *), 0);
	if (!entry_state.vcpus)
		return PLINTH_E_NOMEM;
	entry_state.n_cpus = boot->n_cpus;
	entry_state.token[0] = boot->stop_token[0];
	entry_state.token[1] = boot->stop_token[1];
	entry_state.shared = (struct plinth_shared *)boot->shared_va;
	return 0;
}

static void log_down(void *ctx)
{
	(void)ctx;
	log_fini();
}

static void mem_down(void *ctx)
{
	(void)ctx;
	mem_fini();
}

static void exit_down(void *ctx)
{
	(void)ctx;
	exit_fini();
}

static void vcpu_down(void *ctx)
{
	(void)ctx;
	vcpu_fini();
}

static void messages_down(void *ctx)
{
	(void)ctx;
	call_fini();
}

static void table_down(void *ctx)
{
	(void)ctx;
	mem_free(entry_state.vcpus);
	entry_state.vcpus = NULL;
	entry_state.n_cpus = 0;
	entry_state.shared = NULL;
}

/* clang-format off */
static const struct step init_steps[] = {
	{"log",          log_up,      log_down},
	{"memory",       mem_up,      mem_down},
	{"vcpu",         vcpu_up,     vcpu_down},
	{"exit handler", exit_up,     exit_down},
	{"messages",     messages_up, messages_down},
	{"vcpu table",   table_up,    table_down},
};
/* clang-format on */

#define N_INIT_STEPS (sizeof(init_steps) / sizeof(init_steps[0]))

/* Whoever gets an address of the VMM later, from an emulator or a debugger, finds its function by these. */
static void log_places(const struct plinth_boot *boot)
{
	const struct plinth_boot_module *modules = (const struct plinth_boot_module *)boot->modules_va;

	for (uint64_t i = 0; i < boot->n_modules; i++)
		LOG_INFO("%s 0x%llx, %llu KiB", modules[i].name, (unsigned long long)modules[i].base_va,
			 (unsigned long long)modules[i].bytes / 1024);
}

int entry_init(const struct plinth_boot *boot, uint64_t cpu)
{
	uint64_t before;
	int err;

	if (boot->size != sizeof(*boot) || boot->abi != PLINTH_MODULE_ABI)
		return PLINTH_E_ABI;
	if (!boot->n_cpus || cpu >= boot->n_cpus)
		return PLINTH_E_INVAL;
	before = entry_enter(cpu);
	err = steps_up(init_steps, N_INIT_STEPS, (void *)boot, NULL);
	if (!err) {
		log_places(boot);
		LOG_INFO("ready: %u CPUs, %llu KiB, heap %llu KiB", boot->n_cpus,
			 (unsigned long long)boot->pool_pages * MEM_PAGE / 1024,
			 (unsigned long long)boot->heap_bytes / 1024);
	}
	cpu_restore_local(before);
	return err;
}

void entry_fini(uint64_t cpu)
{
	uint64_t before = entry_enter(cpu);

	steps_down(init_steps, N_INIT_STEPS, NULL);
	cpu_restore_local(before);
}
