/* SPDX-License-Identifier: MIT */
/* A CPU is made and unmade: all the memory that it has in root mode, and the host's vCPU for it. */
#include <plinth/memory.h>

#include "internal.h"
#include "step.h"

/* One piece of the heap. */
struct whole_cpu {
	struct cpu cpu;
	struct cpu_private priv;
};

static int tables_alloc(void *ctx)
{
	struct cpu_private *p = ((struct cpu *)ctx)->priv;

	p->tables = mem_page_alloc();
	return p->tables ? 0 : PLINTH_E_NOMEM;
}

static int vendor_alloc(void *ctx)
{
	return vendor_cpu_create(ctx);
}

static int host_alloc(void *ctx)
{
	struct cpu *cpu = ctx;
	int err = vcpu_make(guest_host(), cpu->shared->exits, &cpu->host);

	if (err)
		return err;
	cpu->host->cpu = cpu;
	cpu->host->shared = cpu->shared;
	cpu->local.vcpu = cpu->host;
	return 0;
}

static void tables_free(void *ctx)
{
	mem_page_free(((struct cpu *)ctx)->priv->tables);
}

static void vendor_free(void *ctx)
{
	vendor_cpu_destroy(ctx);
}

static void host_free(void *ctx)
{
	vcpu_unmake(((struct cpu *)ctx)->host);
}

/* clang-format off */
static const struct step memory_steps[] = {
	{"vendor's", vendor_alloc, vendor_free},
	{"descriptor tables", tables_alloc, tables_free},
	{"stacks", stacks_alloc, stacks_free},
	{"host's vCPU", host_alloc, host_free},
};
/* clang-format on */

#define N_MEMORY_STEPS (sizeof(memory_steps) / sizeof(memory_steps[0]))

/* What the driver's core counts for a CPU is what is taken here. */
_Static_assert(sizeof(struct whole_cpu) + sizeof(struct vcpu *) + 2 * PLINTH_HEAP_OVERHEAD <=
		       PLINTH_VCPU_HEAP,
	       "the heap is sized for it");
_Static_assert(sizeof(struct tables) <= MEM_PAGE, "a page of PLINTH_CPU_REGIONS");

int cpu_create(uint32_t number, vcpu_exit_fn *const *handlers, struct vcpu **out)
{
	struct whole_cpu *whole = mem_alloc(sizeof(*whole), 0);
	struct cpu *cpu = &whole->cpu;

	if (!whole)
		return PLINTH_E_NOMEM;
	host_handlers(handlers);
	cpu->priv = &whole->priv;
	cpu->shared = plinth_shared_own(vcpu_common.shared, number);
	cpu->local = (struct cpu_local){.self = &cpu->local, .cpu = number};
	if (steps_up(memory_steps, N_MEMORY_STEPS, cpu, NULL)) {
		mem_free(whole);
		return PLINTH_E_NOMEM;
	}
	tables_init(cpu->priv->tables, cpu->priv->stack);
	flush_join(cpu);
	*out = cpu->host;
	return 0;
}

void cpu_destroy(struct cpu *cpu)
{
	flush_part(cpu);
	steps_down(memory_steps, N_MEMORY_STEPS, cpu);
	mem_free(cpu);
}
