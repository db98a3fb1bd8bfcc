/* SPDX-License-Identifier: MIT */
/* An entry module without a VMM behind it: tells the test what it was asked for. */
#include <plinth/entry.h>
#include <plinth/shared.h>

#include "hook.h"

PLINTH_MODULE("mock-entry", "0.0.1", "tells a test what the driver core asks for");

extern uint64_t base_calls;
#ifdef MOCK_NEEDS
extern int nobody_has_this(void);
extern int nor_this(void);
#endif

static struct plinth_shared *shared;
static uint8_t stacks[4][16384] __attribute__((aligned(16)));

__attribute__((unused)) static void log_error(uint64_t cpu, const char *text)
{
	struct plinth_shared_cpu *c = plinth_shared_own(shared, (uint32_t)cpu);
	uint64_t n = c->log_head + 1;
	struct plinth_log_record *record = &c->log[(n - 1) % PLINTH_LOG_RECORDS];

	record->level = 0;
	__builtin_memcpy(record->tag, "mock", 5);
	for (unsigned int i = 0; i < PLINTH_LOG_TEXT - 1 && text[i]; i++)
		record->text[i] = text[i];
	record->sequence = n;
	c->log_head = n;
}

__attribute__((constructor)) static void mock_entry_up(void)
{
	mock_hook(MOCK_CTOR, 1);
}

__attribute__((destructor)) static void mock_entry_down(void)
{
	mock_hook(MOCK_DTOR, 1);
}

int entry_init(const struct plinth_boot *boot, uint64_t cpu)
{
	int err = mock_hook(MOCK_INIT, cpu);

	if (err)
		return err;
	if (boot->size != sizeof(*boot) || boot->abi != PLINTH_MODULE_ABI || base_calls != 7)
		return PLINTH_E_ABI;
	shared = (struct plinth_shared *)boot->shared_va;
	return shared->magic == PLINTH_SHARED_MAGIC ? 0 : PLINTH_E_INVAL;
}

void entry_fini(uint64_t cpu)
{
	mock_hook(MOCK_FINI, cpu);
}

int entry_prepare(uint64_t target, uint64_t cpu)
{
	int err = mock_hook(MOCK_PREPARE, target);

	(void)cpu;
	if (err)
		return err;
	plinth_shared_own(shared, (uint32_t)target)->stack_top = (uint64_t)stacks[target + 1];
	plinth_shared_own(shared, (uint32_t)target)->state = PLINTH_CPU_READY;
	return 0;
}

void entry_release(uint64_t target, uint64_t cpu)
{
	(void)cpu;
	plinth_shared_own(shared, (uint32_t)target)->state = PLINTH_CPU_OFF;
	mock_hook(MOCK_RELEASE, target);
}

int entry_check(uint64_t cpu)
{
#ifdef MOCK_NEEDS
	return nobody_has_this() + nor_this() + (int)cpu;
#else
	return mock_hook(MOCK_CHECK, cpu);
#endif
}

int entry_call(uint64_t cpu)
{
	return mock_hook(MOCK_CALL, cpu);
}

#ifndef MOCK_NO_START
int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);
	int err = mock_hook(MOCK_START, cpu);

	if (err) {
		log_error(cpu, "the mock has its reasons");
		return err;
	}
	if (here > (uint64_t)stacks[cpu + 1] || here < (uint64_t)stacks[cpu])
		return PLINTH_E_FAULT;
	if (rip != 0x1111 || rsp != 0x2222 || cr3 != 0x3333)
		return PLINTH_E_INVAL;
	plinth_shared_own(shared, (uint32_t)cpu)->state = PLINTH_CPU_GUEST;
	return 0;
}
#endif
