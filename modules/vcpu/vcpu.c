/* SPDX-License-Identifier: MIT */
/* The module; and a vCPU is made and unmade, at the top of a root stack of its own. */
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
	host_init(vcpu_common.slat ? vcpu_common.slat->host() : NULL);
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

/* -- one vCPU ------------------------------------------------------------------ */

/* 16-byte aligned for the calls the exit stub makes. */
static struct vcpu *vcpu_place(char *stack_top)
{
	return (struct vcpu *)((uint64_t)(stack_top - sizeof(struct vcpu)) & ~15ull);
}

static char *stack_of(const struct vcpu *vcpu)
{
	return (char *)(((uint64_t)(vcpu + 1) + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1));
}

int vcpu_make(struct guest *guest, uint64_t *exits, struct vcpu **out)
{
	char *stack = mem_stack_alloc(PLINTH_ROOT_STACK_PAGES);
	struct vcpu *vcpu;

	if (!stack)
		return PLINTH_E_NOMEM;
	vcpu = vcpu_place(stack);
	vcpu->on_action = vcpu_on_action;
	vcpu->on_refusal = vcpu_on_refusal;
	vcpu->handlers = guest->recording;
	vcpu->guest = guest;
	vcpu->exits = exits;
	if (vendor_create(vcpu)) {
		mem_stack_free(stack, PLINTH_ROOT_STACK_PAGES);
		return PLINTH_E_NOMEM;
	}
	*out = vcpu;
	return 0;
}

void vcpu_unmake(struct vcpu *vcpu)
{
	vendor_destroy(vcpu);
	mem_stack_free(stack_of(vcpu), PLINTH_ROOT_STACK_PAGES);
}

int vcpu_create(struct guest *guest, struct vcpu **out)
{
	uint64_t *exits = mem_alloc(PLINTH_EXIT_KINDS * sizeof(*exits), 0);
	int err = exits ? vcpu_make(guest, exits, out) : PLINTH_E_NOMEM;

	if (err)
		mem_free(exits);
	return err;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	uint64_t *exits = vcpu->exits;

	flush_forget();
	vcpu_unmake(vcpu);
	mem_free(exits);
}
