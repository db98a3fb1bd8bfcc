/* SPDX-License-Identifier: MIT */
/*
 * CPUs, vCPUs and guests. What is the same on every CPU that can run one: their life, events,
 * giving the CPU back, and the report when the VMM dies. Provided by the module vcpu; what the hardware has
 * of it is behind vendor.h. Prefix vcpu_.
 */
#ifndef PLINTH_VCPU_H
#define PLINTH_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>
#include <plinth/intrinsics.h>
#include <plinth/shared.h>
#include <plinth/slat.h>
#include <plinth/vcpu_state.h>

/** vcpu_register_slat() - the last module to register wins; @slat stays valid until the unload. */
PLINTH_EXPORT void vcpu_register_slat(const struct slat *slat);

/**
 * vcpu_init() - once per load: can be undone by vcpu_fini().
 * @boot: the launch ABI
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_init(const struct plinth_boot *boot);
PLINTH_EXPORT void vcpu_fini(void);

/**
 * vcpu_check() - could this CPU run a guest? Reads only.
 *
 * Context: launch tables, on the CPU in question.
 * Return:  0, PLINTH_E_NOTSUP (a feature is missing; named in the log), PLINTH_E_LOCKED,
 *          PLINTH_E_BUSY (somebody else uses it).
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_check(void);

/**
 * guest_host() - the guest that the system becomes that was there before. Context: any, constructors, too.
 */
PLINTH_EXPORT struct guest *guest_host(void);

/**
 * guest_init() - a guest beside the host; its space, handlers and policy are filled in.
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM; then nothing stays allocated.
 * Undo:    guest_fini(), without any vCPU of its
 */
PLINTH_EXPORT PLINTH_MUST_USE int guest_init(struct guest *guest);
PLINTH_EXPORT void guest_fini(struct guest *guest);

/**
 * cpu_create() - what a CPU needs in root mode, and the host's vCPU for it.
 * @number:   the operating system's CPU number
 * @handlers: the host's: see struct guest; the same for all CPUs
 * @out:      the host's vCPU; untouched on failure
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM; on failure nothing stays allocated.
 */
PLINTH_EXPORT PLINTH_MUST_USE int cpu_create(uint32_t number, vcpu_exit_fn *const *handlers,
					     struct vcpu **out);
PLINTH_EXPORT void cpu_destroy(struct cpu *cpu);

/**
 * vcpu_create() - a vCPU of a guest beside the host, with a root stack of its own; no CPU holds its state.
 *
 * Context: boot stack, launch tables.
 * Return:  0 or PLINTH_E_NOMEM; on failure nothing stays allocated.
 * Undo:    vcpu_destroy(), when no CPU holds its state
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_create(struct guest *guest, struct vcpu **out);
PLINTH_EXPORT void vcpu_destroy(struct vcpu *vcpu);

/**
 * vcpu_start() - turn the caller's operating system into this vCPU's guest.
 * @vcpu: the host's on this CPU
 * @rip, @rsp, @cr3: of the guest when it starts; its RAX is 0
 * @fs_base: of the guest
 *
 * Context: launch tables, on the CPU in question, interrupts off, on the vCPU's stack.
 * Return:  does not return on success; else as vcpu_check(), PLINTH_E_VIRT or
 *          PLINTH_E_ENTRY, and the CPU is exactly as it was.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_start(struct vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t cr3,
					     uint64_t fs_base);

/**
 * vcpu_load() - have a CPU hold a vCPU's state. vcpu_unload() - no CPU holds it any more; nothing is lost.
 * @vcpu:   not the host's
 * @cpu:    this one
 * @system: what it is when it is entered first; NULL: as it was when it was unloaded
 *
 * A CPU that leaves the VMM unloads all.
 *
 * Context: root mode, on that CPU, during an exit; the current vCPU stays so, and cannot be unloaded.
 * Return:  0; PLINTH_E_BUSY: another CPU holds it, PLINTH_E_STATE: this one does, PLINTH_E_VIRT: the CPU
 * refused.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_load(struct vcpu *vcpu, struct cpu *cpu,
					    const struct vcpu_system *system);
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_unload(struct vcpu *vcpu);

/**
 * vcpu_choose() - whom the CPU goes on with if the exit of @vcpu is answered by EXIT_SWITCH.
 * @next: the host's, or one whose state this CPU holds
 *
 * An entry that the hardware refuses is an exit of kind ENTRY_FAILURE of @next. NMIs that arrive meanwhile
 * are the host's: they wait until it is current again, and whoever else is comes back (kind TIMER or
 * NMI_WINDOW).
 *
 * Context: root mode, during an exit of @vcpu.
 * Return:  0 or PLINTH_E_STATE: this CPU does not hold its state.
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_choose(struct vcpu *vcpu, struct vcpu *next);

/** vcpu_skip() - over the instruction that exited; for whoever answers by something else than EXIT_NEXT. */
PLINTH_EXPORT void vcpu_skip(struct vcpu *vcpu);

/**
 * vcpu_inject() - deliver an exception at the next entry; answer EXIT_RETRY after it.
 * @vector:    0-31
 * @error:     error code; ignored unless @has_error
 */
PLINTH_EXPORT void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error, uint32_t error);

/** vcpu_reinject() - deliver the event again that this exit interrupted or reported. */
PLINTH_EXPORT void vcpu_reinject(struct vcpu *vcpu);

/** vcpu_settle() - deliver what was put off (kind TIMER or NMI_WINDOW): owed NMIs. */
PLINTH_EXPORT void vcpu_settle(struct vcpu *vcpu);

/**
 * vcpu_step() - does the guest come back (kind STEP) behind its next instruction?
 * @on: false, as at first: it does not
 *
 * Behind the delivery of an event, if one comes first; and not before what is an exit by itself is over. It
 * stays on until it is turned off; there is one for all modules.
 *
 * Context: root mode, on the vCPU's CPU, during an exit.
 * Return:  0, or PLINTH_E_NOTSUP: this CPU cannot do that.
 * Source:  SDM, "Monitor Trap Flag".
 */
PLINTH_EXPORT PLINTH_MUST_USE int vcpu_step(struct vcpu *vcpu, bool on);

/**
 * vcpu_take_init() - an INIT arrived (kind INIT): the CPU leaves the VMM and is reset by it, as it would be
 * natively.
 *
 * What waits for the INIT's sender then is the CPU itself, with every register as the hardware makes it; the
 * VMM is not under what a SIPI starts there.
 */
PLINTH_EXPORT void vcpu_take_init(struct vcpu *vcpu) __attribute__((noreturn));

/**
 * vcpu_flush(), vcpu_flushed() - slat_flush() and slat_flushed(), for the module that provides them.
 *
 * Context: root mode or boot stack, interrupts off; vcpu_flush() without the lock of slat.h.
 */
PLINTH_EXPORT PLINTH_MUST_USE uint64_t vcpu_flush(void);
PLINTH_EXPORT bool vcpu_flushed(uint64_t ticket);

/**
 * vcpu_hasten() - CPUs that have not flushed yet exit soon, whatever their guests do.
 * @ticket: of slat_flush()
 *
 * Each gets an NMI through the local APIC, unless one is on its way to it already. The NMI is its guest's
 * like any other, so that none of the machine's own is lost that arrives at the same time: the kernel's
 * handler has to make the exit (any CPUID), and finds by struct plinth_shared_cpu.hastened that it was sent
 * for that. Who waits does not wait in root mode: the handler answers EXIT_RETRY until slat_flushed(), and
 * calls this each time, because what is asked for while a CPU flushes already can want another NMI.
 *
 * Context: root mode, interrupts off; not in handlers of NMIs, machine checks and faults; bounded.
 */
PLINTH_EXPORT void vcpu_hasten(uint64_t ticket);

#endif
