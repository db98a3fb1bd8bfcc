/* SPDX-License-Identifier: MIT */
/* What is compared before and after a case. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "drivers/common/internal.h"
#include "lib/log_ring.h"
#include "machine.h"
#include "memory.h"
#include "mock_os.h"
#include "model/internal.h"

/* -- sums of what would be too much to keep -------------------------------------------- */

static uint64_t sum_of(uint64_t sum, const void *memory, size_t bytes)
{
	const uint8_t *at = memory;

	for (size_t i = 0; i < bytes; i++)
		sum = sum * 31 + at[i];
	return sum;
}

#define KERNEL_GDT_BYTES 128u
#define KERNEL_IDT_BYTES 512u
#define KERNEL_TSS_BYTES 104u

static uint64_t kernel_sum(void)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < model.n_cpus; cpu++) {
		sum = sum_of(sum, (const void *)model_kernel_gdt(cpu), KERNEL_GDT_BYTES);
		sum = sum_of(sum, (const void *)model_kernel_idt_base(cpu), KERNEL_IDT_BYTES);
		sum = sum_of(sum, (const void *)model_kernel_tss(cpu), KERNEL_TSS_BYTES);
	}
	return sum;
}

uint64_t *machine_table(void *ctx, uint64_t pa)
{
	(void)ctx;
	return memory_physical(pa);
}

static int add_mapping(void *ctx, const struct pt_leaf *leaf)
{
	uint64_t *sum = ctx;

	*sum = sum_of(*sum, &leaf->va, sizeof(leaf->va));
	*sum = sum_of(*sum, &leaf->pa, sizeof(leaf->pa));
	*sum = sum_of(*sum, &leaf->entry, sizeof(leaf->entry));
	return 0;
}

static uint64_t map_sum(uint64_t root_pa)
{
	const struct pt pt = {.root_pa = root_pa, .levels = machine.levels, .table = machine_table};
	uint64_t sum = 1;

	return pt_walk(&pt, add_mapping, &sum) ? 0 : sum;
}

/* -- the snapshot --------------------------------------------------------------------------- */

static void take_block(struct machine_cpu_world *out, uint32_t i)
{
	const struct plinth_shared_cpu *block = plinth_shared_cpu(core_shared_region(machine.core), i);
	struct plinth_log_record record;

	out->vmm_state = block->state;
	out->stack_top = block->stack_top;
	out->log_head = block->log_head;
	for (uint64_t n = log_ring_first(block, 1); n <= block->log_head; n++)
		out->log_torn += !log_ring_read(block, n, &record);
}

static void take_cpu(struct model_state *state, struct machine_cpu_world *world, uint32_t i)
{
	const struct model_cpu *cpu = &model.cpu[i];

	*state = cpu->st;
	/* To switch virtual machines on it must be locked, and it stays so until reset: documented. */
	state->msr[MODEL_MSR_FEATURE_CONTROL] = 0;
	*world = (struct machine_cpu_world){
		.virt_region = cpu->virt_region,
		.interruptibility = cpu->interruptibility,
		.activity = cpu->activity,
		.pending_debug = cpu->pending_debug,
		.current = cpu->current,
		.virt_on = cpu->virt_on,
		.guest = cpu->guest,
		.halted = cpu->halted,
		.in_vmm = cpu->in_vmm,
		.in_nmi = cpu->in_nmi,
		.claimed = machine.claimed[i],
	};
	if (core_shared_region(machine.core))
		take_block(world, i);
}

/* More of them than a world has room for: what they are is added up, but for the log, which may grow. */
static void take_sum(struct machine_cpu_sum *sum, uint32_t i)
{
	struct model_state state;
	struct machine_cpu_world world;

	take_cpu(&state, &world, i);
	sum->state = sum_of(0, &state, sizeof(state));
	sum->log_head = world.log_head;
	world.log_head = 0;
	sum->world = sum_of(0, &world, sizeof(world));
}

static void take_cpus(struct machine_world *out)
{
	for (uint32_t i = 0; i < model.n_cpus; i++) {
		if (i < MACHINE_WORLD_CPUS)
			take_cpu(&out->state[i], &out->cpu[i], i);
		else
			take_sum(&out->more[i], i);
	}
}

static void take_loaded(struct machine_world *out)
{
	const struct plinth_shared *shared = core_shared_region(machine.core);

	out->launch_map = map_sum(memory_pa(core_launch_pgd(machine.core)));
	out->root_map = map_sum(machine.core->tables.root_pa);
	out->tuning = sum_of(0, core_tuning_page(machine.core), sizeof(struct plinth_tuning));
	out->vmm_heap = shared->heap_used;
	/* The first start makes page tables that are kept. */
	out->vmm_pool = machine.warm ? shared->pool_used : 0;
}

void machine_snapshot(struct machine_world *out)
{
	const struct core *core = machine.core;

	memset(out, 0, sizeof(*out));
	take_cpus(out);
	out->kernel = kernel_sum();
	out->pages = mock_world.pages;
	if (core_shared_region(core))
		take_loaded(out);
	out->locked = machine.locked;
	out->cpus_locked = machine.cpus_locked;
	out->active = model_active();
	out->virt = machine.virt;
	out->core_state = core->state;
	out->core_pages = core->pages_held;
	out->core_modules = core->n_modules;
	out->core_finis = core->n_finis;
	out->guests = cpus_guests(core);
	out->paused = core->paused;
}

/* -- the comparison --------------------------------------------------------------------------- */

struct member {
	const char *name;
	size_t offset;
};

/* clang-format off */ /* its releases disagree about such a macro */
#define OF_CPU(name, m) { name, offsetof(struct machine_cpu_world, m) }
/* clang-format on */
static const struct member cpu_members[] = {
	OF_CPU("region for virtual machines", virt_region),
	OF_CPU("blocking of events", interruptibility),
	OF_CPU("activity", activity),
	OF_CPU("pending debug exceptions", pending_debug),
	OF_CPU("state in the shared region", vmm_state),
	OF_CPU("stack", stack_top),
	OF_CPU("current guest state", current),
	OF_CPU("virtual machines on", virt_on),
	OF_CPU("guest", guest),
	OF_CPU("halted", halted),
	OF_CPU("on a stack of the VMM", in_vmm),
	OF_CPU("in an NMI handler", in_nmi),
	OF_CPU("claim", claimed),
	OF_CPU("torn log records", log_torn),
};

/* clang-format off */ /* its releases disagree about such a macro */
#define OF_ALL(name, m) { name, offsetof(struct machine_world, m) }
/* clang-format on */
static const struct member members[] = {
	OF_ALL("the kernel's GDT, IDT or TSS", kernel),
	OF_ALL("mappings of the launch tables", launch_map),
	OF_ALL("mappings of the root tables", root_map),
	OF_ALL("log levels", tuning),
	OF_ALL("pages owned", pages),
	OF_ALL("the VMM's heap", vmm_heap),
	OF_ALL("the VMM's pages", vmm_pool),
	OF_ALL("os_lock()", locked),
	OF_ALL("os_cpus_lock()", cpus_locked),
	OF_ALL("guest states in CPUs", active),
	OF_ALL("os_virt_acquire()", virt),
	OF_ALL("the core's state", core_state),
	OF_ALL("the core's pages", core_pages),
	OF_ALL("the core's modules", core_modules),
	OF_ALL("the core's destructors", core_finis),
	OF_ALL("the core's guests", guests),
	OF_ALL("the core's pause", paused),
};

static const char *first_different(const struct member *list, size_t n, const void *a, const void *b)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp((const char *)a + list[i].offset, (const char *)b + list[i].offset,
			   sizeof(uint64_t)))
			return list[i].name;
	return NULL;
}

static const char *sum_differs(const struct machine_cpu_sum *a, const struct machine_cpu_sum *b)
{
	if (a->state != b->state)
		return "a register";
	if (a->world != b->world)
		return "what it is for the VMM";
	return b->log_head < a->log_head ? "lost log records" : NULL;
}

static const char *cpu_differs(const struct machine_world *a, const struct machine_world *b, uint32_t i)
{
	const char *differs;

	if (i >= MACHINE_WORLD_CPUS)
		return sum_differs(&a->more[i], &b->more[i]);
	differs = model_differs(&a->state[i], &b->state[i]);

	if (!differs)
		differs = first_different(cpu_members, ARRAY_SIZE_OF(cpu_members), &a->cpu[i], &b->cpu[i]);
	/* Unloaded there is none; loaded, nothing that was said is unsaid. */
	if (!differs && b->cpu[i].log_head < a->cpu[i].log_head)
		differs = "lost log records";
	return differs;
}

const char *machine_compare(const struct machine_world *a, const struct machine_world *b)
{
	static char text[64];

	for (uint32_t i = 0; i < model.n_cpus; i++) {
		const char *differs = cpu_differs(a, b, i);

		if (differs) {
			snprintf(text, sizeof(text), "CPU %u: %s", i, differs);
			return text;
		}
	}
	return first_different(members, ARRAY_SIZE_OF(members), a, b);
}

uint32_t machine_logged(uint32_t cpu, enum plinth_log_level level, const char *const *facts)
{
	struct plinth_shared *shared = core_shared_region(machine.core);

	return shared ? facts_logged(plinth_shared_cpu(shared, cpu), level, facts) : 0;
}
