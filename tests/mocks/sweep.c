/* SPDX-License-Identifier: MIT */
#include "sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char label[256], group[128];
static unsigned long cases;

void sweep_label(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(label, sizeof(label), format, args);
	va_end(args);
}

void sweep_group(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(group, sizeof(group), format, args);
	va_end(args);
}

const char *sweep_case(void)
{
	return label;
}

void sweep_count(void)
{
	cases++;
}

void sweep_report(const char *name)
{
	const char *path = getenv("PLINTH_SWEEPS");
	FILE *file = path ? fopen(path, "a") : stdout;

	/* A test that speaks TAP is not heard otherwise. */
	if (file)
		fprintf(file, "sweep %s: %lu combinations\n", name, cases);
	if (file && path)
		fclose(file);
	cases = 0;
}

static uint64_t chance = 1;

void sweep_seed(uint64_t seed)
{
	chance = seed;
}

uint64_t sweep_draw(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return below ? chance % below : chance;
}

void sweep_expect_clean(void)
{
	for (uint32_t i = 0; i < model.violations && i < sizeof(model.violation) / sizeof(model.violation[0]);
	     i++)
		cr_expect(false, "%s: %s", label, model.violation[i]);
	model.violations = 0;
}

void sweep_expect_same(const struct machine_world *before)
{
	struct machine_world now;
	const char *differs;

	machine_snapshot(&now);
	differs = machine_compare(before, &now);
	cr_expect_null(differs, "%s: not as before: %s", label, differs);
}

void sweep_expect_corrupt(void)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} commands[] = {
		{"load", machine_load},
		{"start", machine_start},
		{"stop", machine_stop},
		{"unload", machine_unload},
	};
	struct machine_world before;

	machine_snapshot(&before);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cr_expect_eq(commands[i].run(), PLINTH_E_CORRUPT, "%s: %s", label, commands[i].name);
		cr_expect(facts_in(machine.report.text, FACTS(commands[i].name, "restart")),
			  "%s: %s does not say what to do: %s", label, commands[i].name, machine.report.text);
		sweep_expect_same(&before);
	}
	cr_expect_eq(core_destroy(machine.core), PLINTH_E_CORRUPT, "%s: the core can be taken away", label);
	sweep_expect_same(&before);
}

int sweep_loaded(void)
{
	return machine_load();
}

int sweep_warm(void)
{
	int err = sweep_started();

	machine.warm = true;
	return err ? err : machine_stop();
}

int sweep_started(void)
{
	int err = machine_load();

	return err ? err : machine_start();
}

int sweep_stop_unload(void)
{
	int err = machine_stop();

	return err ? err : machine_unload();
}

static bool corrupt(void)
{
	struct plinth_ctl_status status = {0};

	core_status(machine.core, &status);
	return status.state == PLINTH_CORRUPT;
}

/* Once more without faults, and all the way back. */
static void expect_retry(const struct scenario *s, const struct machine_world *empty)
{
	cr_expect_eq(s->run(), 0, "%s: the retry: %s", label, machine.report.text);
	if (s->undo)
		cr_expect_eq(s->undo(), 0, "%s: undo after the retry: %s", label, machine.report.text);
	sweep_expect_same(empty);
}

static void judge(const struct scenario *s, int err, uint32_t hits, const struct machine_world *before,
		  const struct machine_world *empty)
{
	if (corrupt()) {
		cr_expect_eq(err, PLINTH_E_CORRUPT, "%s: CORRUPT, but the command says %d", label, err);
		cr_expect(hits, "%s: CORRUPT without a fault", label);
		sweep_expect_corrupt();
		return;
	}
	if (!err) {
		cr_expect_eq(hits, 0, "%s: worked although \"%s\" failed", label, model_fault_name());
		if (s->circle)
			sweep_expect_same(before);
		if (s->undo)
			cr_expect_eq(s->undo(), 0, "%s: undo: %s", label, machine.report.text);
		sweep_expect_same(empty);
		return;
	}
	cr_expect(hits, "%s: error %d without a fault: %s", label, err, machine.report.text);
	cr_expect(machine.report.used, "%s: error %d without a word", label, err);
	sweep_expect_same(before);
	expect_retry(s, empty);
}

uint32_t sweep_one(const struct scenario *s, const struct model_kind *kind, uint32_t n_cpus,
		   struct sweep_faults faults)
{
	struct machine_world empty, before;
	uint32_t hits;
	int err;

	sweep_label("%s%s%s, %u CPUs, faults %u %u", group, *group ? ": " : "", s->name, n_cpus, faults.first,
		    faults.second);
	sweep_count();
	machine_reset(kind, n_cpus);
	machine_snapshot(&empty);
	if (s->prepare)
		cr_expect_eq(s->prepare(), 0, "%s: prepare: %s", label, machine.report.text);
	machine_snapshot(&before);
	model_arm(faults.first, faults.second);
	err = s->run();
	hits = model_disarm();
	judge(s, err, hits, &before, &empty);
	sweep_expect_clean();
	return hits;
}

bool sweep_comes_back(uint32_t cpu)
{
	return model_steps(cpu);
}

/* Behind the instruction that got what it wanted. */
void sweep_step(uint32_t cpu)
{
	static const struct model_exit stepped = {.kind = PLINTH_EXIT_STEP};

	model.cpu[cpu].event.info = 0;
	cr_assert_eq(model_exit(cpu, &stepped), MODEL_GUEST, "%s: CPU %u", sweep_case(), cpu);
	cr_expect_eq(model.cpu[cpu].event.info, 0, "%s: CPU %u", sweep_case(), cpu);
	cr_expect_not(sweep_comes_back(cpu), "%s: CPU %u", sweep_case(), cpu);
}
