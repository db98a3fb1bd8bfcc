/* SPDX-License-Identifier: MIT */
/* A core over the mock operating system, with mock modules to load. */
#ifndef TESTS_UNIT_CORE_FIXTURE_H
#define TESTS_UNIT_CORE_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include <plinth/log.h>

#include "drivers/common/core.h"
#include "drivers/common/internal.h"
#include "tests/mocks/facts.h"
#include "tests/mocks/mock_os.h"

extern struct core *core;
extern struct core_report report;

/* The good modules, "entry" before "base": the core has to find their order. */
extern const char *const good_modules[2];

/* A mock module's file; a name is the file's without folder and .so. */
struct core_file find_module(const char *name);

/* A fresh world with an unloaded core. */
void fixture_up(void);

/* Read these mock modules and load them. */
int load_modules(const char *const *names, unsigned int n, uint32_t flags, uint64_t heap_bytes);
int load_good(void);
/* The good modules with a link plan. */
int load_good_with_plan(const void *plan, size_t n_plan_bytes);

/* The commands of the specification, by number. */
enum command_id { LOAD, START, STOP, UNLOAD, COMMANDS };
int run_command_id(enum command_id command);

enum plinth_ctl_state state_now(void);

/* Are the two worlds equal? Says where not. */
bool worlds_equal(const struct mock_world *before, const char *when);

/* A line of the report holds these facts (facts.h). */
#define EXPECT_REPORT(...)                                                                                   \
	cr_expect(facts_in(report.text, FACTS(__VA_ARGS__)), "no line with %s:\n%s", #__VA_ARGS__,           \
		  report.text)

#endif
