/* SPDX-License-Identifier: MIT */
/*
 * The entry module: what the driver core calls in the VMM. Every function is called
 * through the driver's gate: interrupts off, launch tables loaded, on a stack of
 * the VMM's own. The four arguments are those of gate_call() in the order of the
 * System V ABI; unused ones are ignored.
 *
 * The core serialises all calls; none runs while another one does. All of them run on a
 * CPU that is not a guest at that moment: second-level translation hides the VMM's
 * memory, and its code, from every guest.
 */
#ifndef PLINTH_ENTRY_H
#define PLINTH_ENTRY_H

#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>

/**
 * entry_init() - bring the VMM to life after it was linked.
 * @boot: the launch ABI; read during the call only, except the regions it names
 * @cpu:  the CPU this runs on
 *
 * Context: any one CPU, on the boot stack; constructors have run.
 * Return:  0, PLINTH_E_ABI (sizes or versions differ), PLINTH_E_NOMEM, PLINTH_E_INVAL.
 * Undo:    on failure everything; on success entry_fini().
 */
PLINTH_EXPORT PLINTH_MUST_USE int entry_init(const struct plinth_boot *boot, uint64_t cpu);

/**
 * entry_fini() - the opposite of entry_init(); no CPU may be prepared any more.
 * @cpu: the CPU this runs on
 *
 * Context: as entry_init(). Destructors run after it.
 */
PLINTH_EXPORT void entry_fini(uint64_t cpu);

/**
 * entry_prepare() - allocate what one CPU needs: stack, vCPU, descriptor tables.
 * @target: the CPU to prepare, below boot.n_cpus
 * @cpu:    the CPU this runs on
 *
 * Context: any CPU, on the boot stack.
 * Return:  0 with stack_top of the CPU's shared block set and its state READY;
 *          PLINTH_E_NOMEM, PLINTH_E_STATE (already prepared), PLINTH_E_INVAL.
 * Undo:    on failure everything; on success entry_release().
 */
PLINTH_EXPORT PLINTH_MUST_USE int entry_prepare(uint64_t target, uint64_t cpu);

/** entry_release() - free what entry_prepare() made; the CPU must not be a guest. */
PLINTH_EXPORT void entry_release(uint64_t target, uint64_t cpu);

/**
 * entry_start() - turn the operating system into a guest on this CPU.
 * @cpu: this CPU; prepared
 * @rip: where the guest starts: the gate's return path, in the kernel's half
 * @rsp: its stack pointer there
 * @cr3: its CR3 there, as read (PCID included)
 *
 * Context: on the target CPU, on its own prepared stack.
 * Return:  does not return on success: the guest starts at @rip with RAX = 0.
 *          Otherwise PLINTH_E_NOTSUP, PLINTH_E_LOCKED, PLINTH_E_BUSY, PLINTH_E_NOMEM,
 *          PLINTH_E_VIRT or PLINTH_E_ENTRY with the CPU exactly as it was.
 * Undo:    the stop hypercall (see boot.h).
 */
PLINTH_EXPORT PLINTH_MUST_USE int entry_start(uint64_t cpu, uint64_t rip, uint64_t rsp, uint64_t cr3);

/**
 * entry_check() - could this CPU be started? Changes nothing.
 * @cpu: the CPU this runs on
 *
 * Context: on the CPU in question, on the boot stack.
 * Return:  0 or the error entry_start() would give for features, locks and use by others.
 */
PLINTH_EXPORT PLINTH_MUST_USE int entry_check(uint64_t cpu);

/**
 * entry_call() - have the extension that the mailbox names answer the message in it (plinth/call.h).
 * @cpu: the CPU this runs on
 *
 * Of CPUs that are guests the hypercall PLINTH_HYPERCALL_CALL (plinth/boot.h) does the same.
 *
 * Context: any CPU, on the boot stack.
 * Return:  0: it was asked: the mailbox has its result, and the answer if that is 0. PLINTH_E_NAME: nobody
 *          has this name, and the answer is that to PLINTH_CALL_REGISTRATIONS, whatever room there was.
 * PLINTH_E_INVAL: what lies in the mailbox is no message. PLINTH_E_BUSY: another call is being answered.
 * Undo:    nothing to be undone.
 */
PLINTH_EXPORT PLINTH_MUST_USE int entry_call(uint64_t cpu);

#endif
