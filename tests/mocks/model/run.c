/* SPDX-License-Identifier: MIT */
/* VMM code runs: called, or entered by an exit, until it is over. */
#include "internal.h"

#include <string.h>

#define ENTRY_FAILURES_MAX 4

#define STACK_BYTES 16384u

extern uint32_t model_switch_returned;

/* There in builds with the address sanitizer only. */
void __asan_unpoison_memory_region(const volatile void *address, size_t bytes) __attribute__((weak));

void model_forget_frames(uint64_t stack_top)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region((void *)(stack_top - STACK_BYTES), STACK_BYTES);
}

static uint64_t vmm_run(struct model_cpu *cpu, uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b,
			uint64_t c, uint64_t d)
{
	uint64_t value;

	model_forget_frames(stack_top);
	/* SDM, "Linear-Address Space Separation": supervisors execute nothing in the lower half. */
	if (cpu->st.cr4 & CR4_LASS)
		model_violation("the VMM runs with CR4.LASS");
	cpu->in_vmm = true;
	value = model_switch_to(stack_top, fn, a, b, c, d);
	cpu->in_vmm = false;
	return value;
}

static enum model_end resume(struct model_cpu *cpu, struct vcpu *vcpu)
{
	bool exits = false;
	int result = cpu->guest_ops->enter(cpu, vcpu, &exits);
	uint64_t end;

	if (!result)
		return exits ? MODEL_EXIT : MODEL_GUEST;
	end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_refusal, (uint64_t)vcpu, (uint64_t)result, 0,
		      0);
	return model_switch_returned ? resume(cpu, (struct vcpu *)end) : (enum model_end)end;
}

/* What the stub has called; the result, whom to resume, counts if nothing was given up meanwhile. */
static uint64_t vmm_answer(struct model_cpu *cpu, struct vcpu *vcpu)
{
	/* The real stub carries a plain EXIT_NEXT out by itself; on_action() can do every action. */
	uint64_t end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_exit, (uint64_t)vcpu, 0, 0, 0);

	if (model_switch_returned)
		end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_action, (uint64_t)vcpu,
			      end & 0xffffffff, 0, 0);
	return end;
}

/* @exit NULL: an entry that was one. */
static enum model_end handle(struct model_cpu *cpu, const struct model_exit *exit)
{
	struct vcpu *vcpu = cpu->guest_ops->leave(cpu, exit);
	uint64_t end;

	if (!vcpu)
		return MODEL_CRASHED;
	end = vmm_answer(cpu, vcpu);
	return model_switch_returned ? resume(cpu, (struct vcpu *)end) : (enum model_end)end;
}

static enum model_end handle_all(struct model_cpu *cpu, enum model_end end)
{
	for (unsigned int i = 0; end == MODEL_EXIT; i++) {
		if (i == ENTRY_FAILURES_MAX) {
			model_violation("the VMM enters an invalid guest again and again");
			return MODEL_CRASHED;
		}
		end = handle(cpu, NULL);
	}
	return end;
}

enum model_end model_call(uint32_t number, uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b,
			  uint64_t c, uint64_t d, uint64_t *result)
{
	struct model_cpu *cpu = &model.cpu[number];
	uint64_t value;

	model.here = number;
	value = vmm_run(cpu, stack_top & ~15ull, fn, a, b, c, d);
	if (!model_switch_returned)
		return handle_all(cpu, (enum model_end)value);
	*result = value;
	return MODEL_RETURNED;
}

enum model_end model_exit(uint32_t number, const struct model_exit *exit)
{
	struct model_cpu *cpu = &model.cpu[number];

	model.here = number;
	if (!cpu->guest) {
		model_violation("the test wants an exit of CPU %u, which runs no guest", number);
		return MODEL_CRASHED;
	}
	return handle_all(cpu, handle(cpu, exit));
}

bool model_due(uint32_t number, struct model_exit *out)
{
	const struct model_cpu *cpu = &model.cpu[number];

	return cpu->guest && cpu->guest_ops->due && cpu->guest_ops->due(cpu, out);
}

bool model_steps(uint32_t number)
{
	const struct model_cpu *cpu = &model.cpu[number];

	return cpu->guest_ops->steps && cpu->guest_ops->steps(cpu);
}

/* Where they do not exit a guest takes its NMIs itself. */
enum model_end model_nmi(uint32_t number)
{
	static const struct model_exit exit = {.kind = PLINTH_EXIT_EXCEPTION, .info = 0x80000202};
	struct model_cpu *cpu = &model.cpu[number];

	cpu->nmis_sent++;
	if (cpu->guest_ops->nmi_exits && cpu->guest_ops->nmi_exits(cpu))
		return model_exit(number, &exit);
	cpu->nmis_delivered++;
	return MODEL_GUEST;
}

/* -- the CPU goes back ------------------------------------------------------------------ */

/* The landing's part: CR3, then RDI, RFLAGS and RIP from the stack. */
static void land(struct model_cpu *cpu, const uint64_t *frame)
{
	cpu->st.rflags = frame[1];
	cpu->rip = frame[2];
	cpu->rsp = model_high((uint64_t)(frame + 3));
}

/* The same where a user's code goes on: RDI, and what IRETQ takes. */
static void land_in_user_mode(struct model_cpu *cpu, const uint64_t *frame)
{
	cpu->rip = frame[1];
	cpu->st.rflags = frame[3];
	cpu->rsp = frame[4];
	if (cpu->st.cr4 & CR4_CET && cpu->st.msr[MODEL_MSR_U_CET] & 1)
		cpu->ssp = cpu->st.msr[MODEL_MSR_PL3_SSP];
	if (!model_load_user(cpu, (uint16_t)frame[2], (uint16_t)frame[5]))
		model_violation("IRETQ to CS 0x%llx SS 0x%llx", (unsigned long long)frame[2],
				(unsigned long long)frame[5]);
}

void model_hand_back(const struct cpu_handback *state, uint64_t cr3)
{
	struct model_cpu *cpu = model_here();
	const uint64_t *frame;

	model_tick();
	if (cpu->virt_on)
		model_violation("CPU %u is handed back with virtual machines on", model.here);
	if (!model_kernel_idt(cpu))
		model_violation("CPU %u is handed back with the VMM's IDT", model.here);
	model.back = *state;
	model.back_cr3 = cr3;
	cpu->guest_ops = &model_vendor()->guest;
	cpu->nmis_delivered += state->nmis;
	model_mc_handled(cpu, state->machine_check);
	cpu->regs = state->regs;
	cpu->st.cr3 = cr3;
	frame = (const uint64_t *)model_low(state->rsp);
	cpu->regs.rdi = frame[0];
	if (state->land == model.land_user)
		land_in_user_mode(cpu, frame);
	else
		land(cpu, frame);
	model_switch_back(MODEL_BACK);
}
