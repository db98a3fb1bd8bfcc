/* SPDX-License-Identifier: MIT */
/*
 * A message to an extension: into the mailbox, into the VMM on the CPU that was asked for, and the answer out
 * of it. No state of the core changes, whatever becomes of it, but for a VMM that dies of it.
 */
#include <string.h>

#include "drivers/common/internal.h"

#define NAMES_TEXT 320u /* of those who are there, in a report; more are cut */

/* -- what is refused before anybody is asked ---------------------------------------------- */

static int check_message(const struct core_call *call, struct core_report *report)
{
	if (!call->name[0] || call->name[PLINTH_CALL_NAME - 1]) {
		report_line(report, "call refused: an extension's name has 1 to %u characters",
			    PLINTH_CALL_NAME - 1);
		return PLINTH_E_INVAL;
	}
	if (call->in_bytes > PLINTH_CALL_BYTES) {
		report_line(report,
			    "call %s refused: %llu bytes are too many: at most %u can be sent at once",
			    call->name, (unsigned long long)call->in_bytes, PLINTH_CALL_BYTES);
		return PLINTH_E_LIMIT;
	}
	return 0;
}

static int check_loaded(const struct core *core, const struct core_call *call, struct core_report *report)
{
	if (core->state == PLINTH_CORRUPT) {
		report_line(report,
			    "call %s refused: an earlier failure could not be undone: restart the machine",
			    call->name);
		return PLINTH_E_CORRUPT;
	}
	if (core->state == PLINTH_UNLOADED) {
		report_line(report, "call %s refused: no modules are loaded: load them first", call->name);
		return PLINTH_E_STATE;
	}
	return 0;
}

static int check_cpu(const struct core *core, const struct core_call *call, struct core_report *report)
{
	const uint32_t cpu = call->cpu;

	if (cpu >= core->n_cpus || !os_cpu_is_online(cpu)) {
		report_line(report, "call %s refused: CPU %u is not online: choose another (0 to %u can be)",
			    call->name, cpu, core->n_cpus - 1);
		return PLINTH_E_STATE;
	}
	if (core->state == PLINTH_RUNNING && (!core->cpus[cpu].guest || cpus_died(&core->cpus[cpu]))) {
		report_line(report,
			    "call %s refused: CPU %u is not under the VMM: choose another, or stop and start",
			    call->name, cpu);
		return PLINTH_E_STATE;
	}
	return 0;
}

/* -- into the VMM and back ------------------------------------------------------------------ */

static int deliver_here(void *arg)
{
	const struct core *core = arg;

	return os_vmm_ask(core->stop_token);
}

/* Beneath a guest by a hypercall, before the start through the gate: guests do not see the VMM's code. */
static int deliver(struct core *core, uint32_t cpu)
{
	if (core->state == PLINTH_RUNNING)
		return os_run_on(cpu, deliver_here, core);
	return vmm_call(core, cpu, core->entry[ENTRY_CALL], cpu);
}

static void post(struct plinth_mailbox *box, const struct core_call *call)
{
	memcpy(box->name, call->name, sizeof(box->name));
	box->in_bytes = call->in_bytes;
	box->room = call->room < PLINTH_CALL_BYTES ? call->room : PLINTH_CALL_BYTES;
	box->out_bytes = 0;
	box->result = 0;
	if (call->in_bytes)
		memcpy(box->body, call->in, call->in_bytes);
}

/* Once: what lies there may be another thing at the next look. */
static uint64_t answer_bytes(const struct plinth_mailbox *box)
{
	return __atomic_load_n(&box->out_bytes, __ATOMIC_ACQUIRE);
}

/* -- what came of it -------------------------------------------------------------------------- */

/* The name that the VMM itself answers to says nothing of extensions. */
static bool is_extension(const struct plinth_ctl_registration *row)
{
	return row->sort == PLINTH_REGISTERED_NAME && row->name[0] &&
	       strncmp(row->name, PLINTH_CALL_REGISTRATIONS, sizeof(row->name));
}

static void add_name(char *names, const char *name)
{
	const size_t used = strlen(names);

	if (used + PLINTH_CALL_NAME + 2 > NAMES_TEXT)
		return;
	memcpy(names + used, ", ", used ? 2 : 0);
	note_copy_text(names + used + (used ? 2 : 0), name, PLINTH_CALL_NAME);
}

/* What lies in the mailbox is the answer to PLINTH_CALL_REGISTRATIONS. */
static void say_who_is_there(struct core *core, const struct core_call *call)
{
	const struct plinth_mailbox *box = core_mailbox(core);
	const uint64_t bytes = answer_bytes(box), most = sizeof(box->body);
	char names[NAMES_TEXT] = {0};
	struct plinth_ctl_registration row;

	for (uint64_t at = 0; at + sizeof(row) <= (bytes < most ? bytes : most); at += sizeof(row)) {
		memcpy(&row, box->body + at, sizeof(row));
		if (is_extension(&row))
			add_name(names, row.name);
	}
	if (names[0])
		report_line(core->report, "call %s: no extension answers to this name; those that answer: %s",
			    call->name, names);
	else
		report_line(core->report,
			    "call %s: no extension that is loaded answers calls: load one (load --add)",
			    call->name);
}

static void say_failure(struct core *core, const struct core_call *call, int err)
{
	switch (err) {
	case PLINTH_E_NAME: say_who_is_there(core, call); return;
	case PLINTH_E_BUSY:
		report_line(core->report, "call %s: the VMM is busy with another call: try again",
			    call->name);
		return;
	default:
		report_line(core->report, "call %s: CPU %u: the VMM did not take it: %s", call->name,
			    call->cpu, plinth_strerror(err));
	}
}

/* The handler was asked. */
static int take_answer(struct core *core, struct core_call *call)
{
	const struct plinth_mailbox *box = core_mailbox(core);
	const uint64_t bytes = answer_bytes(box);
	int err = (int)__atomic_load_n(&box->result, __ATOMIC_ACQUIRE);

	if (!err && bytes > call->room)
		err = PLINTH_E_LIMIT;
	if (err) {
		report_line(core->report, "call %s: CPU %u: the extension refuses: %s (%d)", call->name,
			    call->cpu, plinth_strerror(err), err);
		explain_quote(core, call->cpu);
		return err < 0 ? err : PLINTH_E_INVAL;
	}
	if (bytes)
		memcpy(call->out, box->body, bytes);
	call->out_bytes = bytes;
	return 0;
}

static int make_call(struct core *core, struct core_call *call)
{
	int err;

	explain_mark(core);
	post(core_mailbox(core), call);
	err = deliver(core, call->cpu);
	if (core->state == PLINTH_RUNNING && cpus_died(&core->cpus[call->cpu])) {
		report_line(core->report, "call %s: CPU %u: the VMM died of it: its report is in the log",
			    call->name, call->cpu);
		return PLINTH_E_CORRUPT;
	}
	if (err) {
		say_failure(core, call, err);
		return err;
	}
	return take_answer(core, call);
}

int core_call(struct core *core, struct core_call *call, struct core_report *report)
{
	int err = check_message(call, report);

	if (err)
		return err;
	core_lock();
	err = check_loaded(core, call, report);
	if (!err)
		err = check_cpu(core, call, report);
	if (!err) {
		core->report = report;
		err = make_call(core, call);
		core->report = NULL;
	}
	core_unlock();
	/* The others are given back at once, and the state says so before the caller looks. */
	if (err == PLINTH_E_CORRUPT)
		core_watch(core, report);
	return err;
}
