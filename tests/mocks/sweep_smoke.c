/* SPDX-License-Identifier: MIT */
/* Everything goes well: what the sweeps take for granted. */
#include "model/vendor.h"
#include "sweep.h"

#include <string.h>

static void expect_all_are_guests(uint32_t n_cpus)
{
	for (uint32_t i = 0; i < n_cpus; i++) {
		struct model_state visible;

		model_visible(i, &visible);
		cr_expect(model.cpu[i].guest, "CPU %u of %u is a guest", i, n_cpus);
		cr_expect(machine.claimed[i]);
		cr_expect(visible.cr4 & model_vendor()->claim, "the system's claim is seen");
	}
}

Test(machine, load_start_stop_unload)
{
	for (uint32_t n_cpus = 1; n_cpus <= SWEEP_CPUS; n_cpus++) {
		struct machine_world before;

		sweep_label("%u CPUs", n_cpus);
		machine_reset(&model_kinds[0], n_cpus);
		machine_snapshot(&before);
		machine.uart_port = model.uart = 0x3f8;
		for (unsigned int round = 0; round < 3; round++) {
			cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
			cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
			expect_all_are_guests(n_cpus);
			cr_assert_eq(machine_stop(), 0, "%s", machine.report.text);
			cr_assert_eq(machine_unload(), 0, "%s", machine.report.text);
			sweep_expect_clean();
			sweep_expect_same(&before);
		}
		cr_expect(strstr(model.serial, "plinth I cpu0 "), "the log is seen");
		cr_expect_null(strstr(model.serial, "plinth E "), "%s", model.serial);
	}
}

static const struct plinth_ctl_map *find(const struct plinth_ctl_map *maps, uint64_t n,
					 const struct plinth_ctl_map *like)
{
	for (uint64_t i = 0; i < n; i++)
		if (maps[i].table == like->table && maps[i].va == like->va)
			return &maps[i];
	return NULL;
}

/*
 * What the driver reads between load and start is what the VMM says later, and each CPU's stacks come on top.
 */
Test(machine, maps_while_it_runs)
{
	static struct plinth_ctl_map loaded[256], running[256];
	uint64_t n, more;

	machine_reset(&model_kinds[0], 2);
	cr_assert_eq(sweep_loaded(), 0);
	n = core_maps(machine.core, loaded, 256, sizeof(loaded[0]));
	cr_assert(n > 10 && n <= 256, "%lu", n);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	more = core_maps(machine.core, running, 256, sizeof(running[0]));
	cr_assert(more > n && more <= 256, "%lu", more);
	for (uint64_t i = 0; i < n; i++) {
		const struct plinth_ctl_map *same = find(running, more, &loaded[i]);

		cr_expect(same && same->bytes == loaded[i].bytes && same->flags == loaded[i].flags, "%lx",
			  loaded[i].va);
	}
	for (uint64_t i = 0; i < more; i++) {
		cr_expect_neq(running[i].flags & (PLINTH_MAP_WRITE | PLINTH_MAP_EXEC),
			      PLINTH_MAP_WRITE | PLINTH_MAP_EXEC);
		cr_expect_not(running[i].flags & (PLINTH_MAP_USER | PLINTH_MAP_GLOBAL));
	}
	/* Root, fault and NMI stack of two CPUs, in two tables. */
	cr_expect_geq(more - n, 12, "%lu rows more", more - n);
	cr_expect_eq(machine_stop(), 0);
	cr_expect_eq(machine_unload(), 0);
	sweep_expect_clean();
}

/* What each kind of CPU must lead to. */
Test(machine, kinds_of_cpus)
{
	static const struct {
		const char *kind;
		int start;
		const char *names; /* a register, a feature, a set of controls */
	} expected[] = {
		{"skylake", 0, NULL},
		{"unlocked", 0, NULL},
		{"no-vpid", 0, NULL},
		{"no-timer", 0, NULL},
		{"no-nmi-window", 0, NULL},
		{"no-true-controls", 0, NULL},
		{"no-efer-control", 0, NULL},
		{"no-vmx", PLINTH_E_NOTSUP, "VT-x"},
		{"locked-off", PLINTH_E_LOCKED, "IA32_FEATURE_CONTROL"},
		{"in-use", PLINTH_E_BUSY, "CR4.VMXE"},
		{"no-secondary", PLINTH_E_NOTSUP, "primary"},
		{"no-msr-bitmap", PLINTH_E_NOTSUP, "primary"},
		{"no-xsaves-control", PLINTH_E_NOTSUP, "XSAVES"},
		{"no-host-64", PLINTH_E_NOTSUP, "exit"},
		{"no-guest-64", PLINTH_E_NOTSUP, "entry"},
		{"uncached-vmcs", PLINTH_E_NOTSUP, "IA32_VMX_BASIC"},
		{"vmcs-below-4g", PLINTH_E_NOTSUP, "IA32_VMX_BASIC"},
		{"cr4-bit-not-allowed", PLINTH_E_NOTSUP, "CR4"},
		{"cr0-bit-demanded", PLINTH_E_NOTSUP, "CR0"},
		{"on-a-hypervisor", 0, NULL},
		{"on-two-hypervisors", 0, NULL},
		{"key-locker", 0, NULL},
	};

	cr_assert_eq(sizeof(expected) / sizeof(expected[0]), model_n_kinds);
	for (unsigned int i = 0; i < model_n_kinds; i++) {
		struct machine_world before;

		sweep_label("%s", model_kinds[i].name);
		cr_assert_str_eq(expected[i].kind, model_kinds[i].name);
		machine_reset(&model_kinds[i], 2);
		machine_snapshot(&before);
		cr_expect_eq(machine_load(), 0, "%s: %s", sweep_case(), machine.report.text);
		cr_expect_eq(machine_start(), expected[i].start, "%s: %s", sweep_case(), machine.report.text);
		if (expected[i].names)
			cr_expect(machine_logged(0, PLINTH_LOG_ERR, FACTS(expected[i].names)),
				  "%s: the log says why", sweep_case());
		else
			cr_expect_eq(machine_stop(), 0);
		cr_expect_eq(machine_unload(), 0);
		sweep_expect_clean();
		sweep_expect_same(&before);
	}
}
