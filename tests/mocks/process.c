/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <string.h>

#include "drivers/common/internal.h"
#include "model/internal.h"

#define INFO_UD 0x80000306u
#define INFO_GP 0x80000b0du
#define INFO_PF 0x80000b0eu

/* -- its memory -------------------------------------------------------------------------------------- */

void process_map(const struct process *p, uint64_t va, uint64_t pa, uint64_t flags)
{
	tables_map(p->cr3, va, pa, flags);
}

void process_create(struct process *p, uint64_t id)
{
	*p = (struct process){.id = id, .cr3 = tables_create()};
	for (unsigned int i = 0; i < 2; i++)
		process_map(p, (PROCESS_BUFFER & ~(PHYSICAL_PAGE - 1)) + i * PHYSICAL_PAGE,
			    tables_page(&p->buffer[i]), TABLES_MEMORY);
	p->window = physical_of(physical_alloc(PROCESS_WINDOW_PAGES, INTROSPECTION_WINDOW_BYTES));
	for (uint64_t i = 0; i < PROCESS_WINDOW_PAGES; i++)
		process_map(p, PROCESS_WINDOW + i * PHYSICAL_PAGE, p->window + i * PHYSICAL_PAGE,
			    TABLES_MEMORY);
}

void process_power_on(const struct model_kind *kind, uint32_t n_cpus)
{
	machine_reset(kind, n_cpus);
	machine_add("introspection");
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
}

/* -- a CPU that it runs on --------------------------------------------------------------------- */

static struct kernel {
	struct vcpu_regs regs;
	uint64_t rip, rsp, rflags, cr2, cr3;
	struct model_segment cs, ss;
} kernels[MODEL_CPUS];

static const struct vcpu_regs random_regs = {.r15 = 15,
					     .r14 = ~14ull,
					     .r13 = 13,
					     .r12 = 12,
					     .r11 = 11,
					     .r10 = 0x8000000000000000ull,
					     .r9 = 9,
					     .r8 = 8,
					     .rdi = 7,
					     .rsi = 6,
					     .rbp = 5,
					     .rbx = 3,
					     .rdx = 0,
					     .rcx = 1,
					     .rax = 0};

void process_in(uint32_t cpu, uint64_t cr3)
{
	struct model_cpu *c = &model.cpu[cpu];

	kernels[cpu] = (struct kernel){.regs = c->regs,
				       .rip = c->rip,
				       .rsp = c->rsp,
				       .rflags = c->st.rflags,
				       .cr2 = c->st.cr2,
				       .cr3 = c->st.cr3,
				       .cs = c->st.seg[MODEL_CS],
				       .ss = c->st.seg[MODEL_SS]};
	c->event.info = 0;
	c->regs = random_regs;
	c->rip = PROCESS_RIP;
	c->rsp = 0x7ffc00001000;
	c->st.rflags |= 0x202;
	c->st.cr3 = cr3;
	c->st.seg[MODEL_CS].selector = 0x33;
	c->st.seg[MODEL_CS].rights = 0xa0fb;
	c->st.seg[MODEL_SS].selector = 0x2b;
	c->st.seg[MODEL_SS].rights = 0xc0f3;
}

void process_out(uint32_t cpu, struct came_of *of)
{
	const struct kernel *kernel = &kernels[cpu];
	struct model_cpu *c = &model.cpu[cpu];

	if (of)
		*of = (struct came_of){.regs = c->regs,
				       .rip = c->rip,
				       .rsp = c->rsp,
				       .rflags = c->st.rflags,
				       .cr2 = c->st.cr2,
				       .error = c->event.error};
	c->regs = kernel->regs;
	c->rip = kernel->rip;
	c->rsp = kernel->rsp;
	c->st.rflags = kernel->rflags;
	c->st.cr2 = kernel->cr2;
	c->st.cr3 = kernel->cr3;
	c->st.seg[MODEL_CS] = kernel->cs;
	c->st.seg[MODEL_SS] = kernel->ss;
	c->event.info = 0;
}

static enum came of_event(uint32_t info)
{
	switch (info) {
	case INFO_UD: return CAME_UD;
	case INFO_GP: return CAME_GP;
	case INFO_PF: return CAME_PF;
	default: return CAME_ODD;
	}
}

enum came process_exit(uint32_t cpu, const struct model_exit *exit)
{
	const struct model_cpu *c = &model.cpu[cpu];
	const uint64_t rip = c->rip;

	sweep_count();
	cr_assert_eq(model_exit(cpu, exit), MODEL_GUEST, "%s", sweep_case());
	if (c->event.info)
		return of_event(c->event.info);
	if (c->rip == rip)
		return CAME_AGAIN;
	return c->regs.rax == 0 ? CAME_DONE : c->regs.rax == 1 ? CAME_FAILED : CAME_ODD;
}

static const struct model_exit vmcall = {.kind = PLINTH_EXIT_HYPERCALL, .length = HYPERCALL_BYTES};
static const struct model_exit asks_cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};

enum came process_call(uint32_t cpu, const struct process *p, uint64_t number, uint64_t rdi, uint64_t rsi,
		       struct came_of *of)
{
	struct model_cpu *c = &model.cpu[cpu];
	enum came came;

	process_in(cpu, p->cr3);
	c->regs.rax = INTROSPECTION_CALLS + number;
	c->regs.rdi = rdi;
	c->regs.rsi = rsi;
	came = process_exit(cpu, &vmcall);
	process_out(cpu, of);
	return came;
}

void process_comes_by(uint32_t cpu)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;
	const uint64_t rip = c->rip;

	c->regs.rax = 0;
	cr_assert_eq(model_exit(cpu, &asks_cpuid), MODEL_GUEST, "%s", sweep_case());
	c->regs = regs;
	c->rip = rip;
}

enum came process_map_page(uint32_t cpu, const struct process *p, unsigned int page, uint64_t pa)
{
	const uint64_t va = PROCESS_WINDOW + page * PHYSICAL_PAGE;
	enum came came = process_call(cpu, p, INTROSPECTION_MAP, va, pa, NULL);

	for (uint32_t i = 0; came == CAME_AGAIN && i < model.n_cpus; i++) {
		process_comes_by(i);
		came = process_call(cpu, p, INTROSPECTION_MAP, va, pa, NULL);
	}
	return came;
}

bool process_leaf(uint32_t cpu, uint64_t cr3)
{
	struct came_of of;

	process_in(cpu, cr3);
	model.cpu[cpu].regs.rax = INTROSPECTION_LEAF;
	model.cpu[cpu].regs.rcx = 0x1234567;
	(void)process_exit(cpu, &asks_cpuid);
	process_out(cpu, &of);
	return of.regs.rax == INTROSPECTION_HERE && of.regs.rbx == INTROSPECTION_HERE &&
	       of.regs.rcx == INTROSPECTION_HERE && of.regs.rdx == INTROSPECTION_HERE;
}

enum came process_touch(uint32_t cpu, uint64_t cr3, uint64_t gpa, uint32_t access)
{
	const struct model_exit exit = {
		.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = gpa, .access = access, .length = 3};
	const struct model_cpu *c = &model.cpu[cpu];
	const struct model_segment cs = c->st.seg[MODEL_CS], ss = c->st.seg[MODEL_SS];
	enum came came;

	process_in(cpu, cr3 ? cr3 : c->st.cr3);
	if (!cr3) {
		model.cpu[cpu].st.seg[MODEL_CS] = cs;
		model.cpu[cpu].st.seg[MODEL_SS] = ss;
	}
	came = process_exit(cpu, &exit);
	process_out(cpu, NULL);
	return came;
}

/* -- the driver -------------------------------------------------------------------------------- */

int process_message(uint32_t cpu, const struct introspection_message *message,
		    struct introspection_answer *answer)
{
	struct model_cpu *c = &model.cpu[cpu];
	const struct vcpu_regs regs = c->regs;
	const uint64_t rip = c->rip;
	struct core_call call = {
		.cpu = cpu, .name = INTROSPECTION_NAME, .in = message, .in_bytes = sizeof(*message)};
	int err;

	call.out = answer;
	call.room = answer ? sizeof(*answer) : 0;
	report_clear(&machine.report);
	err = core_call(machine.core, &call, &machine.report);
	cr_expect_eq(!err && answer ? call.out_bytes : 0, !err && answer ? sizeof(*answer) : 0, "%s",
		     sweep_case());
	c->regs = regs;
	c->rip = rip;
	return err;
}

struct introspection_message process_admission(const struct process *p, uint32_t flags)
{
	struct introspection_message m = {
		.op = INTROSPECTION_ADMIT, .flags = flags, .id = p->id, .cr3 = p->cr3, .window = p->window};
	const struct physical_bank *banks = physical_banks(&m.n_memory);

	for (uint32_t i = 0; i < m.n_memory; i++)
		m.memory[i] = (struct introspection_memory){banks[i].from, banks[i].to};
	return m;
}

int process_admit(const struct process *p, uint32_t flags)
{
	const struct introspection_message m = process_admission(p, flags);

	return process_message(0, &m, NULL);
}

bool process_end(uint32_t cpu, const struct process *p)
{
	const struct introspection_message m = {.op = INTROSPECTION_END, .id = p->id};
	struct introspection_answer answer = {.pending = 2};

	cr_expect_eq(process_message(cpu, &m, &answer), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect(answer.pending <= 1 && !answer.reserved0, "%s", sweep_case());
	return answer.pending;
}

void process_end_all(const struct process *p)
{
	for (uint32_t cpu = 0; process_end(0, p); cpu++) {
		cr_assert_lt(cpu, model.n_cpus, "%s: it does not end", sweep_case());
		process_comes_by(cpu);
	}
}
