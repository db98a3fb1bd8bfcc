/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drivers/common/os.h"
#include "mock_os.h"

#include "memory.h"

struct mock_world mock_world;
struct mock_config mock_config;

static uint32_t here; /* the CPU that "runs" now */
static char trace[4096];
static size_t traced;

/* -- faults ----------------------------------------------------------------- */

static unsigned int calls, armed[2], hits;

static bool call_fails(void)
{
	calls++;
	if (calls != armed[0] && calls != armed[1])
		return false;
	hits++;
	return true;
}

void mock_arm(unsigned int first, unsigned int second)
{
	calls = hits = 0;
	armed[0] = first;
	armed[1] = second;
}

unsigned int mock_disarm(void)
{
	armed[0] = armed[1] = 0;
	return hits;
}

/* -- what the mock modules tell --------------------------------------------- */

static void note_event(enum mock_event event, uint64_t cpu)
{
	static const char names[MOCK_EVENTS][4] = {"c+", "c-", "i+", "i-", "p+", "p-", "?", "!", "s+"};

	if (traced + 8 < sizeof(trace)) {
		for (const char *c = names[event]; *c; c++)
			trace[traced++] = *c;
		trace[traced++] = (char)('0' + cpu);
		trace[traced++] = ' ';
	}
}

static bool event_fails(enum mock_event event, uint64_t cpu)
{
	if (mock_config.fail_event == event + 1 && mock_config.fail_event_cpu == cpu)
		return true;
	/* The others cannot fail. */
	return (event == MOCK_INIT || event == MOCK_PREPARE || event == MOCK_CHECK || event == MOCK_START) &&
	       call_fails();
}

static int gate_ask(uint64_t cpu)
{
	return mock_config.ask ? mock_config.ask((uint32_t)cpu) : PLINTH_E_NAME;
}

static int hook(enum mock_event event, uint64_t cpu)
{
	if (event == MOCK_CALL)
		return gate_ask(cpu);
	if (event_fails(event, cpu))
		return mock_config.entry_error;
	note_event(event, cpu);
	switch (event) {
	case MOCK_CTOR: mock_world.constructed++; break;
	case MOCK_DTOR: mock_world.constructed--; break;
	case MOCK_INIT: mock_world.initialised = true; break;
	case MOCK_FINI: mock_world.initialised = false; break;
	case MOCK_PREPARE: mock_world.prepared[cpu] = true; break;
	case MOCK_RELEASE: mock_world.prepared[cpu] = false; break;
	default: break;
	}
	return 0;
}

const char *mock_trace(void)
{
	trace[traced] = '\0';
	return trace;
}

void mock_reset(void)
{
	mock_hook_fn **page = (mock_hook_fn **)MOCK_HOOK_PAGE;

	if (mmap(page, OS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	    page)
		abort();
	*page = hook;
	memory_reset();
	memset(&mock_world, 0, sizeof(mock_world));
	mock_config = (struct mock_config){
		.n_cpus = 2, .levels = 4, .random = 0x12345, .entry_error = PLINTH_E_NOTSUP};
	mock_arm(0, 0);
	traced = 0;
}

/* -- os.h -------------------------------------------------------------------- */

void *os_alloc_pages(size_t pages, size_t align)
{
	return call_fails() ? NULL : memory_alloc(pages, align);
}

void os_free_pages(void *memory, size_t pages)
{
	memory_free(memory, pages);
}

uint64_t os_virt_to_phys(const void *memory)
{
	return memory_pa(memory);
}

bool os_next_memory(uint64_t from, uint64_t *start, uint64_t *end)
{
	*start = 0;
	*end = 8ull << 30;
	return from < *end;
}

bool os_slat_gib_pages(void)
{
	return false;
}

uint32_t os_cpu_count(void)
{
	return mock_config.n_cpus;
}

bool os_cpu_is_online(uint32_t cpu)
{
	return cpu < mock_config.n_cpus && !mock_config.offline[cpu];
}

int os_run_on(uint32_t cpu, int (*fn)(void *), void *arg)
{
	int result;

	/* Nothing is locked in a callback of hot-plug. */
	if (mock_world.locked && !mock_world.cpus_locked)
		abort();
	if (call_fails() || !os_cpu_is_online(cpu))
		return PLINTH_E_STATE;
	here = cpu;
	result = fn(arg);
	if (mock_config.after_run)
		mock_config.after_run(cpu);
	return result;
}

/* Only what can take long asks, and while CPUs are kept from coming and going nothing may. */
bool os_relax(void)
{
	if (mock_world.cpus_locked || !mock_world.locked)
		abort();
	return !mock_config.relax || mock_config.relax();
}

void os_lock(void)
{
	mock_world.locked++;
}

void os_unlock(void)
{
	mock_world.locked--;
}

void os_cpus_lock(void)
{
	if (!mock_world.locked || mock_world.cpus_locked++)
		abort();
}

void os_cpus_unlock(void)
{
	mock_world.cpus_locked--;
}

uint64_t os_random(void)
{
	return mock_config.random;
}

uint32_t os_paging_levels(void)
{
	return mock_config.levels;
}

int os_gate_check(const char **why)
{
	(void)why;
	return 0;
}

void os_gate_fill(struct plinth_boot *boot)
{
	boot->stop_rip = 0xffffffff81000000;
	boot->land = 0xffffffff81000100;
	boot->land_user = 0xffffffff81000200;
	boot->user_cr3 = 0x1000;
}

/* On each CPU another process runs. */
uint32_t mock_process(void)
{
	return here;
}

static void gate_enter(uint64_t launch_pa)
{
	mock_world.others_half += mock_process_in(memory_physical(launch_pa)) != (int)here;
	memory_enter(launch_pa, mock_config.levels);
}

int os_vmm_call(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint64_t arg0, uint64_t arg1)
{
	gate_enter(launch_pa);
	return memory_call(stack_top, fn, arg0, arg1, 0, 0);
}

int os_vmm_start(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint32_t cpu)
{
	int err;

	gate_enter(launch_pa);
	err = memory_call(stack_top, fn, cpu, 0x1111, 0x2222, 0x3333);
	if (!err && (cpu != here || mock_world.guest[cpu]))
		abort();
	if (!err)
		mock_world.guest[cpu] = true;
	return err;
}

int os_vmm_stop(const uint64_t token[2])
{
	if (token[0] != mock_config.random || !mock_world.guest[here])
		abort();
	if (call_fails())
		return PLINTH_E_VIRT;
	note_event(MOCK_EVENTS - 1, here);
	trace[traced - 3] = '-';
	mock_world.guest[here] = false;
	return 0;
}

/* Two runs in each table. */
int os_vmm_map(const uint64_t token[2], uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	if (token[0] != mock_config.random || !mock_world.guest[here])
		abort();
	if (call_fails())
		return PLINTH_E_VIRT;
	if (from > MOCK_MAP_VA + MOCK_MAP_STEP)
		return PLINTH_E_FAULT;
	out->va = from > MOCK_MAP_VA ? MOCK_MAP_VA + MOCK_MAP_STEP : MOCK_MAP_VA;
	out->bytes = OS_PAGE;
	out->flags = table == PLINTH_MAP_ROOT ? PLINTH_MAP_WRITE : PLINTH_MAP_EXEC;
	return 0;
}

int os_vmm_ask(const uint64_t token[2])
{
	if (token[0] != mock_config.random || !mock_world.guest[here])
		abort();
	return call_fails() ? PLINTH_E_VIRT : gate_ask(here);
}

int os_virt_acquire(const char **why)
{
	*why = "the mock is in the way";
	if (call_fails())
		return PLINTH_E_BUSY;
	mock_world.virt = true;
	return 0;
}

void os_virt_release(void)
{
	mock_world.virt = false;
}

void os_cpu_claim(void)
{
	mock_world.claimed[here] = true;
}

void os_cpu_unclaim(void)
{
	mock_world.claimed[here] = false;
}

void mock_be_on(uint32_t cpu)
{
	here = cpu;
}

void *mock_physical(uint64_t pa)
{
	return memory_physical(pa);
}
