/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and NMIs that arrive while VMM code runs: through the IDT in use, on the IST
 * stack it names. Before every instruction of interest the CPU is looked at: could an NMI
 * be taken now?
 */
#include "internal.h"

#include <string.h>

#define FIXUP_RIP     0x5000001000ull
#define FIXUP_LANDING 0x5000002000ull
#define PLAIN_RIP     0x5000003000ull

#define STUB_FIRST 0x5000010000ull
#define STUB_BYTES 16u

#define GATE_PRESENT_INTERRUPT 0x8e
#define TSS_IST1	       36u

static cpu_fault_fn *handler;

uint64_t model_fault_stub(unsigned int vector)
{
	return STUB_FIRST + vector * STUB_BYTES;
}

void model_set_fault_handler(cpu_fault_fn *fn)
{
	handler = fn;
}

uint64_t model_fixup(uint64_t rip)
{
	return rip == FIXUP_RIP ? FIXUP_LANDING : 0;
}

bool model_kernel_idt(const struct model_cpu *cpu)
{
	return cpu->st.idt.base == model_kernel_idt_base(model.here);
}

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, reserved;
};

static uint64_t gate_offset(const struct gate *g)
{
	return g->offset_low | (uint64_t)g->offset_middle << 16 | (uint64_t)g->offset_high << 32;
}

static bool read_gate(const struct model_cpu *cpu, uint32_t vector, struct gate *out)
{
	if (vector * sizeof(*out) + sizeof(*out) - 1 > cpu->st.idt.limit)
		return false;
	memcpy(out, (const void *)(cpu->st.idt.base + vector * sizeof(*out)), sizeof(*out));
	return true;
}

bool model_kernels(const struct model_cpu *cpu, uint32_t vector)
{
	struct gate gate;

	return read_gate(cpu, vector, &gate) && gate_offset(&gate) == model_kernel_stub(vector) &&
	       gate.type == GATE_PRESENT_INTERRUPT && gate.selector == KERNEL_CS;
}

/* What keeps an exception from being taken through the VMM's IDT, or NULL. */
static const char *gate_fault(const struct model_cpu *cpu, uint32_t vector, struct gate *out)
{
	uint32_t cs;

	if (!read_gate(cpu, vector, out))
		return "the IDT has no gate for it";
	cs = out->selector;
	if (out->type != GATE_PRESENT_INTERRUPT)
		return "its gate is not a present interrupt gate";
	if (gate_offset(out) != model_fault_stub(vector))
		return "its gate does not lead to its stub";
	/*
	 * On the kernel's own segments, and once virtual machines are off, the stack in use will do for a
	 * fault of the instruction at hand.
	 */
	if (out->ist > 7 || (!out->ist && cpu->virt_on && cs != KERNEL_CS))
		return "its gate names no IST stack";
	if (out->ist && cpu->st.seg[MODEL_TR].base == model_kernel_tss(model.here))
		return "its gate takes a stack of the kernel's task state";
	if (cs + 7 > cpu->st.gdt.limit ||
	    (*(const uint64_t *)(cpu->st.gdt.base + cs) >> 40 & 0x209b) != 0x209b)
		return "its gate's code segment is not in the GDT";
	if (cpu->st.seg[MODEL_TR].rights & RIGHTS_UNUSABLE || cpu->st.seg[MODEL_TR].limit < 103)
		return "there is no TSS";
	return NULL;
}

static const char *kernel_nmi_fault(const struct model_cpu *cpu)
{
	if (cpu->st.seg[MODEL_TR].base != model_kernel_tss(model.here))
		return "the kernel's IDT with another TSS";
	if (KERNEL_CS + 7 > cpu->st.gdt.limit ||
	    (*(const uint64_t *)(cpu->st.gdt.base + KERNEL_CS) >> 40 & 0x209b) != 0x209b)
		return "the kernel's IDT without its code segment";
	if (cpu->virt_on && cpu->st.seg[MODEL_TR].base != model_kernel_tss(model.here))
		return "the kernel's IDT in root mode";
	return NULL;
}

static uint64_t stack_of(const struct model_cpu *cpu, const struct gate *gate)
{
	uint64_t stack;

	memcpy(&stack, (const void *)(cpu->st.seg[MODEL_TR].base + TSS_IST1 + 8u * (gate->ist - 1u)),
	       sizeof(stack));
	return stack;
}

static void run_handler(const struct model_cpu *cpu, const struct gate *gate, struct cpu_fault *fault)
{
	/* On the stack in use, which is VMM code's: it called the intrinsic that ran into this. */
	uint64_t top;

	if (!gate->ist) {
		handler(fault);
		return;
	}
	top = stack_of(cpu, gate);
	model_forget_frames(top);
	model_run_on(top - sizeof(struct cpu_fault), (uint64_t)handler, (uint64_t)fault);
}

static void take_nmi(struct model_cpu *cpu)
{
	struct cpu_fault fault = {.vector = VECTOR_NMI, .rip = PLAIN_RIP};
	struct gate gate;

	cpu->nmis_sent++;
	if (model_kernels(cpu, VECTOR_NMI)) {
		cpu->nmis_delivered++;
		return;
	}
	gate_fault(cpu, VECTOR_NMI, &gate);
	cpu->in_nmi++;
	run_handler(cpu, &gate, &fault);
	cpu->in_nmi--;
}

/* A machine check may come anywhere, and its handler goes back: no other exception may be using its stack. */
static bool shares_its_stack(const struct model_cpu *cpu, const struct gate *own)
{
	struct gate other;

	/* Each takes what is free of the one in use. */
	if (!own->ist)
		return false;
	for (uint32_t vector = 0; vector < CPU_FAULT_VECTORS; vector++)
		if (vector != VECTOR_MC && !gate_fault(cpu, vector, &other) &&
		    stack_of(cpu, &other) == stack_of(cpu, own))
			return true;
	return false;
}

static const char *mc_fault(const struct model_cpu *cpu, struct gate *gate)
{
	const char *why = gate_fault(cpu, VECTOR_MC, gate);

	if (!(cpu->st.cr4 & CR4_MCE))
		return "CR4.MCE is 0: the CPU shuts down";
	if (!why && shares_its_stack(cpu, gate))
		return "its stack is another exception's, too";
	return why;
}

static void take_mc(struct model_cpu *cpu)
{
	struct cpu_fault fault = {.vector = VECTOR_MC, .rip = PLAIN_RIP};
	uint64_t *status = &cpu->st.msr[MODEL_MSR_MCG_STATUS];
	struct gate gate;

	cpu->mcs_sent++;
	if (model_kernels(cpu, VECTOR_MC)) {
		cpu->mcs_delivered++;
		return;
	}
	if (*status & MCG_STATUS_MCIP)
		model_violation("CPU %u: a machine check while one is handled: the CPU shuts down",
				model.here);
	*status = MCG_STATUS_MCIP | (model.mc_fatal ? 0 : MCG_STATUS_RIPV);
	gate_fault(cpu, VECTOR_MC, &gate);
	cpu->in_mc++;
	run_handler(cpu, &gate, &fault);
	cpu->in_mc--;
}

void model_mc_handled(struct model_cpu *cpu, uint64_t n)
{
	cpu->mcs_delivered += n;
	if (n)
		cpu->st.msr[MODEL_MSR_MCG_STATUS] = 0;
}

/* In handlers of NMIs as anywhere. */
static void tick_mc(struct model_cpu *cpu)
{
	struct gate gate;
	const char *why = model_kernels(cpu, VECTOR_MC) ? NULL : mc_fault(cpu, &gate);

	if (cpu->in_mc)
		return;
	if (why)
		model_violation("CPU %u: a machine check now would be lost: %s", model.here, why);
	cpu->mc_ticks++;
	if (model.mc_at_tick && cpu->mc_ticks == model.mc_at_tick && !why)
		take_mc(cpu);
}

/*
 * A counter that runs while root mode's own page tables are in use: what it has the CPU write goes to an
 * address that the guest chose, and ends in a page fault of the VMM, or in its memory.
 */
static void records_stay_away(const struct model_cpu *cpu)
{
	const uint64_t *msr = cpu->st.msr;

	if (model.kind->counters < 2 || !model_in_root(cpu) || cpu->current < 0 ||
	    cpu->st.cr3 != model_vendor()->root(cpu, MODEL_ROOT_CR3))
		return;
	if (msr[MODEL_MSR_PERF_GLOBAL_CTRL] || msr[MODEL_MSR_PEBS_ENABLE])
		model_violation("CPU %u: counters run on in root mode: 0x%llx, records 0x%llx", model.here,
				(unsigned long long)msr[MODEL_MSR_PERF_GLOBAL_CTRL],
				(unsigned long long)msr[MODEL_MSR_PEBS_ENABLE]);
}

void model_tick(void)
{
	struct model_cpu *cpu = model_here();
	struct gate gate;
	const char *why;

	if (cpu->guest)
		model_violation("VMM code runs on CPU %u while its guest does", model.here);
	if (cpu->st.cr4 & CR4_CET && cpu->st.msr[MODEL_MSR_S_CET] & 4)
		model_violation("CPU %u: VMM code without landing pads, which CR4.CET and IA32_S_CET demand",
				model.here);
	records_stay_away(cpu);
	tick_mc(cpu);
	if (cpu->in_nmi)
		return;
	why = model_kernels(cpu, VECTOR_NMI) ? kernel_nmi_fault(cpu) : gate_fault(cpu, VECTOR_NMI, &gate);
	if (why)
		model_violation("CPU %u: an NMI now would be lost: %s", model.here, why);
	cpu->ticks++;
	if (model.nmi_at_tick && cpu->ticks == model.nmi_at_tick && !why)
		take_nmi(cpu);
}

static void exception_crash(uint32_t vector, const char *what, const char *why)
{
	model_violation("CPU %u: exception %u from %s: %s", model.here, vector, what, why);
	model_switch_back(MODEL_CRASHED);
}

bool model_raise(uint32_t vector, uint32_t error, enum raise_how how, const char *what)
{
	struct model_cpu *cpu = model_here();
	uint64_t rip = how == RAISE_FIXUP ? FIXUP_RIP : PLAIN_RIP;
	struct cpu_fault fault = {.vector = vector, .error = error, .rip = rip};
	struct gate gate;
	const char *why;

	if (model_kernels(cpu, vector))
		exception_crash(vector, what, "it is the kernel's to handle, which cannot");
	why = gate_fault(cpu, vector, &gate);
	if (why)
		exception_crash(vector, what, why);
	run_handler(cpu, &gate, &fault);
	if (how != RAISE_FIXUP || fault.rip != FIXUP_LANDING)
		exception_crash(vector, what, "its handler returned to the instruction");
	return true;
}
