/* SPDX-License-Identifier: MIT */
/* VMM code runs: called, or entered by a VM exit, until it is over. */
#include "internal.h"

#include <stddef.h>
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

/* What HOST_RSP points into. */
static struct vcpu *vcpu_of(const struct model_cpu *cpu)
{
	return (struct vcpu *)(vmcs_get(cpu, VMCS_HOST_RSP) - offsetof(struct vcpu, on_exit));
}

/* What the exit stub does before it calls C code. */
static void stub(const struct model_cpu *cpu, struct vcpu *vcpu)
{
	vcpu->regs = cpu->regs;
	vcpu->exit.reason = vmcs_get(cpu, VMCS_EXIT_REASON);
	vcpu->exit.rip = vmcs_get(cpu, VMCS_GUEST_RIP);
	vcpu->exit.length = vmcs_get(cpu, VMCS_EXIT_INSTRUCTION_LENGTH);
	vcpu->exit.rflags = vmcs_get(cpu, VMCS_GUEST_RFLAGS);
	vcpu->exit.blocked = vmcs_get(cpu, VMCS_GUEST_INTERRUPTIBILITY);
}

static uint64_t vmm_run(struct model_cpu *cpu, uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
			uint64_t d)
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
	int result = model_enter(cpu, &vcpu->regs, true, &exits);
	uint64_t end;

	if (!result)
		return exits ? MODEL_EXIT : MODEL_GUEST;
	end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_refusal, (uint64_t)vcpu, (uint64_t)result, 0, 0);
	return model_switch_returned ? resume(cpu, (struct vcpu *)end) : (enum model_end)end;
}

/* What the stub has called; the result, whom to resume, counts if nothing was given up meanwhile. */
static uint64_t answer(struct model_cpu *cpu, struct vcpu *vcpu)
{
	/* The real stub carries a plain EXIT_NEXT out by itself; on_action() can do every action. */
	uint64_t end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_exit, (uint64_t)vcpu, 0, 0, 0);

	if (model_switch_returned)
		end = vmm_run(cpu, (uint64_t)vcpu, (uint64_t)vcpu->on_action, (uint64_t)vcpu, end & 0xffffffff, 0, 0);
	return end;
}

static enum model_end handle(struct model_cpu *cpu)
{
	struct vcpu *vcpu = vcpu_of(cpu);
	uint64_t end;

	if (vmcs_get(cpu, VMCS_HOST_RIP) != model_vm_exit_address()) {
		model_violation("HOST_RIP is not the exit stub's address");
		return MODEL_CRASHED;
	}
	stub(cpu, vcpu);
	end = answer(cpu, vcpu);
	return model_switch_returned ? resume(cpu, (struct vcpu *)end) : (enum model_end)end;
}

/* Of a guest without VT-x there is no VMCS to ask, and none that could refuse to go on. */
static enum model_end handle_pretence(struct model_cpu *cpu, const struct model_exit *exit)
{
	uint64_t end;

	pretence_take(cpu, exit);
	end = answer(cpu, cpu->pretending);
	if (!model_switch_returned)
		return (enum model_end)end;
	pretence_put(cpu);
	return MODEL_GUEST;
}

static enum model_end handle_all(struct model_cpu *cpu, enum model_end end)
{
	for (unsigned int i = 0; end == MODEL_EXIT; i++) {
		if (i == ENTRY_FAILURES_MAX) {
			model_violation("the VMM enters an invalid guest again and again");
			return MODEL_CRASHED;
		}
		model_leave_guest(cpu, NULL);
		end = handle(cpu);
	}
	return end;
}

enum model_end model_call(uint32_t number, uint64_t stack_top, uint64_t fn, uint64_t a, uint64_t b, uint64_t c,
			  uint64_t d, uint64_t *result)
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
	if (cpu->pretending)
		return handle_pretence(cpu, exit);
	model_leave_guest(cpu, exit);
	cpu->init_pending = exit->reason == 3 && model.kind->init_stays;
	return handle_all(cpu, handle(cpu));
}

bool model_timer_runs(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PIN_CONTROLS) & PIN_PREEMPTION_TIMER;
}

bool model_nmi_window_opens(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_NMI_WINDOW &&
	       !(model.cpu[cpu].interruptibility & 0xb);
}

bool model_window_opens(uint32_t cpu)
{
	return model.cpu[cpu].guest && model_field(cpu, VMCS_PRIMARY_CONTROLS) & PRIMARY_INTERRUPTS &&
	       model.cpu[cpu].st.rflags & RFLAGS_IF && !(model.cpu[cpu].interruptibility & 3);
}

/* Without NMI exiting a guest takes its NMIs itself. */
enum model_end model_nmi(uint32_t number)
{
	static const struct model_exit exit = { .reason = 0, .info = 0x80000202 };

	model.cpu[number].nmis_sent++;
	if (model_field(number, VMCS_PIN_CONTROLS) & PIN_NMI)
		return model_exit(number, &exit);
	model.cpu[number].nmis_delivered++;
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
	if (cpu->vmx_on)
		model_violation("CPU %u is handed back in VMX operation", model.here);
	if (!model_kernel_idt(cpu))
		model_violation("CPU %u is handed back with the VMM's IDT", model.here);
	model.back = *state;
	model.back_cr3 = cr3;
	cpu->pretending = NULL;
	cpu->nmis_delivered += state->nmis;
	model_mc_handled(cpu, state->machine_check);
	memcpy(&cpu->regs, state, sizeof(cpu->regs));
	cpu->st.cr3 = cr3;
	frame = (const uint64_t *)model_low(state->rsp);
	cpu->regs.rdi = frame[0];
	if (state->land == model.land_user)
		land_in_user_mode(cpu, frame);
	else
		land(cpu, frame);
	model_switch_back(MODEL_BACK);
}
