/* SPDX-License-Identifier: MIT */
/* How the mock intrinsics module reaches the model CPU: a pointer to this table at a fixed address. */
#ifndef TESTS_MOCKS_INTRINSICS_CALLS_H
#define TESTS_MOCKS_INTRINSICS_CALLS_H

#include <stdbool.h>

#include <plinth/intrinsics.h>
#include <plinth/vcpu.h>
#include <plinth/vendor.h>

struct plinth_boot;

/* The entry module's functions, when the modules are part of the test's process. */
struct native_entry {
	int (*init)(const struct plinth_boot *boot, uint64_t cpu);
	void (*fini)(uint64_t cpu);
	int (*prepare)(uint64_t target, uint64_t cpu);
	void (*release)(uint64_t target, uint64_t cpu);
	int (*start)(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3);
	int (*check)(uint64_t cpu);
	int (*call)(uint64_t cpu);
};

/* A guest that no hardware runs: what a vendor's module that only pretends knows of it. */
struct pretence {
	uint64_t reg[VCPU_REG_COUNT]; /* by enum vcpu_reg */
	uint64_t detail;
	uint32_t event, event_error; /* to be delivered when it goes on; 0: none */
	struct vendor_root root;     /* where its exits arrive */
};

struct model_calls {
#define CALL(type, name, parameters, arguments)	   type(*name) parameters;
#define VOID_CALL(name, parameters, arguments)	   void(*name) parameters;
#define NORETURN_CALL(name, parameters, arguments) void(*name) parameters;
#include "calls.def"
#undef CALL
#undef VOID_CALL
#undef NORETURN_CALL
	/* For variants of other modules: does this call fail? */
	bool (*fault)(const char *what);
	/*
	 * For a vendor's module without hardware: the system goes on as its guest, as @guest and the vCPU's
	 * registers say.
	 */
	void (*pretend)(struct vcpu *vcpu, struct pretence *guest) __attribute__((noreturn));
	const struct native_entry *native;
};

/* In the slot that no VMM gets, because NULL is there, and where no sanitizer keeps its notes. */
#define MODEL_CALLS_PAGE 0x10010000ull
#define MODEL		 (*(const struct model_calls *const *)MODEL_CALLS_PAGE)

#endif
