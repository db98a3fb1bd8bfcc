/* SPDX-License-Identifier: MIT */
/* The stacks that a CPU has in root mode. */
#include <plinth/memory.h>

#include "internal.h"

/* A report may be written on each of them, but for that of machine checks. */
static const struct {
	const char *name;
	uint32_t pages;
} kinds[CPU_STACKS] = {
	[STACK_NMI] = {"NMI", PLINTH_NMI_STACK_PAGES},
	[STACK_FAULT] = {"fault", PLINTH_FAULT_STACK_PAGES},
	[STACK_MC] = {"machine check", PLINTH_MC_STACK_PAGES},
};

void stacks_free(void *cpu)
{
	void *const *stack = ((struct cpu *)cpu)->priv->stack;

	for (unsigned int i = 0; i < CPU_STACKS; i++)
		mem_stack_free(stack[i], kinds[i].pages);
}

int stacks_alloc(void *cpu)
{
	void **stack = ((struct cpu *)cpu)->priv->stack;

	for (unsigned int i = 0; i < CPU_STACKS; i++) {
		stack[i] = mem_stack_alloc(kinds[i].pages);
		if (!stack[i]) {
			stacks_free(cpu);
			return PLINTH_E_NOMEM;
		}
	}
	return 0;
}

/* -- where they lie -------------------------------------------------------------------- */

struct stack {
	const char *name;
	uint64_t bottom, top;
};

#define STACKS (1 + CPU_STACKS) /* the vCPU's root stack first */

static struct stack stack_below(const char *name, uint64_t top, uint64_t pages)
{
	top = (top + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);
	return (struct stack){.name = name, .bottom = top - pages * MEM_PAGE, .top = top};
}

static void stacks_of(const struct vcpu *vcpu, struct stack *out)
{
	out[0] = stack_below("root", (uint64_t)(vcpu + 1), PLINTH_ROOT_STACK_PAGES);
	for (unsigned int i = 0; i < CPU_STACKS; i++)
		out[1 + i] = stack_below(kinds[i].name, (uint64_t)vcpu->cpu->priv->stack[i], kinds[i].pages);
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

static uint32_t stack_bytes(const struct stack *stack)
{
	return (uint32_t)(stack->top - stack->bottom);
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
		stack_depth(&s[0]), stack_bytes(&s[0]), stack_depth(&s[1]), stack_bytes(&s[1]),
		stack_depth(&s[2]), stack_bytes(&s[2]), stack_depth(&s[3]), stack_bytes(&s[3]));
}
