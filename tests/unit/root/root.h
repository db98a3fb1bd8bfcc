/* SPDX-License-Identifier: MIT */
/*
 * A machine whose modules are part of the test's process, and code of the test's own that runs in
 * the VMM's place: as a handler in root mode, or as a call on the boot stack.
 *
 * Nothing may be asserted there: the stacks are the VMM's. What it finds it leaves in variables.
 */
#ifndef TESTS_UNIT_ROOT_H
#define TESTS_UNIT_ROOT_H

#include <criterion/criterion.h>

#include "tests/mocks/machine/machine.h"
#include "tests/mocks/model/vmx/vmx.h"

/* An address of the guest's kernel, and a stack it can use. */
#define ROOT_RIP 0xffffffff81234567ull
extern uint64_t root_kernel_stack[64];

/** root_loaded() - power on, load. */
void root_loaded(const struct model_kind *kind, uint32_t n_cpus);
/** root_loaded_with_uart() - the same, and the log goes to a UART as well. */
void root_loaded_with_uart(const struct model_kind *kind, uint32_t n_cpus);
/** root_up() - the same with one CPU, and start: it is a guest that is in its kernel. */
void root_up(const struct model_kind *kind);
/** root_usual() - root_up() with the first kind of CPU, for .init. */
void root_usual(void);

/** root_run() - the guest leaves for @handler as @exit says; its reason is one that the test owns. */
enum model_end root_run(vcpu_exit_fn *handler, struct model_exit exit);

/** root_call() - call @fn(@a, @b) on CPU 0, which is no guest, on the boot stack and the launch tables. */
int root_call(int (*fn)(uint64_t a, uint64_t b), uint64_t a, uint64_t b);

/** root_boot() - what the modules were brought up with. */
const struct plinth_boot *root_boot(void);

/* How many lines of CPU 0's log, of that level or a more urgent one, hold these facts (facts.h)? */
#define ROOT_LOGGED(level, ...) machine_logged(0, level, FACTS(__VA_ARGS__))
/* A crash report is errors, and nothing else. */
#define ROOT_REPORTED(...)	ROOT_LOGGED(PLINTH_LOG_ERR, __VA_ARGS__)

/** root_state() - CPU 0's, as the shared region has it. */
enum plinth_cpu_state root_state(void);

/** root_timer_exit() - the VMX-preemption timer of CPU 0, which must run, brings it back once. */
void root_timer_exit(void);

/** root_expect_event() - what the last entry of CPU 0 injected; 0: nothing. */
void root_expect_event(uint32_t info);

/** root_expect_clean() - the model saw nothing that a CPU forbids. */
void root_expect_clean(void);

#endif
