/* SPDX-License-Identifier: MIT */
/* A vCPU is made and unmade, with all the memory that its CPU has in root mode. */
#include <string.h>

#include <plinth/memory.h>

#include "internal.h"
#include "step.h"

PLINTH_MODULE("vcpu", "0.1.0", "a CPU's guest: its events, giving the CPU back, crash reports");

struct vcpu_common vcpu_common;

void vcpu_register_slat(const struct slat *slat)
{
	vcpu_common.slat = slat;
}

static int slat_up(void *boot)
{
	return vcpu_common.slat ? vcpu_common.slat->init(boot) : 0;
}

static void slat_down(void *boot)
{
	(void)boot;
	if (vcpu_common.slat)
		vcpu_common.slat->fini();
}

static int vendor_up(void *boot)
{
	return vendor_init(boot, vcpu_common.slat);
}

static void vendor_down(void *boot)
{
	(void)boot;
	vendor_fini();
}

static const struct step init_steps[] = {
	{"vendor", vendor_up, vendor_down},
	{"second-level translation", slat_up, slat_down},
};

#define N_INIT_STEPS (sizeof(init_steps) / sizeof(init_steps[0]))

int vcpu_init(const struct plinth_boot *boot)
{
	int err = steps_up(init_steps, N_INIT_STEPS, (void *)boot, NULL);

	if (err)
		return err;
	history_init();
	vcpu_common.xapic = NULL;
	vcpu_common.land = boot->land;
	vcpu_common.land_user = boot->land_user;
	vcpu_common.user_cr3 = boot->user_cr3;
	vcpu_common.modules = (const struct plinth_boot_module *)boot->modules_va;
	vcpu_common.n_modules = boot->n_modules;
	vcpu_common.shared = (struct plinth_shared *)boot->shared_va;
	cpu_set_fault_handler(fault_arrived);
	return 0;
}

void vcpu_fini(void)
{
	steps_down(init_steps, N_INIT_STEPS, NULL);
	if (vcpu_common.xapic)
		mem_unmap(vcpu_common.xapic, CPU_XAPIC_BYTES / MEM_PAGE);
	memset(&vcpu_common, 0, sizeof(vcpu_common));
}

/* -- memory of one vCPU -------------------------------------------------------- */

static int tables_alloc(void *ctx)
{
	struct vcpu_private *p = ((struct vcpu *)ctx)->priv;

	p->tables = mem_page_alloc();
	return p->tables ? 0 : PLINTH_E_NOMEM;
}

static int stack_alloc(void **stack, uint32_t pages)
{
	*stack = mem_stack_alloc(pages);
	return *stack ? 0 : PLINTH_E_NOMEM;
}

static int nmi_stack_alloc(void *ctx)
{
	return stack_alloc(&((struct vcpu *)ctx)->priv->nmi_stack, NMI_STACK_PAGES);
}

static int fault_stack_alloc(void *ctx)
{
	return stack_alloc(&((struct vcpu *)ctx)->priv->fault_stack, FAULT_STACK_PAGES);
}

static int mc_stack_alloc(void *ctx)
{
	return stack_alloc(&((struct vcpu *)ctx)->priv->mc_stack, MC_STACK_PAGES);
}

static int vendor_alloc(void *ctx)
{
	return vendor_create(ctx);
}

static void tables_free(void *ctx)
{
	mem_page_free(((struct vcpu *)ctx)->priv->tables);
}

static void nmi_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu *)ctx)->priv->nmi_stack, NMI_STACK_PAGES);
}

static void fault_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu *)ctx)->priv->fault_stack, FAULT_STACK_PAGES);
}

static void mc_stack_free(void *ctx)
{
	mem_stack_free(((struct vcpu *)ctx)->priv->mc_stack, MC_STACK_PAGES);
}

static void vendor_free(void *ctx)
{
	vendor_destroy(ctx);
}

/* clang-format off */
static const struct step memory_steps[] = {
	{"vendor's", vendor_alloc, vendor_free},
	{"descriptor tables", tables_alloc, tables_free},
	{"NMI stack", nmi_stack_alloc, nmi_stack_free},
	{"fault stack", fault_stack_alloc, fault_stack_free},
	{"machine-check stack", mc_stack_alloc, mc_stack_free},
};
/* clang-format on */

#define N_MEMORY_STEPS (sizeof(memory_steps) / sizeof(memory_steps[0]))

/* What the driver's core counts for a CPU is what is taken here. */
_Static_assert(sizeof(struct vcpu_private) + sizeof(struct vcpu *) + 2 * PLINTH_HEAP_OVERHEAD <=
		       PLINTH_VCPU_HEAP,
	       "the heap is sized for it");
_Static_assert(sizeof(struct tables) <= MEM_PAGE, "a page of PLINTH_CPU_REGIONS");

static void vcpu_fill(struct vcpu *vcpu, struct vcpu_private *p, uint32_t cpu, vcpu_exit_fn *const *handlers)
{
	vcpu->on_action = vcpu_on_action;
	vcpu->on_refusal = vcpu_on_refusal;
	p->handlers = history_handlers(handlers);
	vcpu->handlers = p->handlers;
	vcpu->shared = plinth_shared_own(vcpu_common.shared, cpu);
	vcpu->local = (struct cpu_local){.self = &vcpu->local, .cpu = cpu, .vcpu = vcpu};
	vcpu->priv = p;
}

/* struct vcpu is the top of its stack, 16-byte aligned for the calls the exit stub makes. */
static struct vcpu *vcpu_place(char *stack_top)
{
	return (struct vcpu *)((uint64_t)(stack_top - sizeof(struct vcpu)) & ~15ull);
}

static int vcpu_make(struct vcpu_private *p, char *stack, uint32_t cpu, vcpu_exit_fn *const *handlers,
		     struct vcpu **out)
{
	struct vcpu *vcpu = vcpu_place(stack);
	int err;

	vcpu_fill(vcpu, p, cpu, handlers);
	err = steps_up(memory_steps, N_MEMORY_STEPS, vcpu, NULL);
	if (err)
		return err;
	tables_init(p->tables, (uint64_t)p->nmi_stack, (uint64_t)p->fault_stack, (uint64_t)p->mc_stack);
	flush_join(vcpu);
	*out = vcpu;
	return 0;
}

int vcpu_create(uint32_t cpu, vcpu_exit_fn *const *handlers, struct vcpu **out)
{
	struct vcpu_private *p = mem_alloc(sizeof(*p), 0);
	char *stack = mem_stack_alloc(ROOT_STACK_PAGES);

	if (p && stack && !vcpu_make(p, stack, cpu, handlers, out))
		return 0;
	mem_stack_free(stack, ROOT_STACK_PAGES);
	mem_free(p);
	return PLINTH_E_NOMEM;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint64_t top = ((uint64_t)vcpu + sizeof(*vcpu) + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);

	flush_part(vcpu);
	steps_down(memory_steps, N_MEMORY_STEPS, vcpu);
	mem_stack_free((void *)top, ROOT_STACK_PAGES);
	mem_free(p);
}
