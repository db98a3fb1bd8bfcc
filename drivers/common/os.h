/* SPDX-License-Identifier: MIT */
/*
 * What the core needs from an operating system, and nothing more. One implementation
 * per system (drivers/linux) and one for the tests (tests/mocks), which can fail
 * every call that is allowed to fail.
 */
#ifndef DRIVERS_COMMON_OS_H
#define DRIVERS_COMMON_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/boot.h>
#include <plinth/control.h>
#include <plinth/error.h>

#define OS_PAGE 4096u

/* -- memory --------------------------------------------------------------- */

/**
 * os_alloc_pages() - zeroed kernel memory that is never paged out.
 * @pages: at least 1
 * @align: power of two, at least OS_PAGE. OS_PAGE: contiguous virtually, physically if
 *         that is easy. More: of the physical address, and contiguous physically too.
 *
 * Context: may sleep. Return: NULL if there is none. Undo: os_free_pages().
 */
void *os_alloc_pages(size_t pages, size_t align);
void os_free_pages(void *memory, size_t pages);

/** os_virt_to_phys() - physical address of a byte in memory of os_alloc_pages(). */
uint64_t os_virt_to_phys(const void *memory);

/**
 * os_next_memory() - the first run of the machine's memory that ends above an address.
 * @from:        physical
 * @start, @end: result; may be rounded to what the operating system counts memory in
 *
 * Return: false: there is none. What is plugged in later need not be told.
 */
bool os_next_memory(uint64_t from, uint64_t *start, uint64_t *end);

/**
 * os_slat_gib_pages() - has the CPU pages of 1 GiB for second-level translation?
 *
 * Only how much memory is taken depends on it: false is never wrong. True on a CPU that has none, and a load
 * is refused for want of pages. Context: one CPU stands for all.
 */
bool os_slat_gib_pages(void);

/* -- CPUs ----------------------------------------------------------------- */

/** os_cpu_count() - the highest CPU number there can ever be, plus one; constant. */
uint32_t os_cpu_count(void);

/** os_cpu_is_online() - stable while os_cpus_lock() is held. */
bool os_cpu_is_online(uint32_t cpu);

/**
 * os_run_on() - run a function on one CPU with interrupts off, and wait for it.
 *
 * Context: may sleep; os_cpus_lock() is held.
 * Return:  what the function returned; PLINTH_E_STATE if the CPU is offline: it did not run then.
 */
PLINTH_MUST_USE int os_run_on(uint32_t cpu, int (*fn)(void *arg), void *arg);

/* -- this and that -------------------------------------------------------- */

/**
 * os_relax() - let others have this CPU, if it is their turn.
 *
 * Context: may sleep; os_cpus_lock() is not held.
 * Return:  false: whoever gave the command is being ended: undo what was done. Stays so until the command
 * ends.
 */
bool os_relax(void);

/** os_lock() - one command at a time. CPUs come and go all the same. May sleep. */
void os_lock(void);
void os_unlock(void);

/**
 * os_cpus_lock() - CPUs neither come nor go, and nobody is in core_cpu_online() or core_cpu_offline(), until
 * os_cpus_unlock(). The whole system waits meanwhile that wants to bring or take a CPU: nothing that takes
 * time by the size of a file is done with it held.
 *
 * Context: os_lock() is held, os_cpus_lock() is not; may sleep.
 */
void os_cpus_lock(void);
void os_cpus_unlock(void);

enum os_log_level { OS_LOG_ERR, OS_LOG_WARN, OS_LOG_INFO };

/** os_log() - a line for the system's administrator, without newline. */
void os_log(enum os_log_level level, const char *line);

/** os_random() - 64 bits nobody can guess. */
uint64_t os_random(void);

/** os_ticks() - a counter that grows all the time, for measurements: the TSC. */
uint64_t os_ticks(void);

/** os_paging_levels() - levels of the page tables in use: 4, or 5 (CR4.LA57). */
uint32_t os_paging_levels(void);

/**
 * os_kernel_half() - copy the entries 256 to 511 of the top-level table in use on this CPU.
 *
 * Another CPU may be on its way through @table: an entry that is right is not written, any other in one
 * piece.
 *
 * Context: interrupts off.
 */
void os_kernel_half(uint64_t *table);

/* -- the gate: where the VMM is entered and left -------------------------- */

/**
 * os_gate_check() - can this kernel run code of the VMM at all?
 * @why: on failure, a constant text that says what is in the way and what to do
 *
 * Context: before anything is loaded; one CPU stands for all. Return: 0 or PLINTH_E_NOTSUP.
 */
PLINTH_MUST_USE int os_gate_check(const char **why);

/**
 * os_vmm_call() - call a function in the VMM.
 * @launch_pa: top-level table to call it with; CR3 is set to it and then back
 * @stack_top: its stack, a VMM address
 * @fn:        its address
 *
 * Context: inside os_run_on(), interrupts off. Return: the function's result.
 */
int os_vmm_call(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint64_t arg0, uint64_t arg1);

/**
 * os_vmm_start() - call entry_start() (plinth/entry.h) with this CPU's way back.
 *
 * Context: as os_vmm_call().
 * Return:  0: the caller goes on as a guest; or the error of entry_start().
 */
PLINTH_MUST_USE int os_vmm_start(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint32_t cpu);

/**
 * os_vmm_stop() - the stop hypercall (plinth/boot.h) on this CPU.
 *
 * Context: interrupts off, or an NMI: takes no lock.
 * Return:  0: the caller goes on without VMM. PLINTH_E_VIRT: nobody answered the
 *          hypercall, or it was refused.
 */
PLINTH_MUST_USE int os_vmm_stop(const uint64_t token[2]);

/**
 * os_vmm_map() - ask the running VMM what is mapped: PLINTH_HYPERCALL_MAPS (plinth/boot.h).
 * @out: va, bytes and flags; untouched on failure
 *
 * Context: inside os_run_on(), on a CPU that is a guest.
 * Return:  0, PLINTH_E_FAULT: nothing at or above @from; PLINTH_E_VIRT: nobody answered.
 */
PLINTH_MUST_USE int os_vmm_map(const uint64_t token[2], uint32_t table, uint64_t from,
			       struct plinth_ctl_map *out);

/**
 * os_vmm_ask() - have the running VMM answer what lies in the mailbox: PLINTH_HYPERCALL_CALL (plinth/boot.h).
 *
 * Context: inside os_run_on(), on a CPU that is a guest.
 * Return:  as entry_call() (plinth/entry.h); PLINTH_E_VIRT: nobody answered.
 */
PLINTH_MUST_USE int os_vmm_ask(const uint64_t token[2]);

/** os_gate_fill() - what the launch ABI tells of the gate: stop_rip, land, land_user, user_cr3. */
void os_gate_fill(struct plinth_boot *boot);

/**
 * os_virt_acquire() - make the system's own virtualization keep away, system-wide.
 * @why: on failure, a constant text that says who is in the way and what to do
 *
 * Context: before the first CPU starts; may sleep. Return: 0 or PLINTH_E_BUSY.
 * Undo:    os_virt_release(), after the last CPU stopped.
 */
PLINTH_MUST_USE int os_virt_acquire(const char **why);
void os_virt_release(void);

/**
 * os_cpu_claim() - tell the system that virtualization is in use on this CPU.
 *
 * From then on the system may call core_watch() whenever core_cpu_died() says so.
 *
 * Context: on the CPU, interrupts off, right after a start. Undo: os_cpu_unclaim(),
 *          right after a stop.
 */
void os_cpu_claim(void);
void os_cpu_unclaim(void);

#endif
