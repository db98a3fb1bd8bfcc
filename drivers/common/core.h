/* SPDX-License-Identifier: MIT */
/*
 * The driver core: loads the modules, starts the VMM on every CPU, stops and unloads
 * it. Knows no operating system but os.h. Everything below is serialised by os_lock(),
 * and where it may meet a CPU that comes or goes by os_cpus_lock(); the core takes them
 * itself unless a function says otherwise.
 */
#ifndef DRIVERS_COMMON_CORE_H
#define DRIVERS_COMMON_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/control.h>
#include <plinth/error.h>

#include "drivers/common/report.h"

struct core;

struct core_file {
	const char *name;
	const void *bytes; /* 8-byte aligned; read during core_load() only */
	size_t n_bytes;
};

struct core_load {
	const struct core_file *files;
	uint32_t n_files;
	uint32_t flags; /* PLINTH_LOAD_* */
	uint32_t log_level;
	uint32_t uart_baud;
	uint16_t uart_port;
	uint64_t heap_bytes; /* 0: the default */
	const void *plan;    /* a link plan, 4-byte aligned; NULL: none; read during core_load() only */
	size_t n_plan_bytes;
};

/**
 * core_create() - an unloaded core; there is one per machine.
 * Return: NULL when out of memory. Undo: core_destroy().
 */
struct core *core_create(void);

/**
 * core_retire() - stop and unload, as far as the state allows, for good.
 *
 * Nobody may give commands any more. Until then whoever tells the core of events must go on doing so: a CPU
 * that goes is given back first. Afterwards events change nothing, and their source can be taken away.
 *
 * Context: may sleep. Return: 0, or PLINTH_E_CORRUPT as core_destroy().
 */
int core_retire(struct core *core);

/**
 * core_destroy() - core_retire(), and free. Nobody may tell the core of an event any more.
 * Return: 0, or PLINTH_E_CORRUPT: a CPU may still run in the VMM, so its memory and the
 *         core stay, and so must the code that the core is part of.
 */
int core_destroy(struct core *core);

/**
 * core_load(), core_start(), core_stop(), core_unload() - the commands.
 * @report: receives the reasons of a failure, one per line
 *
 *            UNLOADED   LOADED    RUNNING   CORRUPT
 *   load     LOADED     STATE     STATE     CORRUPT
 *   start    STATE      RUNNING   STATE     CORRUPT
 *   stop     STATE      STATE     LOADED    CORRUPT
 *   unload   STATE      UNLOADED  STATE     CORRUPT
 *
 * Context: may sleep.
 * Return:  0 in the new state shown; or the error, in the state before, with everything
 *          undone; or PLINTH_E_CORRUPT in CORRUPT if undoing failed. PLINTH_E_INTR: a load
 *          that os_relax() ended.
 */
PLINTH_MUST_USE int core_load(struct core *core, const struct core_load *load, struct core_report *report);
PLINTH_MUST_USE int core_start(struct core *core, struct core_report *report);
PLINTH_MUST_USE int core_stop(struct core *core, struct core_report *report);
PLINTH_MUST_USE int core_unload(struct core *core, struct core_report *report);

/* core_is_corrupt() - takes no lock: once it is so, it stays so. */
bool core_is_corrupt(const struct core *core);

/* Whatever the state: where the core stands. @out->size is left alone. */
void core_status(struct core *core, struct plinth_ctl_status *out);

/**
 * core_modules(), core_shared() - copies of the module list and of the shared region.
 * @out:        kernel memory for at most @room modules, or bytes
 * @item_bytes: of a module as the receiver knows it; what it does not know is left out
 *
 * Return: how many there are, whatever the room was.
 */
uint64_t core_modules(struct core *core, void *out, uint64_t room, size_t item_bytes);
uint64_t core_shared(struct core *core, void *out, uint64_t room);

/**
 * core_set_level() - how much a component of the VMM logs from now on.
 * @tag:   the component, NUL-padded to 8 bytes, the last of them NUL; "": all without a level of their own
 * @level: enum plinth_log_level, or PLINTH_LEVEL_DEFAULT to end a component's own
 *
 * Return: 0, PLINTH_E_STATE (nothing is loaded), PLINTH_E_INVAL, PLINTH_E_LIMIT.
 */
PLINTH_MUST_USE int core_set_level(struct core *core, const char *tag, uint32_t level,
				   struct core_report *report);

/**
 * core_set_trace() - which exits a tracer records from now on; the others it leaves out.
 * @kinds: bit by enum plinth_exit_kind, at least one; bits without a kind mean nothing
 *
 * Return: 0, PLINTH_E_STATE (nothing is loaded), PLINTH_E_INVAL.
 */
PLINTH_MUST_USE int core_set_trace(struct core *core, uint64_t kinds, struct core_report *report);

/* A message to an extension, in memory of the kernel's. */
struct core_call {
	char name[PLINTH_CALL_NAME];
	uint32_t cpu;
	const void *in;
	uint64_t in_bytes;
	void *out;
	uint64_t room;	    /* bytes at @out */
	uint64_t out_bytes; /* of the answer; untouched on failure */
};

/**
 * core_call() - send an extension a message, and get its answer (plinth/call.h).
 * @report: receives the reasons of a failure, one per line
 *
 * Context: may sleep.
 * Return:  0; PLINTH_E_STATE (nothing is loaded, or the CPU is not there), PLINTH_E_NAME, PLINTH_E_LIMIT (too
 * many bytes), PLINTH_E_INVAL (no name), PLINTH_E_BUSY, PLINTH_E_VIRT (nobody answered), or what the
 * extension answered: all is as before; PLINTH_E_CORRUPT: it was, or the VMM died of the message.
 */
PLINTH_MUST_USE int core_call(struct core *core, struct core_call *call, struct core_report *report);

/**
 * core_make_exits() - have every CPU that is a guest make an exit, as one that flushes wants it.
 *
 * Context: may sleep.
 */
void core_make_exits(struct core *core);

/**
 * core_maps() - what both sets of the VMM's page tables hold, as struct plinth_ctl_map.
 * @out:        at most @room items of @item_bytes; not user space
 * Return: how many there are; 0 unless LOADED or RUNNING, or if the VMM does not say.
 */
uint64_t core_maps(struct core *core, void *out, uint64_t room, size_t item_bytes);

/**
 * core_cpu_online(), core_cpu_offline() - a CPU came, a CPU is about to go.
 *
 * Context: the CPU is online; the caller is what os_cpus_lock() keeps away, and holds neither lock: a load
 * may take its time. Return:  0, or an error that should keep the CPU from coming or going.
 */
PLINTH_MUST_USE int core_cpu_online(struct core *core, uint32_t cpu, struct core_report *report);
PLINTH_MUST_USE int core_cpu_offline(struct core *core, uint32_t cpu, struct core_report *report);

/**
 * core_pause(), core_resume() - stop if running, for a sleep of the machine; start again
 * if that was so. A command in between ends the pause.
 */
PLINTH_MUST_USE int core_pause(struct core *core, struct core_report *report);
PLINTH_MUST_USE int core_resume(struct core *core, struct core_report *report);

/**
 * core_cpu_died() - did the VMM report a fatal error on this CPU?
 *
 * Context: any, as long as the CPU is claimed (os_cpu_claim()). Takes no lock.
 */
bool core_cpu_died(const struct core *core, uint32_t cpu);

/**
 * core_hastened() - how many NMIs other CPUs' VMM has sent to this CPU so that it exits.
 *
 * The system's handler of NMIs answers each one that it finds with an exit: any CPUID.
 * Context: as core_cpu_died(), NMIs included.
 */
uint32_t core_hastened(const struct core *core, uint32_t cpu);

/**
 * core_watch() - if the VMM died on a CPU, give all others back and be CORRUPT.
 *
 * Context: may sleep.
 */
void core_watch(struct core *core, struct core_report *report);

/**
 * core_emergency_stop() - the machine is going down: stop this CPU if it is a guest.
 *
 * Context: on the CPU, interrupts off, or NMI. Takes no lock. Nothing else works after it.
 */
void core_emergency_stop(struct core *core, uint32_t cpu);

#endif
