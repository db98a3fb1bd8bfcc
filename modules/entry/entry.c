/* SPDX-License-Identifier: MIT */
/* The way in: brings the other modules up in order, and one CPU at a time under the VMM. */
#include <stdbool.h>

#include <plinth/abi.h>
#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/log.h>
#include <plinth/memory.h>
#include <plinth/serial.h>
#include <plinth/shared.h>
#include <plinth/vcpu.h>
#include <plinth/x86.h>

#include "internal.h"
#include "step.h"

#define LOG_TAG "entry"

PLINTH_MODULE("entry", "0.1.0", "what the driver calls: init, prepare, start, release");

static struct plinth_shared *shared;
static struct vcpu **vcpus; /* by CPU number; NULL: not prepared */
static uint32_t n_cpus;
static uint64_t token[2]; /* of this load: the driver's */

/* Who we are while VMM code runs on the boot stack. */
static struct cpu_local boot_local;

static uint64_t enter(uint64_t cpu)
{
	boot_local.cpu = (uint32_t)cpu;
	boot_local.vcpu = NULL;
	return cpu_set_local(&boot_local);
}

/* -- init and fini ----------------------------------------------------------------- */

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

static int table_up(void *ctx)
{
	const struct plinth_boot *boot = ctx;

	vcpus = mem_alloc(boot->n_cpus * sizeof(*vcpus), 0);
	if (!vcpus)
		return PLINTH_E_NOMEM;
	n_cpus = boot->n_cpus;
	token[0] = boot->stop_token[0];
	token[1] = boot->stop_token[1];
	shared = (struct plinth_shared *)boot->shared_va;
	call_set_mailbox((struct plinth_mailbox *)boot->mailbox_va);
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

static void table_down(void *ctx)
{
	(void)ctx;
	call_set_mailbox(NULL);
	mem_free(vcpus);
	vcpus = NULL;
	n_cpus = 0;
}

static const struct step init_steps[] = {
	{ "log", log_up, log_down },	{ "memory", mem_up, mem_down },	   { "exit handler", exit_up, exit_down },
	{ "vcpu", vcpu_up, vcpu_down }, { "vcpu table", table_up, table_down },
};

#define N_INIT_STEPS (sizeof(init_steps) / sizeof(init_steps[0]))

/* Whoever gets an address of the VMM later, from an emulator or a debugger, finds its function by these. */
static void log_places(const struct plinth_boot *boot)
{
	const struct plinth_boot_module *modules = (const struct plinth_boot_module *)boot->modules_va;

	for (uint64_t i = 0; i < boot->n_modules; i++)
		LOG_INFO("module %s at 0x%llx, %llu KiB", modules[i].name, (unsigned long long)modules[i].base_va,
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
	before = enter(cpu);
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
	uint64_t before = enter(cpu);

	steps_down(init_steps, N_INIT_STEPS, NULL);
	shared = NULL;
	cpu_restore_local(before);
}

/* -- what the driver asks the VMM beneath a guest --------------------------------------- */

/* What it says is nobody's business but the driver's. */
static bool is_drivers(const struct vcpu *vcpu)
{
	return vcpu->regs.rcx == token[0] && vcpu->regs.rdx == token[1];
}

/* PLINTH_HYPERCALL_MAPS */
static enum exit_action tell_maps(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_regs *regs = &vcpu->regs;
	struct plinth_ctl_map map;
	int err;

	(void)context;
	if (!is_drivers(vcpu))
		return exit_below(vcpu, below);
	err = mem_next_mapping((uint32_t)regs->rdi, regs->rsi, &map);
	regs->rax = (uint64_t)err;
	if (err)
		return EXIT_NEXT;
	regs->rdi = map.va;
	regs->rsi = map.bytes;
	regs->rdx = map.flags;
	return EXIT_NEXT;
}

/* PLINTH_HYPERCALL_CALL */
static enum exit_action take_call(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)context;
	if (!is_drivers(vcpu))
		return exit_below(vcpu, below);
	vcpu->regs.rax = (uint64_t)call_answer();
	return EXIT_NEXT;
}

static const struct {
	uint64_t number;
	exit_hook_fn *handler;
} hypercalls[] = {{PLINTH_HYPERCALL_MAPS, tell_maps}, {PLINTH_HYPERCALL_CALL, take_call}};

#define N_HYPERCALLS (sizeof(hypercalls) / sizeof(hypercalls[0]))

static __attribute__((constructor)) void attach(void)
{
	for (size_t i = 0; i < N_HYPERCALLS; i++)
		(void)!exit_register_hypercall(hypercalls[i].number, hypercalls[i].number, EXIT_CALLER_KERNEL,
					       hypercalls[i].handler, NULL);
}

static __attribute__((destructor)) void detach(void)
{
	for (size_t i = 0; i < N_HYPERCALLS; i++)
		(void)!exit_unregister_hypercall(hypercalls[i].number, hypercalls[i].number, EXIT_CALLER_KERNEL,
						 hypercalls[i].handler, NULL);
}

/* -- one CPU -------------------------------------------------------------------------- */

static int prepare(uint64_t target)
{
	struct plinth_shared_cpu *block;
	int err;

	if (target >= n_cpus)
		return PLINTH_E_INVAL;
	if (vcpus[target])
		return PLINTH_E_STATE;
	err = vcpu_create((uint32_t)target, exit_handlers(), &vcpus[target]);
	if (err)
		return err;
	block = plinth_shared_own(shared, (uint32_t)target);
	/* The root stack serves the start as well: struct vcpu lies at its very top. */
	plinth_set(&block->stack_top, (uint64_t)vcpus[target] & ~15ull);
	__atomic_store_n(&block->state, PLINTH_CPU_READY, __ATOMIC_RELEASE);
	return 0;
}

int entry_prepare(uint64_t target, uint64_t cpu)
{
	uint64_t before = enter(cpu);
	int err = prepare(target);

	if (err)
		LOG_ERR("CPU %llu: no memory or not possible: %s", (unsigned long long)target, plinth_strerror(err));
	cpu_restore_local(before);
	return err;
}

void entry_release(uint64_t target, uint64_t cpu)
{
	uint64_t before = enter(cpu);

	if (target < n_cpus && vcpus[target]) {
		struct plinth_shared_cpu *block = plinth_shared_own(shared, (uint32_t)target);

		plinth_set(&block->stack_top, 0);
		__atomic_store_n(&block->state, PLINTH_CPU_OFF, __ATOMIC_RELEASE);
		vcpu_destroy(vcpus[target]);
		vcpus[target] = NULL;
	}
	cpu_restore_local(before);
}

int entry_check(uint64_t cpu)
{
	uint64_t before = enter(cpu);
	int err = vcpu_check();

	cpu_restore_local(before);
	return err;
}

int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3)
{
	struct vcpu *vcpu = cpu < n_cpus ? vcpus[cpu] : NULL;
	uint64_t fs_base;
	int err;

	if (!vcpu)
		return PLINTH_E_STATE;
	fs_base = cpu_set_local(&vcpu->local);
	err = vcpu_start(vcpu, rip, rsp, cr3, fs_base);
	cpu_restore_local(fs_base);
	return err;
}

int entry_call(uint64_t cpu)
{
	uint64_t before = enter(cpu);
	int err = call_answer();

	cpu_restore_local(before);
	return err;
}
