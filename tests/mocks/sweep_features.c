/* SPDX-License-Identifier: MIT */
/*
 * What CPUID shows must work in a guest: the control an instruction needs is set, or the start is refused
 * with the instruction's name; without the instruction the control stays off. And the MSRs a CPU can keep
 * away from root mode.
 */
#include "sweep.h"

#include <stddef.h>
#include <string.h>

#include "model/vmx/vmx.h"

#define ALLOWED(bits) ((uint64_t)(bits) << 32)
#define PRIMARY_ALL   0xfffbfffe04006172ull /* with tertiary controls */

static const struct feature {
	const char *name;
	size_t shown; /* the member of struct model_kind that makes CPUID show it */
	uint32_t secondary;
	uint64_t tertiary;
} features[] = {
	{"RDTSCP", offsetof(struct model_kind, rdtscp), SECONDARY_RDTSCP, 0},
	{"RDPID", offsetof(struct model_kind, rdpid), SECONDARY_RDTSCP, 0},
	{"INVPCID", offsetof(struct model_kind, invpcid), SECONDARY_INVPCID, 0},
	{"XSAVES", offsetof(struct model_kind, xsaves), SECONDARY_XSAVES, 0},
	{"TPAUSE", offsetof(struct model_kind, waitpkg), SECONDARY_USER_WAIT, 0},
	{"PCONFIG", offsetof(struct model_kind, pconfig), SECONDARY_PCONFIG, 0},
	{"RDMSRLIST", offsetof(struct model_kind, msrlist), 0, TERTIARY_MSR_LIST},
};

#define N_FEATURES (sizeof(features) / sizeof(features[0]))
#define SECONDARY_FEATURES                                                                                   \
	(SECONDARY_RDTSCP | SECONDARY_INVPCID | SECONDARY_XSAVES | SECONDARY_USER_WAIT | SECONDARY_PCONFIG)

/* A CPU that has none of them, and can enable all. */
static struct model_kind plain(void)
{
	struct model_kind kind = model_kinds[0];

	for (size_t i = 0; i < N_FEATURES; i++)
		*((bool *)&kind + features[i].shown) = false;
	kind.caps.primary = PRIMARY_ALL;
	kind.caps.secondary |= ALLOWED(SECONDARY_FEATURES);
	kind.caps.tertiary = TERTIARY_MSR_LIST;
	return kind;
}

static void show(struct model_kind *kind, const struct feature *f)
{
	*((bool *)kind + f->shown) = true;
}

static void expect_controls(uint32_t secondary, uint64_t tertiary)
{
	uint64_t primary = model_field(0, VMCS_PRIMARY_CONTROLS);

	cr_expect_eq(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_FEATURES, secondary,
		     "%s: secondary 0x%llx", sweep_case(),
		     (unsigned long long)model_field(0, VMCS_SECONDARY_CONTROLS));
	cr_expect_eq((primary & PRIMARY_TERTIARY) != 0, tertiary != 0, "%s: tertiary controls in use",
		     sweep_case());
	cr_expect_eq(model_field(0, VMCS_TERTIARY_CONTROLS), tertiary, "%s: tertiary 0x%llx", sweep_case(),
		     (unsigned long long)model_field(0, VMCS_TERTIARY_CONTROLS));
}

static void expect_start(const struct model_kind *kind, int want, const char *names)
{
	struct machine_world before;

	sweep_count();
	machine_reset(kind, 1);
	machine_snapshot(&before);
	cr_assert_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(machine_start(), want, "%s: %s", sweep_case(), machine.report.text);
	if (names)
		cr_expect(machine_logged(0, PLINTH_LOG_ERR, FACTS(names)), "%s: the log names \"%s\"",
			  sweep_case(), names);
	sweep_expect_clean();
}

Test(features, all_subsets_that_the_cpu_can_enable)
{
	for (unsigned int shown = 0; shown < 1u << N_FEATURES; shown++) {
		struct model_kind kind = plain();
		uint32_t secondary = 0;
		uint64_t tertiary = 0;

		sweep_label("features 0x%x", shown);
		for (size_t i = 0; i < N_FEATURES; i++) {
			if (!(shown >> i & 1))
				continue;
			show(&kind, &features[i]);
			secondary |= features[i].secondary;
			tertiary |= features[i].tertiary;
		}
		expect_start(&kind, 0, NULL);
		expect_controls(secondary, tertiary);
	}
	sweep_report("features that CPUID shows");
}

Test(features, refused_by_name)
{
	for (size_t i = 0; i < N_FEATURES; i++) {
		for (unsigned int how = 0; how < 2; how++) {
			struct model_kind kind = plain();

			sweep_label("%s without its control, %u", features[i].name, how);
			show(&kind, &features[i]);
			kind.caps.secondary &= ~ALLOWED(features[i].secondary);
			if (features[i].tertiary && how)
				kind.caps.primary &= ~ALLOWED(PRIMARY_TERTIARY);
			else if (features[i].tertiary)
				kind.caps.tertiary = 0;
			expect_start(&kind, PLINTH_E_NOTSUP, features[i].name);
		}
	}
	sweep_report("features that the CPU cannot enable");
}

/* -- what the running system uses ---------------------------------------------------------- */

Test(features, kernel_with_fred_is_refused)
{
	struct model_kind kind = plain();

	kind.cr4 |= CR4_FRED;
	kind.cr4_extra = CR4_FRED;
	sweep_label("CR4.FRED");
	expect_start(&kind, PLINTH_E_NOTSUP, "fred=off");
	kind.cr4_extra = 0;
	sweep_label("a CPU with FRED that nobody uses");
	expect_start(&kind, 0, NULL);
}

/* All of them stay the guest's; root mode has neither a shadow stack nor keys for its pages. */
Test(features, bits_in_use_stay_the_guests)
{
	static const uint64_t bits[] = {CR4_PKE,   CR4_CET,	CR4_PKS,
					CR4_UINTR, CR4_LAM_SUP, CR4_CET | CR4_PKS | CR4_UINTR};
	const uint64_t not_in_root_mode = CR4_CET | CR4_PKS;

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		struct model_kind kind = plain();

		kind.lam = bits[i] & CR4_LAM_SUP;
		kind.cr4 |= bits[i];
		kind.cr4_extra = bits[i];
		sweep_label("CR4 with 0x%llx", (unsigned long long)bits[i]);
		expect_start(&kind, 0, NULL);
		cr_expect_eq(model.cpu[0].st.cr4 & bits[i], bits[i], "%s", sweep_case());
		cr_expect_eq(model_field(0, VMCS_HOST_CR4) & not_in_root_mode, 0, "%s", sweep_case());
		cr_assert_eq(machine_stop(), 0, "%s: %s", sweep_case(), machine.report.text);
		cr_expect_eq(model.cpu[0].st.cr4 & bits[i], bits[i], "%s", sweep_case());
		sweep_expect_clean();
	}
}

/*
 * The gate changes stacks, and its returns would be found on no shadow stack. Landing pads and users' stacks
 * are no matter.
 */
Test(features, kernel_on_a_shadow_stack_is_refused)
{
	for (unsigned int bits = 0; bits < 8; bits++) {
		const bool cet = bits & 1, kernels = bits & 2, users = bits & 4;
		struct model_kind kind = plain();

		kind.cr4 |= CR4_CET;
		kind.cr4_extra = cet ? CR4_CET : 0;
		sweep_label("CR4.CET %d, the kernel's shadow stack %d, the user's %d", cet, kernels, users);
		sweep_count();
		machine_reset(&kind, 1);
		model.cpu[0].st.msr[MODEL_MSR_S_CET] = kernels;
		model.cpu[0].st.msr[MODEL_MSR_U_CET] = users;
		cr_assert_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
		cr_expect_eq(machine_start(), cet && kernels ? PLINTH_E_NOTSUP : 0, "%s: %s", sweep_case(),
			     machine.report.text);
		cr_expect_eq(machine_logged(0, PLINTH_LOG_ERR, FACTS("IA32_S_CET.SH_STK_EN")) > 0,
			     cet && kernels, "%s", sweep_case());
		sweep_expect_clean();
	}
	sweep_report("shadow stacks in use");
}

Test(features, trace_that_vmx_would_end_is_refused)
{
	struct model_kind kind = plain();

	for (unsigned int bits = 0; bits < 4; bits++) {
		bool tracing = bits & 1, in_vmx = bits & 2;

		kind.pt = true;
		kind.caps.misc = model_kinds[0].caps.misc | (in_vmx ? 1u << 14 : 0);
		sweep_label("Intel PT, tracing %d, in VMX %d", tracing, in_vmx);
		sweep_count();
		machine_reset(&kind, 1);
		model.cpu[0].st.msr[MODEL_MSR_RTIT_CTL] = tracing;
		cr_assert_eq(machine_load(), 0);
		cr_expect_eq(machine_start(), tracing && !in_vmx ? PLINTH_E_BUSY : 0, "%s: %s", sweep_case(),
			     machine.report.text);
		sweep_expect_clean();
	}
	sweep_report("traces");
}

static uint64_t landing_stack[64];

/*
 * A kernel whose indirect branches want ENDBR64: what stops a CPU is not the driver here, which would see to
 * it.
 */
Test(features, vmm_that_dies_beneath_landing_pads)
{
	static const struct model_exit nobodys = {.kind = PLINTH_EXIT_HLT, .length = 1};
	struct model_kind kind = plain();

	kind.cr4 |= CR4_CET;
	kind.cr4_extra = CR4_CET;
	sweep_label("landing pads");
	expect_start(&kind, 0, NULL);
	model.cpu[0].st.msr[MODEL_MSR_S_CET] = 4;
	model.cpu[0].rip = 0xffffffff81000000;
	model.cpu[0].rsp = model_high((uint64_t)&landing_stack[60]);
	cr_expect_eq(model_exit(0, &nobodys), MODEL_BACK);
	cr_expect(model.cpu[0].st.cr4 & CR4_CET, "as the guest has it");
	sweep_expect_clean();
}

/*
 * A process with a shadow stack: its pointer is in no MSR as long as the process runs, but the landing's IRET
 * takes it from one.
 */
Test(features, vmm_that_dies_beneath_a_shadow_stack)
{
	static const struct model_exit nobodys = {.kind = PLINTH_EXIT_HLT, .length = 1};
	const uint64_t now = 0x7f0000001230, before = 0x7f0000005670;

	for (unsigned int user = 0; user < 2; user++) {
		struct model_kind kind = plain();
		struct model_cpu *cpu = &model.cpu[0];

		kind.cr4 |= CR4_CET;
		kind.caps.entry |= ALLOWED(ENTRY_LOAD_CET);
		kind.cr4_extra = CR4_CET;
		sweep_label("a shadow stack, in user mode %u", user);
		expect_start(&kind, 0, NULL);
		cpu->st.msr[MODEL_MSR_U_CET] = 1;
		cpu->st.msr[MODEL_MSR_PL3_SSP] = before;
		cpu->ssp = user ? now : 0;
		cpu->rip = user ? 0x401000 : 0xffffffff81000000;
		cpu->rsp = model_high((uint64_t)&landing_stack[60]);
		if (user)
			cr_assert(model_load_user(cpu, 0x33, 0x2b));
		cr_expect_eq(model_exit(0, &nobodys), MODEL_BACK, "%s", sweep_case());
		cr_expect_eq(cpu->ssp, user ? now : 0, "%s: 0x%llx", sweep_case(),
			     (unsigned long long)cpu->ssp);
		cr_expect_eq(cpu->st.msr[MODEL_MSR_PL3_SSP], user ? now : before, "%s", sweep_case());
		sweep_expect_clean();
	}
}

/* -- MSRs on the way ------------------------------------------------------------------------- */

static const struct {
	enum model_msr msr;
	uint32_t exit, entry;
	uint64_t value; /* that it may have */
} switched[] = {
	{MODEL_MSR_PERF_GLOBAL_CTRL, EXIT_SAVE_PERF | EXIT_LOAD_PERF, ENTRY_LOAD_PERF, 0x300000005},
	{MODEL_MSR_BNDCFGS, EXIT_CLEAR_BND, ENTRY_LOAD_BND, 0x7f0000001003},
	{MODEL_MSR_RTIT_CTL, EXIT_CLEAR_RTIT, ENTRY_LOAD_RTIT, 0x12},
	{MODEL_MSR_LBR_CTL, EXIT_CLEAR_LBR, ENTRY_LOAD_LBR, 0x13},
};

#define N_SWITCHED (sizeof(switched) / sizeof(switched[0]))

/* The guest writes them, the bitmap lets it; exits and the stop must keep what it wrote. */
static void write_and_keep(void)
{
	static const struct model_exit cpuid = {.kind = PLINTH_EXIT_CPUID, .length = 2};
	struct model_state before, after;
	const char *differs;

	for (size_t i = 0; i < N_SWITCHED; i++)
		model.cpu[0].st.msr[switched[i].msr] = switched[i].value;
	model_visible(0, &before);
	cr_expect_eq(model_exit(0, &cpuid), MODEL_GUEST, "%s", sweep_case());
	model_visible(0, &after);
	differs = model_differs(&before, &after);
	cr_expect_null(differs, "%s: %s after an exit", sweep_case(), differs);
	cr_expect_eq(machine_stop(), 0, "%s: %s", sweep_case(), machine.report.text);
	for (size_t i = 0; i < N_SWITCHED; i++)
		cr_expect_eq(model.cpu[0].st.msr[switched[i].msr], switched[i].value,
			     "%s: MSR %zu after the stop", sweep_case(), i);
}

static void try_switched(unsigned int can)
{
	struct model_kind kind = plain();

	for (size_t i = 0; i < N_SWITCHED; i++) {
		kind.caps.exit &= ~ALLOWED(switched[i].exit);
		kind.caps.entry &= ~ALLOWED(switched[i].entry);
		/* A CPU that has one half is no use, and must not be misused. */
		if (can >> (2 * i) & 1)
			kind.caps.exit |= ALLOWED(switched[i].exit);
		if (can >> (2 * i) & 2)
			kind.caps.entry |= ALLOWED(switched[i].entry);
	}
	kind.caps.secondary |= ALLOWED(SECONDARY_PT_GUEST_PHYS);
	sweep_label("switched MSRs 0x%x", can);
	expect_start(&kind, 0, NULL);
	for (size_t i = 0; i < N_SWITCHED; i++) {
		bool both = (can >> (2 * i) & 3) == 3;
		bool exits = model_field(0, VMCS_EXIT_CONTROLS) & switched[i].exit;
		bool entries = model_field(0, VMCS_ENTRY_CONTROLS) & switched[i].entry;

		cr_expect(exits == both && entries == both, "%s: MSR %zu: %d %d", sweep_case(), i, exits,
			  entries);
	}
	cr_expect_eq(!(model_field(0, VMCS_SECONDARY_CONTROLS) & SECONDARY_PT_GUEST_PHYS),
		     (can >> 4 & 3) != 3, "%s: traces are translated", sweep_case());
	write_and_keep();
	sweep_expect_clean();
}

Test(features, msrs_that_root_mode_does_without)
{
	for (unsigned int can = 0; can < 1u << (2 * N_SWITCHED); can++)
		try_switched(can);
	sweep_report("MSRs that the CPU changes on the way");
}

/* -- counters ---------------------------------------------------------------------------------- */

#define NO_PEBS 0x1000ull /* of IA32_MISC_ENABLE */
#define WAYS	3u	  /* a CPU has records; has nowhere to write them; says that it has none */

/*
 * Whatever the CPU can do by controls, its counters stand still in root mode (the model sees to that) and are
 * the guest's outside.
 */
static void try_counters(uint32_t version, unsigned int records, bool by_control)
{
	static const struct model_exit nobodys = {.kind = PLINTH_EXIT_HLT, .length = 1};
	static uint64_t stack[64];
	struct model_kind kind = plain();
	bool listed = version >= 2, pebs = listed && !records;

	kind.counters = version;
	kind.no_debug_store = records == 1;
	if (by_control)
		kind.caps.exit |= ALLOWED(EXIT_SAVE_PERF | EXIT_LOAD_PERF);
	sweep_label("counters of version %u, records %u, control %d", version, records, by_control);
	sweep_count();
	machine_reset(&kind, 1);
	model.cpu[0].st.msr[MODEL_MSR_MISC_ENABLE] |= records == 2 ? NO_PEBS : 0;
	model.cpu[0].st.msr[MODEL_MSR_PEBS_ENABLE] = 0;
	cr_assert_eq(sweep_started(), 0, "%s: %s", sweep_case(), machine.report.text);
	cr_expect_eq(model_field(0, VMCS_EXIT_MSR_STORE_COUNT), pebs + (listed && !by_control), "%s",
		     sweep_case());
	for (unsigned int i = 0; i < 3; i++) {
		model.cpu[0].st.msr[MODEL_MSR_PERF_GLOBAL_CTRL] = 0x700000003 + i;
		model.cpu[0].st.msr[MODEL_MSR_PEBS_ENABLE] = pebs ? i : 0;
		cr_expect_eq(model_exit(0, &(struct model_exit){.kind = PLINTH_EXIT_CPUID, .length = 2}),
			     MODEL_GUEST);
		cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_PERF_GLOBAL_CTRL], 0x700000003 + i, "%s",
			     sweep_case());
		cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_PEBS_ENABLE], pebs ? i : 0, "%s", sweep_case());
	}
	/* Back by a crash: what the guest wrote last, too. */
	model.cpu[0].rip = 0xffffffff81000000;
	model.cpu[0].rsp = model_high((uint64_t)&stack[60]);
	cr_expect_eq(model_exit(0, &nobodys), MODEL_BACK, "%s", sweep_case());
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_PERF_GLOBAL_CTRL], 0x700000005, "%s", sweep_case());
	cr_expect_eq(model.cpu[0].st.msr[MODEL_MSR_PEBS_ENABLE], pebs ? 2 : 0, "%s", sweep_case());
	sweep_expect_clean();
}

Test(features, counters_stand_still_in_root_mode)
{
	for (uint32_t version = 0; version < 6; version++)
		for (unsigned int records = 0; records < WAYS; records++)
			for (unsigned int by_control = 0; by_control < 2; by_control++)
				try_counters(version, records, by_control);
	sweep_report("counters");
}
