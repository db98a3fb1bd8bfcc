/* SPDX-License-Identifier: MIT */
/*
 * The report of a crash: one, to the log, which is ring and UART. It trusts nothing but
 * the modules' own memory and this CPU's stacks, takes no lock and allocates nothing.
 */
#include "exit_kind.h"
#include "internal.h"
#include "symbol.h"

#define LINES_MAX 16 /* of a backtrace */

/* The first fault is reported, the second is told of. One more is a fault of the telling itself. */
#define FAULTS_TOLD 2

static const char *const exceptions[CPU_FAULT_VECTORS] = {
	[0] = "divide error",
	[1] = "debug exception",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range",
	[6] = "invalid opcode (#UD)",
	[7] = "no FPU",
	[8] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack fault",
	[13] = "general protection (#GP)",
	[14] = "page fault (#PF)",
	[16] = "FPU error",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD error",
	[21] = "control protection",
};

/* "vcpu+0x12f0 (vcpu_inject+0x54)", or the bare number. */
static void place_log(const char *before, uint64_t address)
{
	struct symbol s;

	if (!symbol_find(vcpu_common.modules, vcpu_common.n_modules, address, &s))
		LOG_ERR("  %s0x%llx", before, (unsigned long long)address);
	else if (!s.name)
		LOG_ERR("  %s%.32s+0x%llx", before, s.module, (unsigned long long)s.offset);
	else
		LOG_ERR("  %s%.32s+0x%llx (%s+0x%llx)", before, s.module, (unsigned long long)s.offset,
			s.name, (unsigned long long)s.name_offset);
}

/* -- the parts of a report ---------------------------------------------------------------- */

static void page_fault_log(const struct vcpu *vcpu, const struct cpu_fault *f)
{
	uint64_t address = cpu_read_cr2();

	LOG_ERR("  %s of 0x%llx, %s",
		f->error & 16  ? "execution"
		: f->error & 2 ? "write"
			       : "read",
		(unsigned long long)address, f->error & 1 ? "which forbids it" : "where nothing is mapped");
	stacks_log_guard(vcpu, address);
}

static void exception_log(const struct vcpu *vcpu, const struct cpu_fault *f)
{
	const char *name = f->vector < CPU_FAULT_VECTORS ? exceptions[f->vector] : NULL;

	if (f->vector == VECTOR_NMI)
		return;
	LOG_ERR("  %s, vector %llu, error code 0x%llx", name ? name : "reserved exception",
		(unsigned long long)f->vector, (unsigned long long)f->error);
	if (f->vector == VECTOR_PF)
		page_fault_log(vcpu, f);
}

static void registers_log(const char *whose, const struct vcpu_regs *r)
{
	LOG_ERR("%s registers:", whose);
	LOG_ERR("  RAX 0x%016llx RBX 0x%016llx RCX 0x%016llx", (unsigned long long)r->rax,
		(unsigned long long)r->rbx, (unsigned long long)r->rcx);
	LOG_ERR("  RDX 0x%016llx RSI 0x%016llx RDI 0x%016llx", (unsigned long long)r->rdx,
		(unsigned long long)r->rsi, (unsigned long long)r->rdi);
	LOG_ERR("  RBP 0x%016llx R8  0x%016llx R9  0x%016llx", (unsigned long long)r->rbp,
		(unsigned long long)r->r8, (unsigned long long)r->r9);
	LOG_ERR("  R10 0x%016llx R11 0x%016llx R12 0x%016llx", (unsigned long long)r->r10,
		(unsigned long long)r->r11, (unsigned long long)r->r12);
	LOG_ERR("  R13 0x%016llx R14 0x%016llx R15 0x%016llx", (unsigned long long)r->r13,
		(unsigned long long)r->r14, (unsigned long long)r->r15);
}

static void root_registers_log(const struct cpu_fault *f)
{
	registers_log("root", &f->regs);
	LOG_ERR("  RIP 0x%llx RSP 0x%llx RFLAGS 0x%llx", (unsigned long long)f->rip,
		(unsigned long long)f->rsp, (unsigned long long)f->rflags);
	LOG_ERR("  CR0 0x%llx CR2 0x%llx CR3 0x%llx CR4 0x%llx", (unsigned long long)cpu_read_cr0(),
		(unsigned long long)cpu_read_cr2(), (unsigned long long)cpu_read_cr3(),
		(unsigned long long)cpu_read_cr4());
}

/*
 * Frame pointers lead upwards, from one stack of this CPU to the same one or another. A
 * function that calls itself without end is one line.
 */
static void backtrace_log(const struct vcpu *vcpu, uint64_t rip, uint64_t frame)
{
	uint64_t last = 0, same = 0;
	unsigned int lines = 0;

	LOG_ERR("backtrace:");
	if (rip)
		place_log("", rip);
	while (lines < LINES_MAX && stacks_hold(vcpu, frame)) {
		const uint64_t *words = (const uint64_t *)frame;

		same = words[1] == last ? same + 1 : 0;
		if (same == 1)
			LOG_ERR("  ... and again");
		/* A return address; the call is before it. */
		if (!same) {
			place_log("", words[1] - 1);
			lines++;
		}
		last = words[1];
		if (words[0] <= frame && stacks_hold(vcpu, words[0]))
			break;
		frame = words[0];
	}
}

/* -- the whole -------------------------------------------------------------------------------- */

static void heading_log(struct vcpu *vcpu, const struct crash *crash, uint64_t rip)
{
	LOG_ERR("==== crash report of CPU %u: %s", vcpu->cpu->local.cpu, crash->what);
	place_log("at ", rip);
	LOG_ERR("  handling exit %s, reason 0x%llx, detail 0x%llx, of the guest at RIP 0x%llx",
		exit_kind_name(vcpu->exit.kind), (unsigned long long)vcpu->exit.reason,
		(unsigned long long)(vcpu->cpu->priv->loaded ? vcpu_detail(vcpu) : 0),
		(unsigned long long)vcpu->exit.rip);
}

static void report_write(struct vcpu *vcpu, const struct crash *crash, uint64_t rip, uint64_t frame)
{
	heading_log(vcpu, crash, rip);
	if (crash->brief)
		return;
	if (crash->fault)
		exception_log(vcpu, crash->fault);
	if (crash->entry)
		vendor_refusal_log(vcpu, crash->refusal);
	backtrace_log(vcpu, crash->fault ? rip : 0, frame);
	if (crash->fault)
		root_registers_log(crash->fault);
	registers_log("guest", &vcpu->regs);
	history_log(vcpu);
	if (vcpu->cpu->priv->loaded)
		vendor_dump(vcpu);
	stacks_log_depths(vcpu);
}

static __attribute__((noreturn)) void halt(struct vcpu *vcpu, const char *why)
{
	/* Before any word: the word itself may fault, and the neighbours wait for this. */
	state_set(vcpu, PLINTH_CPU_HALTED);
	if (vcpu->cpu->local.in_fault <= FAULTS_TOLD)
		LOG_ERR("==== end of report: CPU %u cannot be given back (%s) and halts",
			vcpu->cpu->local.cpu, why);
	for (;;)
		cpu_halt();
}

void vcpu_crash(struct vcpu *vcpu, const struct crash *crash)
{
	uint64_t rip = crash->fault ? crash->fault->rip : (uint64_t)__builtin_return_address(0);
	uint64_t frame = crash->fault ? crash->fault->regs.rbp : (uint64_t)__builtin_frame_address(0);
	const char *why;

	/* Of two crashes the second says nothing new, and what it would run on is broken. */
	if (vcpu->cpu->local.in_fault++)
		halt(vcpu, "another fault while the first was reported");
	report_write(vcpu, crash, rip, frame);
	vcpu = switch_to_host(vcpu);
	if (!vcpu_can_leave(vcpu, &why))
		halt(vcpu, why);
	LOG_ERR("==== end of report: CPU %u is given back to the operating system", vcpu->cpu->local.cpu);
	vcpu->cpu->priv->fatal = true;
	vcpu_leave(vcpu);
}
