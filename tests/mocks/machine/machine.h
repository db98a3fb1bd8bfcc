/* SPDX-License-Identifier: MIT */
/*
 * A whole machine in user space: the model CPU, physical memory, an operating system
 * (drivers/common/os.h) whose gate enters the VMM for real, and the driver core, which
 * loads the shipped modules by the shipped rtld. Only the intrinsics are a mock.
 */
#ifndef TESTS_MOCKS_MACHINE_H
#define TESTS_MOCKS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/common/core.h"
#include "facts.h"
#include "model/model.h"
#include "physical.h"

#define MACHINE_MODULES 12u

/* Where the machine's own code lies, in the kernel's half. */
#define MACHINE_STOP_RIP  0xffffffffc0a01000ull
#define MACHINE_LAND	  0xffffffffc0a02000ull
#define MACHINE_GATE	  0xffffffffc0a03000ull
#define MACHINE_LAND_USER 0xffffffffc0a04000ull
#define MACHINE_USER_CR3  0x1000ull /* page tables of user mode have this bit set */
#define HYPERCALL_BYTES	  3u

/* What one CPU is besides what software sees of it. */
struct machine_cpu_world {
	uint64_t virt_region, interruptibility, activity, pending_debug;
	uint64_t vmm_state, stack_top; /* in its block of the shared region */
	int64_t current;
	uint64_t virt_on, guest, halted, in_vmm, in_nmi, claimed;
	uint64_t log_torn, log_head; /* records that cannot be read; the newest */
};

/* CPUs of which a world has all, so that the comparison can name it; of more CPUs it has sums. */
#define MACHINE_WORLD_CPUS 4u

struct machine_cpu_sum {
	uint64_t state, world, log_head;
};

/* Everything that a start or a load changes: equal before and after what is undone. */
struct machine_world {
	struct model_state state[MACHINE_WORLD_CPUS];
	struct machine_cpu_world cpu[MACHINE_WORLD_CPUS];
	struct machine_cpu_sum more[MODEL_CPUS]; /* of the others */
	uint64_t kernel;			 /* of what must not change in the kernel's memory, a sum */
	uint64_t launch_map, root_map; /* who is mapped where and how, in both sets of page tables; sums */
	uint64_t tuning;	       /* levels and rules of the log, a sum */
	uint64_t pages;
	uint64_t vmm_heap, vmm_pool; /* in use inside the VMM, while it is loaded */
	uint64_t locked, cpus_locked, active, virt;
	/* The driver's. */
	uint64_t core_state, core_pages, core_modules, core_finis, guests, paused;
};

/* What can be wrong with a module's file. */
enum machine_flaw { FLAW_NONE, FLAW_MISSING, FLAW_TWICE, FLAW_ABI, FLAW_CUT, MACHINE_FLAWS };

struct machine {
	struct core *core;
	struct core_report report;
	uint32_t virt, locked, cpus_locked;
	bool claimed[MODEL_CPUS], offline[MODEL_CPUS];
	uint64_t random; /* every os_random() */
	uint32_t levels;
	uint32_t uart_port;
	uint64_t heap_bytes;		      /* to load with; 0: as much as the core finds right */
	const char *modules[MACHINE_MODULES]; /* names, or paths without ".so", in load order; NULL ends */
	enum machine_flaw flaw[MACHINE_MODULES];
	bool lazy;	     /* load with PLINTH_LOAD_LAZY */
	bool warm;	     /* it was started before: the page tables it makes on the way are there */
	uint64_t land_error; /* what a refused start brought back */
	uint64_t fault_va, fault_tick; /* the last access that found no mapping, and when */
	uint32_t fault_cpu;
};

extern struct machine machine;

/*
 * What is loaded, and what needs no file because it is part of the test's process: shipped.c or
 * native/native.c says. NULL ends.
 */
extern const char *const machine_usual[];
extern const char *const machine_linked[];

/** machine_reset() - power on with the usual modules; nothing is loaded, nothing armed. */
void machine_reset(const struct model_kind *kind, uint32_t n_cpus);

#define MACHINE_BITS_LEAST 36u
#define MACHINE_BITS_MOST  52u

/* A machine that a user might have. */
struct machine_hardware {
	struct model_change cpu;
	uint32_t n_cpus;	       /* 1 to MODEL_CPUS */
	struct physical_layout memory; /* address_bits are the CPU's */
};

/**
 * machine_build() - power on such a machine.
 * Return: false: there is none; what is said is why, and there is the usual one.
 */
bool machine_build(const struct machine_hardware *hardware, const char **why);

/** machine_has() - is a module of that name to be loaded? */
bool machine_has(const char *module);
/** machine_replace() - load the file @with instead of @module. */
void machine_replace(const char *module, const char *with);
/** machine_add() - load a module in addition, before the entry module; one that is linked is there already.
 */
void machine_add(const char *module);

/* The core's commands. */
int machine_load(void);
int machine_start(void);
int machine_stop(void);
int machine_unload(void);

void machine_snapshot(struct machine_world *out);
/** machine_compare() - what differs first, or NULL. The log may have grown: that is what it is for. */
const char *machine_compare(const struct machine_world *a, const struct machine_world *b);

/** machine_table() - memory by its physical address, for struct pt. */
uint64_t *machine_table(void *ctx, uint64_t pa);

/** machine_pages() - what the driver holds of the machine's memory. */
uint64_t machine_pages(void);

/** machine_check_state() - the shared region says of a CPU whether it is a guest. */
void machine_check_state(uint32_t cpu, bool guest);

/** machine_process_of() - whose LDT these page tables show, as model.process_of. */
int machine_process_of(uint64_t cr3);

/** machine_guest_cr4() - the guest on a CPU writes CR4. */
void machine_guest_cr4(uint32_t cpu, uint64_t value);

/** machine_logged() - facts_logged() of that CPU, as long as modules are loaded. */
uint32_t machine_logged(uint32_t cpu, enum plinth_log_level level, const char *const *facts);

#endif
