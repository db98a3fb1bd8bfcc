/* SPDX-License-Identifier: MIT */
/* A module the mock entry module needs; variants of it are wrong in one way each. */
#include <plinth/abi.h>

#include "hook.h"

#ifdef MOCK_ABI
#define NOTE_ABI MOCK_ABI
#else
#define NOTE_ABI PLINTH_MODULE_ABI
#endif

#ifndef MOCK_NO_NOTE
__attribute__((section(".note.plinth"), used, aligned(4))) static const struct plinth_module_note note = {
	.name_bytes = sizeof(PLINTH_NOTE_NAME),
	.desc_bytes = sizeof(struct plinth_module),
	.type = PLINTH_NOTE_MODULE,
	.name = PLINTH_NOTE_NAME,
	.desc =
		{
			.abi = NOTE_ABI,
			.size = sizeof(struct plinth_module),
			.name = "mock-base",
			.version = "1.2.3",
			.description = "what the mock entry module needs",
		},
};
#endif

#ifdef MOCK_SHORT_NOTE
__attribute__((section(".note.plinth"), used, aligned(4))) static const struct {
	uint32_t name_bytes, desc_bytes, type;
	char name[8];
	uint16_t desc[2];
} note = {sizeof(PLINTH_NOTE_NAME), 2, PLINTH_NOTE_MODULE, PLINTH_NOTE_NAME, {1, 0}};
#endif

PLINTH_EXPORT uint64_t base_calls;

/* Writable, read-only-after-relocation and zeroed data, each proved by its use. */
static uint64_t filled = 7;
static uint64_t *const sealed = &filled;

__attribute__((constructor)) static void base_up(void)
{
	base_calls += *sealed;
	mock_hook(MOCK_CTOR, 0);
}

__attribute__((destructor)) static void base_down(void)
{
	mock_hook(MOCK_DTOR, 0);
}
