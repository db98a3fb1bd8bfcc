/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MODULES 16

struct core *core;
struct core_report report;
const char *const good_modules[2] = {"entry", "base"};

/* Contents of the mock modules, read once. */
static struct {
	char name[32];
	void *bytes;
	size_t n_bytes;
} cache[MAX_MODULES];

static void read_module(unsigned int slot, const char *name)
{
	const char *folder = getenv("MOCK_MODULES");
	char path[512];
	FILE *file;

	cr_assert(folder, "MOCK_MODULES names no folder");
	snprintf(path, sizeof(path), "%s/mock_%s.so", folder, name);
	file = fopen(path, "rb");
	cr_assert(file, "%s cannot be opened", path);
	cache[slot].bytes = malloc(1 << 20);
	cache[slot].n_bytes = fread(cache[slot].bytes, 1, 1 << 20, file);
	snprintf(cache[slot].name, sizeof(cache[slot].name), "%s", name);
	fclose(file);
}

struct core_file find_module(const char *name)
{
	unsigned int i;

	for (i = 0; cache[i].bytes && strcmp(cache[i].name, name); i++)
		cr_assert_lt(i, MAX_MODULES - 1);
	if (!cache[i].bytes)
		read_module(i, name);
	return (struct core_file){
		.name = cache[i].name, .bytes = cache[i].bytes, .n_bytes = cache[i].n_bytes};
}

void fixture_up(void)
{
	mock_reset();
	report_clear(&report);
	core = core_create();
	cr_assert(core);
}

int load_modules(const char *const *names, unsigned int n, uint32_t flags, uint64_t heap_bytes)
{
	struct core_file files[MAX_MODULES];
	const struct core_load load = {
		.files = files,
		.n_files = n,
		.flags = flags,
		.log_level = PLINTH_LOG_INFO,
		.heap_bytes = heap_bytes,
	};

	for (unsigned int i = 0; i < n; i++)
		files[i] = find_module(names[i]);
	report_clear(&report);
	return core_load(core, &load, &report);
}

int load_good_with_plan(const void *plan, size_t n_plan_bytes)
{
	const struct core_file files[] = {find_module(good_modules[0]), find_module(good_modules[1])};
	const struct core_load load = {
		.files = files,
		.n_files = 2,
		.flags = PLINTH_LOAD_NO_ASLR,
		.log_level = PLINTH_LOG_INFO,
		.heap_bytes = PLINTH_CTL_MIN_HEAP,
		.plan = plan,
		.n_plan_bytes = n_plan_bytes,
	};

	report_clear(&report);
	return core_load(core, &load, &report);
}

int load_good(void)
{
	return load_modules(good_modules, 2, PLINTH_LOAD_NO_ASLR, PLINTH_CTL_MIN_HEAP);
}

int run_command_id(enum command_id command)
{
	report_clear(&report);
	switch (command) {
	case LOAD: return load_good();
	case START: return core_start(core, &report);
	case STOP: return core_stop(core, &report);
	default: return core_unload(core, &report);
	}
}

enum plinth_ctl_state state_now(void)
{
	struct plinth_ctl_status status = {.size = sizeof(status)};

	core_status(core, &status);
	return status.state;
}

bool worlds_equal(const struct mock_world *before, const char *when)
{
	bool equal = !memcmp(before, &mock_world, sizeof(*before));

	cr_expect(equal, "%s: pages %lu -> %lu, constructed %d -> %d, initialised %d -> %d, virt %d -> %d",
		  when, before->pages, mock_world.pages, before->constructed, mock_world.constructed,
		  before->initialised, mock_world.initialised, before->virt, mock_world.virt);
	for (unsigned int i = 0; i < MOCK_CPUS && !equal; i++)
		cr_expect(before->guest[i] == mock_world.guest[i] &&
				  before->prepared[i] == mock_world.prepared[i] &&
				  before->claimed[i] == mock_world.claimed[i],
			  "%s: CPU %u: guest %d, prepared %d, claimed %d", when, i, mock_world.guest[i],
			  mock_world.prepared[i], mock_world.claimed[i]);
	return equal;
}
