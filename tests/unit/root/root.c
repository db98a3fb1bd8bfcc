/* SPDX-License-Identifier: MIT */
#include "root.h"

#include <plinth/exit_handler.h>

#include "drivers/common/internal.h"

#define REASON_HLT   12 /* intercepted by nobody, so the test's own */
#define REASON_TIMER 52

uint64_t root_kernel_stack[64];

static vcpu_exit_fn *own_handler;

static enum exit_action on_own_exit(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	(void)below;
	(void)context;
	return own_handler(vcpu);
}

/* As an extension module does it. */
static __attribute__((constructor)) void attach(void)
{
	(void)!exit_register_kind(PLINTH_EXIT_HLT, PLINTH_EXIT_HLT, on_own_exit, NULL);
}

void root_loaded(const struct model_kind *kind, uint32_t n_cpus)
{
	machine_reset(kind, n_cpus);
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
}

void root_loaded_with_uart(const struct model_kind *kind, uint32_t n_cpus)
{
	machine_reset(kind, n_cpus);
	machine.uart_port = model.uart = 0x3f8;
	cr_assert_eq(machine_load(), 0, "%s", machine.report.text);
}

void root_up(const struct model_kind *kind)
{
	root_loaded(kind, 1);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].rip = ROOT_RIP;
	model.cpu[0].rsp = model_high((uint64_t)&root_kernel_stack[60]);
}

void root_usual(void)
{
	root_up(&model_kinds[0]);
}

enum model_end root_run(vcpu_exit_fn *handler, struct model_exit exit)
{
	own_handler = handler;
	exit.reason = REASON_HLT;
	return model_exit(0, &exit);
}

static struct {
	int (*fn)(uint64_t a, uint64_t b);
	uint64_t a, b;
} own_call;

/* What the entry module does for each call: whoever logs wants to know which CPU this is. */
static int call_as_cpu(void)
{
	static struct cpu_local local;
	uint64_t before = cpu_set_local(&local);
	int result = own_call.fn(own_call.a, own_call.b);

	cpu_restore_local(before);
	return result;
}

int root_call(int (*fn)(uint64_t a, uint64_t b), uint64_t a, uint64_t b)
{
	int result;

	own_call.fn = fn;
	own_call.a = a;
	own_call.b = b;
	core_lock();
	result = vmm_call(machine.core, 0, (uint64_t)call_as_cpu, 0);
	core_unlock();
	return result;
}

const struct plinth_boot *root_boot(void)
{
	return machine.core->space[SPACE_BOOT].kernel;
}

enum plinth_cpu_state root_state(void)
{
	return plinth_shared_cpu(core_shared_region(machine.core), 0)->state;
}

void root_timer_exit(void)
{
	static const struct model_exit timer = {.reason = REASON_TIMER};

	cr_assert(model_timer_runs(0));
	cr_assert_eq(model_exit(0, &timer), MODEL_GUEST);
}

void root_expect_event(uint32_t info)
{
	uint32_t got = model.cpu[0].event.info;

	cr_expect_eq(got, info, "event 0x%x instead of 0x%x", got, info);
}

void root_expect_clean(void)
{
	for (uint32_t i = 0; i < model.violations && i < sizeof(model.violation) / sizeof(model.violation[0]);
	     i++)
		cr_expect(false, "%s", model.violation[i]);
}
