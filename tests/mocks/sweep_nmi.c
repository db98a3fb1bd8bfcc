/* SPDX-License-Identifier: MIT */
/*
 * An NMI or a machine check at every instruction of interest that the VMM executes, from the start over exits
 * of all sorts to the stop, and both. None may be lost, none may be delivered twice.
 */
#include "sweep.h"

#define EXITS_MAX 8
#define INFO_PF	  0x80000b0eu
#define INFO_NMI  0x80000202u

static const struct {
	struct model_exit exit;
	bool raises; /* an exception, which an NMI must not displace */
} exits[] = {
	{{.kind = PLINTH_EXIT_CPUID, .length = 2}, false},    /* CPUID */
	{{.kind = PLINTH_EXIT_HYPERCALL, .length = 3}, true}, /* a hypercall */
	{{.kind = PLINTH_EXIT_XSETBV, .length = 3}, true},    /* XSETBV */
	{{.kind = PLINTH_EXIT_MSR_WRITE, .length = 2}, true}, /* WRMSR that faults in the VMM */
	{{.kind = PLINTH_EXIT_CR_ACCESS, .detail = 0x4, .length = 3}, true}, /* MOV to CR4 that is refused */
	{{.kind = PLINTH_EXIT_CR_ACCESS, .detail = 0x110, .length = 3}, false}, /* MOV from CR0 */
	{{.kind = PLINTH_EXIT_INVD, .length = 2}, false},			/* INVD */
	/*
	 * In the middle of the delivery of a page fault, once let through, once refused: then a double fault.
	 */
	{{.kind = PLINTH_EXIT_SLAT_VIOLATION,
	  .physical = 0x123456789,
	  .vectoring = INFO_PF,
	  .vectoring_error = 2},
	 true},
	{{.kind = PLINTH_EXIT_SLAT_VIOLATION, .detail = 1, .physical = 1ull << 50, .vectoring = INFO_PF},
	 true},
	/* In the middle of the delivery of another NMI. */
	{{.kind = PLINTH_EXIT_SLAT_VIOLATION, .physical = 0x123456789, .vectoring = INFO_NMI}, false},
};

static bool comes_back(struct model_cpu *cpu)
{
	struct model_exit exit;

	if (!model_due(0, &exit))
		return false;
	cpu->rip += 4;
	if (model_exit(0, &exit) != MODEL_GUEST)
		cr_expect(false, "%s: an exit of kind %u ends the guest", sweep_case(),
			  model_exit_kind(&exit));
	return true;
}

/*
 * What a guest's CPU does by itself: the timer, interrupts that are on outside handlers of NMIs, IRET after
 * those.
 */
static void run_guest(bool blocks_nmis)
{
	struct model_cpu *cpu = &model.cpu[0];

	for (unsigned int i = 0; cpu->guest; i++) {
		if (i == EXITS_MAX) {
			cr_expect(false, "%s: the CPU comes back for ever", sweep_case());
			return;
		}
		/*
		 * The handler of an NMI is over, and IRET ends the blocking; one that began before lasts
		 * longer.
		 */
		if (!blocks_nmis || i > 1)
			cpu->interruptibility &= ~8ull;
		cpu->st.rflags = RFLAGS_FIXED | (cpu->interruptibility & 8 ? 0 : RFLAGS_IF);
		if (!comes_back(cpu) && i > 1)
			break;
	}
	cpu->interruptibility &= ~8ull;
}

static void run_exits(bool blocks_nmis)
{
	struct model_cpu *cpu = &model.cpu[0];

	for (size_t i = 0; i < sizeof(exits) / sizeof(*exits); i++) {
		cpu->rip = 0xffffffff81000000;
		cpu->interruptibility = blocks_nmis ? 8 : 0;
		cpu->regs.rax = 1ull << 40;
		cpu->regs.rcx = 0x2000;
		cpu->exceptions = 0;
		/* That one was on its way before. */
		cpu->nmis_sent += exits[i].exit.vectoring == INFO_NMI;
		if (model_exit(0, &exits[i].exit) != MODEL_GUEST)
			cr_expect(false, "%s: exit %u", sweep_case(), exits[i].exit.kind);
		run_guest(blocks_nmis);
		cr_expect_eq(cpu->exceptions, exits[i].raises, "%s: %llu exceptions after exit %u",
			     sweep_case(), (unsigned long long)cpu->exceptions, exits[i].exit.kind);
		cr_expect_eq(cpu->nmis_delivered, cpu->nmis_sent, "%s: %llu of %llu NMIs after exit %u",
			     sweep_case(), (unsigned long long)cpu->nmis_delivered,
			     (unsigned long long)cpu->nmis_sent, exits[i].exit.kind);
	}
}

/* With segments of its LDT, for which the way out has a few instructions more. */
static void run_process(void)
{
	static const unsigned int registers[] = {MODEL_ES, MODEL_DS, MODEL_FS, MODEL_GS};

	model_switch_process(0, 1, true);
	model_ldt(1)[2] = 0x00cff3000000ffff;
	for (unsigned int i = 0; i < 4; i++)
		cr_assert(model_load_user_data(0, registers[i], 2 << 3 | 7), "%s", sweep_case());
}

/* What arrives, and when: ticks are counted from the load on. */
struct arrival {
	uint64_t nmi, mc; /* at which tick; 0: none */
	bool blocked;	  /* the guest blocks NMIs */
};

/* False when all of it was over before. */
static bool nmi_case(const struct model_kind *kind, struct arrival when)
{
	struct machine_world before;
	struct model_cpu *cpu = &model.cpu[0];

	sweep_label("%s: NMI at tick %llu%s, machine check at %llu", kind->name, (unsigned long long)when.nmi,
		    when.blocked ? ", blocked" : "", (unsigned long long)when.mc);
	sweep_count();
	machine_reset(kind, 1);
	run_process();
	machine_snapshot(&before);
	cr_assert_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
	model.nmi_at_tick = when.nmi ? cpu->ticks + when.nmi : 0;
	model.mc_at_tick = when.mc ? cpu->mc_ticks + when.mc : 0;
	cr_expect_eq(machine_start(), 0, "%s: %s", sweep_case(), machine.report.text);
	run_guest(false);
	run_exits(when.blocked);
	cr_expect_eq(machine_stop(), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(machine_unload(), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(cpu->nmis_delivered, cpu->nmis_sent, "%s: %llu of %llu NMIs delivered", sweep_case(),
		     (unsigned long long)cpu->nmis_delivered, (unsigned long long)cpu->nmis_sent);
	cr_expect_eq(cpu->mcs_delivered, cpu->mcs_sent, "%s: %llu of %llu machine checks delivered",
		     sweep_case(), (unsigned long long)cpu->mcs_delivered, (unsigned long long)cpu->mcs_sent);
	sweep_expect_same(&before);
	sweep_expect_clean();
	return when.mc ? cpu->mcs_sent : cpu->ticks >= model.nmi_at_tick;
}

#define KINDS 7

Test(nmi, at_every_tick)
{
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (uint64_t tick = 1; nmi_case(&model_kinds[kind], (struct arrival){.nmi = tick}); tick++)
			;
	sweep_report("NMIs");
}

Test(nmi, at_every_tick_blocked)
{
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (uint64_t tick = 1;
		     nmi_case(&model_kinds[kind], (struct arrival){.nmi = tick, .blocked = true}); tick++)
			;
	sweep_report("NMIs while the guest blocks them");
}

#define NO_TIMER 3 /* a kind of CPU */

Test(nmi, machine_check_at_every_tick)
{
	for (unsigned int kind = 0; kind <= NO_TIMER; kind += NO_TIMER)
		for (uint64_t tick = 1; nmi_case(&model_kinds[kind], (struct arrival){.mc = tick}); tick++)
			;
	sweep_report("machine checks");
}

/* Within the handler of the NMI, and right behind it. */
Test(nmi, machine_check_at_ticks_after_an_nmi)
{
	static const uint64_t after[] = {1, 3, 6};

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		for (uint64_t tick = 1;
		     nmi_case(&model_kinds[0], (struct arrival){.nmi = tick, .mc = tick + after[i]}); tick++)
			;
	sweep_report("machine checks that meet an NMI");
}
