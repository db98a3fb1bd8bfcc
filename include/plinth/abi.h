/* SPDX-License-Identifier: MIT */
/*
 * What makes a shared object a Plinth module: a note with its name, its version,
 * the module ABI it was built against and one line about it.
 */
#ifndef PLINTH_ABI_H
#define PLINTH_ABI_H

#include <stdint.h>

/*
 * Raised when a structure or a rule that all modules share changes. A change of one function
 * gives that function another version instead: PLINTH_VERSION().
 */
#define PLINTH_MODULE_ABI 1

/**
 * PLINTH_VERSION() - behind a function's declaration: this is its n-th version, n above 1.
 *
 * The version is a part of the symbol ("name.v2"), so a module that was built for another one does
 * not link, and the message names the function and both versions. Raise it when arguments,
 * result or meaning of a function change.
 */
#define PLINTH_VERSION(function, n) __asm__(#function ".v" #n)

/* Everything a module offers to others; all else is hidden by the build. */
#define PLINTH_EXPORT __attribute__((visibility("default")))

#define PLINTH_NOTE_NAME   "Plinth" /* n_name of the note, with its NUL: 7 bytes */
#define PLINTH_NOTE_MODULE 1	    /* n_type: descriptor is a struct plinth_module */

/* The descriptor; texts are NUL-terminated within their arrays. */
struct plinth_module {
	uint32_t abi; /* PLINTH_MODULE_ABI of the headers it was compiled with */
	uint32_t size;
	char name[32];
	char version[16];
	char description[96];
};

/* An ELF note as it lies in the file (gABI, "Note Section"). */
struct plinth_module_note {
	uint32_t name_bytes;
	uint32_t desc_bytes;
	uint32_t type;
	char name[8];
	struct plinth_module desc;
};

/**
 * PLINTH_MODULE() - declare the object file's module; once per module.
 * @module_name: a string, e.g. "serial"
 * @module_version: a string, e.g. "0.1.0"
 * @text: one line for `plinthctl modules`
 */
/* clang-format off */
#define PLINTH_MODULE(module_name, module_version, text)                                           \
	__attribute__((section(".note.plinth"), used, aligned(4)))                                 \
	static const struct plinth_module_note plinth_module_note = {                              \
		.name_bytes = sizeof(PLINTH_NOTE_NAME),                                            \
		.desc_bytes = sizeof(struct plinth_module),                                        \
		.type = PLINTH_NOTE_MODULE,                                                        \
		.name = PLINTH_NOTE_NAME,                                                          \
		.desc = {                                                                          \
			.abi = PLINTH_MODULE_ABI,                                                  \
			.size = sizeof(struct plinth_module),                                      \
			.name = module_name,                                                       \
			.version = module_version,                                                 \
			.description = text,                                                       \
		},                                                                                 \
	}
/* clang-format on */

#endif
