/* SPDX-License-Identifier: MIT */
/* The stacks that a CPU has in root mode. */
#include <plinth/memory.h>

#include "internal.h"

struct stack {
	const char *name;
	uint64_t bottom, top;
};

#define STACKS 4

static struct stack stack_below(const char *name, uint64_t top, uint64_t pages)
{
	top = (top + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);
	return (struct stack){.name = name, .bottom = top - pages * MEM_PAGE, .top = top};
}

static void stacks_of(const struct vcpu *vcpu, struct stack *out)
{
	out[0] = stack_below("root", (uint64_t)(vcpu + 1), ROOT_STACK_PAGES);
	out[1] = stack_below("NMI", (uint64_t)vcpu->cpu->priv->nmi_stack, NMI_STACK_PAGES);
	out[2] = stack_below("fault", (uint64_t)vcpu->cpu->priv->fault_stack, FAULT_STACK_PAGES);
	out[3] = stack_below("machine check", (uint64_t)vcpu->cpu->priv->mc_stack, MC_STACK_PAGES);
}

bool stacks_hold(const struct vcpu *vcpu, uint64_t address)
{
	struct stack stacks[STACKS];

	stacks_of(vcpu, stacks);
	for (size_t i = 0; i < STACKS; i++)
		if (address >= stacks[i].bottom && address <= stacks[i].top - 2 * sizeof(uint64_t))
			return !(address % sizeof(uint64_t));
	return false;
}

void stacks_log_guard(const struct vcpu *vcpu, uint64_t address)
{
	struct stack stacks[STACKS];

	stacks_of(vcpu, stacks);
	for (size_t i = 0; i < STACKS; i++)
		if (address >= stacks[i].bottom - MEM_PAGE && address < stacks[i].bottom)
			LOG_ERR("  stack overflow: the guard page below the %s stack (0x%llx to 0x%llx)",
				stacks[i].name, (unsigned long long)stacks[i].bottom,
				(unsigned long long)stacks[i].top);
}

/* How deep it ever was: whoever took it got it zeroed. */
static uint32_t stack_depth(const struct stack *stack)
{
	const volatile uint64_t *word = (const volatile uint64_t *)stack->bottom;

	while ((uint64_t)word < stack->top && !*word)
		word++;
	return (uint32_t)(stack->top - (uint64_t)word);
}

void stacks_log_depths(const struct vcpu *vcpu)
{
	struct stack s[STACKS];

	stacks_of(vcpu, s);
	LOG_ERR("stacks, deepest: root %u of %u, NMI %u of %u, fault %u of %u, machine check %u of %u",
		stack_depth(&s[0]), ROOT_STACK_PAGES * MEM_PAGE, stack_depth(&s[1]),
		NMI_STACK_PAGES * MEM_PAGE, stack_depth(&s[2]), FAULT_STACK_PAGES * MEM_PAGE,
		stack_depth(&s[3]), MC_STACK_PAGES * MEM_PAGE);
}
