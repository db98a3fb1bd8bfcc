/* SPDX-License-Identifier: MIT */
/*
 * Processes with segments of their own: an LDT that with page-table isolation only the process's own tables
 * show, on each CPU another one, and another one again when the CPU is given back. What the segment registers
 * held, hidden parts included, is what they hold afterwards.
 */
#include "sweep.h"

#include "model/internal.h"

#define PRESENT_USER 0xf0u
#define FLAG_DB	     4u
#define FLAG_G	     8u

static uint64_t descriptor_of(uint32_t base, uint32_t limit, uint32_t type, uint32_t flags)
{
	return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(PRESENT_USER | type) << 40 |
	       (uint64_t)(limit >> 16 & 0xf) << 48 | (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

#define LDT(i)	 ((i) << 3 | 7)
#define LDT_CODE LDT(9)
#define LDT_SS	 LDT(10)

/* What a register may hold: null with each RPL, the GDT's user segment, and what an LDT can say. */
static const uint16_t selectors[] = {0, 3, 0x2b, LDT(0), LDT(1), LDT(2), LDT(3), LDT(15)};

#define N_SELECTORS (sizeof(selectors) / sizeof(selectors[0]))

/* Of every process other bases: who looks into the wrong table is told. */
static void fill_ldt(uint32_t process)
{
	uint64_t *ldt = model_ldt(process);
	uint32_t base = 0x10000000 * (process + 1);

	ldt[0] = descriptor_of(base, 0xfffff, 3, FLAG_DB | FLAG_G);
	ldt[1] = descriptor_of(base | 0x1234, 0xfff, 3, 0);		    /* 16 bits */
	ldt[2] = descriptor_of(base | 0x345678, 0xff, 7, FLAG_DB | FLAG_G); /* expands down */
	ldt[3] = descriptor_of(base, 0x1ffff, 11, FLAG_DB);		    /* code that can be read */
	ldt[9] = descriptor_of(0, 0xfffff, 11, FLAG_DB | FLAG_G);
	ldt[10] = descriptor_of(0, 0xfffff, 3, FLAG_DB | FLAG_G);
	ldt[15] = descriptor_of(base | 0xfff, 0, 1, 0);
}

static const unsigned int registers[] = {MODEL_ES, MODEL_DS, MODEL_FS, MODEL_GS};

/* One register holds one thing, the others another. */
struct segments {
	unsigned int reg;
	uint16_t its, others;
};

static void run_process_with(uint32_t cpu, uint32_t process, bool isolated, const struct segments *s)
{
	model_switch_process(cpu, process, isolated);
	for (unsigned int i = 0; i < 4; i++)
		cr_assert(model_load_user_data(cpu, registers[i], i == s->reg ? s->its : s->others),
			  "%s: a process", sweep_case());
	model.cpu[cpu].st.msr[MODEL_MSR_FS_BASE] = 0x7f0000000000 + process;
	model.cpu[cpu].st.msr[MODEL_MSR_GS_BASE] = 0xffff888100000000 + process;
}

/* -- how a CPU is given back ------------------------------------------------------------------ */

enum end { BY_STOP, BY_CRASH, BY_CRASH_IN_USER_MODE, BY_CRASH_IN_LDT_CODE, ENDS };

static void be_in_user_mode(struct model_cpu *cpu, uint16_t cs, uint16_t ss)
{
	cr_assert(model_load_user(cpu, cs, ss), "%s", sweep_case());
	cpu->rip = 0x401000;
	cpu->rsp = 0x7ffc0000;
}

static void be_somewhere(struct model_cpu *cpu, enum end end)
{
	static uint64_t stack[64];

	cpu->st.rflags = RFLAGS_FIXED | RFLAGS_IF;
	cpu->rip = 0xffffffff81000000;
	cpu->rsp = model_high((uint64_t)&stack[60]);
	if (end == BY_CRASH_IN_USER_MODE)
		be_in_user_mode(cpu, 0x33, 0x2b);
	else if (end == BY_CRASH_IN_LDT_CODE)
		be_in_user_mode(cpu, LDT_CODE, LDT_SS);
}

static void crash_with_segments(uint32_t number, enum end how)
{
	static const struct model_exit nobodys = {.kind = PLINTH_EXIT_HLT, .length = 1};
	struct model_cpu *cpu = &model.cpu[number];
	struct model_state before;
	enum model_end end;
	const char *differs;

	be_somewhere(cpu, how);
	model_visible(number, &before);
	before.cr4 &= ~model_vendor()->claim;
	end = model_exit(number, &nobodys);
	cr_expect_eq(end, MODEL_BACK, "%s: ended with %d", sweep_case(), (int)end);
	differs = model_differs(&before, &cpu->st);
	cr_expect_null(differs, "%s: another %s", sweep_case(), differs);
}

static void segments_case(const struct segments *s, bool isolated, bool switches, enum end end)
{
	const uint32_t last = 1;

	sweep_label("register %u: selector 0x%x, others 0x%x, isolated %d, switch %d, end %d", s->reg, s->its,
		    s->others, isolated, switches, (int)end);
	sweep_count();
	machine_reset(&model_kinds[0], last + 1);
	for (uint32_t process = 0; process < MODEL_PROCESSES; process++)
		fill_ldt(process);
	for (uint32_t cpu = 0; cpu <= last; cpu++)
		run_process_with(cpu, cpu, isolated, s);
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
	for (uint32_t cpu = 0; switches && cpu <= last; cpu++)
		run_process_with(cpu, cpu + 3, isolated, s);
	if (end == BY_STOP) {
		cr_expect_eq(sweep_stop_unload(), 0, "%s: %s", sweep_case(), machine.report.text);
	} else {
		crash_with_segments(last, end);
		cr_expect_eq(machine_stop(), PLINTH_E_CORRUPT, "%s: %s", sweep_case(), machine.report.text);
		cr_expect_not(model.cpu[0].guest, "%s: the other CPU is given back", sweep_case());
	}
	sweep_expect_clean();
}

static void every_end(const struct segments *s)
{
	for (unsigned int how = 0; how < 4 * ENDS; how++)
		segments_case(s, how & 1, how & 2, (enum end)(how >> 2));
}

Test(segments, of_processes_on_both_cpus)
{
	for (unsigned int reg = 0; reg < 4; reg++)
		for (unsigned int its = 0; its < N_SELECTORS; its++)
			for (unsigned int others = 0; others < N_SELECTORS; others += 3)
				every_end(&(struct segments){reg, selectors[its], selectors[others]});
	sweep_report("segments of processes");
}
