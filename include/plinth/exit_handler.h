/* SPDX-License-Identifier: MIT */
/*
 * What happens when the guest leaves for the VMM: a table by neutral exit kind, and
 * the calls with which other modules take a part of it over. Prefix exit_.
 *
 * Modules register handlers for ranges of exit kinds, CPUID leaves, MSRs and hypercall numbers. One rule
 * holds for all four: ranges may overlap, and where they do the handlers stand in a chain, whoever registered
 * later above whoever was there before, with Plinth's own behaviour at the bottom.
 *
 * Of kinds, MSRs and hypercalls the highest handler is called; what is below it runs when it calls
 * exit_below(), so it can act before, after or instead. The answer to CPUID comes from the bottom, and each
 * handler changes what those below it made of it; so the highest has the last word.
 *
 * What is registered belongs to the module in whose image the handler lies, and ends with it: modules come
 * and go at once, and after entry_fini() nobody calls a handler any more. So no destructor has to take
 * anything back. Who changes his mind before that takes it back by the same arguments, in any order.
 * `plinthctl modules -v` lists it all. There is room for EXIT_REGISTRATIONS in all; who finds it full is told
 * so by PLINTH_E_LIMIT.
 *
 * Context of all that registers and takes back: while no CPU is a guest: constructors, destructors, what runs
 * within entry_init(). Handlers are called in root mode, on the vCPU's stack, interrupts off, with vcpu->regs
 * and vcpu->exit filled in, on several CPUs at once.
 */
#ifndef PLINTH_EXIT_HANDLER_H
#define PLINTH_EXIT_HANDLER_H

#include <stdbool.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/control.h>
#include <plinth/error.h>
#include <plinth/vcpu.h>

#define EXIT_REGISTRATIONS 64u

/*
 * CPUID leaves 0x40000000..: EBX, ECX, EDX of the first spell "PlinthPlinth". On a machine with a hypervisor
 * beneath they are the first free 0x100 leaves behind those, as the log says.
 */
#define EXIT_HYPERVISOR_LEAF 0x40000000u

/* A place in a chain: whoever is below the handler that was given it. Valid until that handler returns. */
struct exit_link;

/**
 * exit_hook_fn - a handler of exit kinds or of hypercalls.
 * @vcpu:    whose guest left; vcpu->regs are the guest's, to be read and written
 * @below:   for exit_below()
 * @context: as registered
 *
 * Return: what happens next; EXIT_NEXT when done.
 */
typedef enum exit_action exit_hook_fn(struct vcpu *vcpu, const struct exit_link *below, void *context);

/**
 * exit_below() - have this exit handled by whoever is below.
 * @vcpu:  the handler's
 * @below: the handler's
 *
 * Context: within a handler; once or not at all, because instructions have effects.
 * Return:  what the handler below, in the end Plinth's own, answered: a handler that wants nothing else
 * returns it.
 */
PLINTH_EXPORT enum exit_action exit_below(struct vcpu *vcpu, const struct exit_link *below);

/**
 * exit_init() - set the built-in handlers up; exit_fini() - take them down. What modules registered stays.
 * @boot: the launch ABI
 *
 * Context: boot stack, launch tables, after vcpu_init().
 * Return:  0 or an error of vcpu_msr_exits().
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_init(const struct plinth_boot *boot);
PLINTH_EXPORT void exit_fini(void);

/**
 * exit_handlers() - who handles an exit, by enum plinth_exit_kind.
 *
 * Context: any. The rows are called as all handlers are.
 * Return:  PLINTH_EXIT_KINDS rows, none NULL, valid from exit_init() to exit_fini().
 */
PLINTH_EXPORT vcpu_exit_fn *const *exit_handlers(void);

/**
 * exit_registrations() - what is registered here, for whoever lists it.
 * @out: room for EXIT_REGISTRATIONS rows; they are filled in the order of registration
 *
 * Context: any but within a call that registers or takes back.
 * Return:  how many there are.
 */
PLINTH_EXPORT uint32_t exit_registrations(struct plinth_ctl_registration *out);

/**
 * exit_register_kind() - handle exits of some kinds.
 * @first, @last: enum plinth_exit_kind, both included
 * @handler:      called for each such exit
 * @context:      handed to the handler
 *
 * Return: 0, PLINTH_E_BUSY (registered already with the same arguments), PLINTH_E_LIMIT (there is no more
 * room), PLINTH_E_INVAL (no such kind, or no handler). Undo:   exit_unregister_kind() with the same arguments
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_kind(uint32_t first, uint32_t last, exit_hook_fn *handler,
						     void *context) PLINTH_VERSION(exit_register_kind, 2);
/** exit_unregister_kind() - as if it had not been registered. Return: 0 or PLINTH_E_INVAL (it is not). */
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_kind(uint32_t first, uint32_t last, exit_hook_fn *handler,
						       void *context);

/* A question to CPUID, and the answer as it is so far. */
struct exit_cpuid {
	uint32_t leaf, subleaf; /* EAX and ECX as the guest had them */
	struct cpu_leaf answer; /* the hardware's, for this guest, changed by the handlers below */
};

/**
 * exit_cpuid_fn - a handler of CPUID leaves.
 * @vcpu:    whose guest asks; its registers still hold the question
 * @cpuid:   the question, and the answer, which may be changed: it gets into the guest's registers afterwards
 * @context: as registered
 *
 * Return: EXIT_NEXT; anything else ends the chain, and the registers stay as the handler left them.
 */
typedef enum exit_action exit_cpuid_fn(struct vcpu *vcpu, struct exit_cpuid *cpuid, void *context);

#define EXIT_LAST_SUBLEAF                                                                                    \
	UINT32_MAX /* with 0 as the first: whatever is in ECX, as leaves without subleaves want it */

/**
 * exit_register_cpuid() - answer a range of CPUID leaves, or change their answers.
 * @first, @last:                 leaves, both included
 * @first_subleaf, @last_subleaf: of each of them, both included
 * @handler:                      see above
 * @context:                      handed to the handler
 *
 * Leaves from 40000000h to 7fffffffh and odd ones cost the others nothing; with any other leaf every CPUID
 * takes a somewhat longer road.
 *
 * Return: 0, PLINTH_E_BUSY (registered already with the same arguments), PLINTH_E_LIMIT (there is no more
 * room), PLINTH_E_INVAL. Undo:   exit_unregister_cpuid() with the same arguments
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf,
						      uint32_t last_subleaf, exit_cpuid_fn *handler,
						      void *context) PLINTH_VERSION(exit_register_cpuid, 3);
/** exit_unregister_cpuid() - as if it had not been registered. Return: 0 or PLINTH_E_INVAL (it is not). */
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_cpuid(uint32_t first, uint32_t last, uint32_t first_subleaf,
							uint32_t last_subleaf, exit_cpuid_fn *handler,
							void *context)
	PLINTH_VERSION(exit_unregister_cpuid, 3);

/* One access of an MSR by the guest. */
struct exit_msr {
	uint32_t msr;
	bool is_write;
	uint64_t value; /* of a write: what the guest writes; of a read: what it gets, once exit_below() has
			   read it */
};

/**
 * exit_msr_fn - a handler of MSR accesses.
 * @vcpu:    whose guest it is; its registers hold the operands, and get the result of a read afterwards
 * @access:  what it wants; a handler may change the value before it calls exit_below(), and after a read
 * @below:   for exit_below(): it does what the hardware would
 * @context: as registered
 *
 * Return: EXIT_NEXT: done; EXIT_RETRY with a fault injected (vcpu_inject()): refused. What exit_below()
 * answers is one of them, so whoever wants to hear of a change only calls it first and looks whether it says
 * EXIT_NEXT.
 */
typedef enum exit_action exit_msr_fn(struct vcpu *vcpu, struct exit_msr *access,
				     const struct exit_link *below, void *context);

/**
 * exit_register_msr() - see the guest's accesses of some MSRs.
 * @first, @last: MSRs, both included
 * @what:         VCPU_MSR_READ, VCPU_MSR_WRITE or both
 * @handler:      see above
 * @context:      handed to the handler
 *
 * From here these accesses exit, on every CPU; those that nobody registered for go on costing nothing.
 * RDMSRLIST and WRMSRLIST raise #GP at an MSR that is looked at.
 *
 * Return: 0, PLINTH_E_BUSY (registered already with the same arguments), PLINTH_E_LIMIT (there is no more
 * room), PLINTH_E_NOTSUP (as vcpu_msr_exits(); the MSR is named in the log, if there is one already),
 * PLINTH_E_INVAL.
 *
 * Undo: exit_unregister_msr() with the same arguments
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_msr(uint32_t first, uint32_t last, uint32_t what,
						    exit_msr_fn *handler, void *context);
/** exit_unregister_msr() - as if it had not been registered. Return: 0 or PLINTH_E_INVAL (it is not). */
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_msr(uint32_t first, uint32_t last, uint32_t what,
						      exit_msr_fn *handler, void *context);

/* Who may make a hypercall; to everybody else the instruction is what it is without this registration. */
enum exit_caller {
	EXIT_CALLER_KERNEL = 0,	 /* privilege level 0 */
	EXIT_CALLER_ANYBODY = 1, /* every process, too */
};

/**
 * exit_register_hypercall() - answer a range of hypercall numbers (RAX at the instruction).
 * @first, @last: numbers, both included
 * @caller:       whose calls reach the handler
 * @handler:      see above
 * @context:      handed to the handler
 *
 * A handler trusts no register: with EXIT_CALLER_ANYBODY they are any process's. At the bottom of the chain
 * is the undefined instruction that a hypercall is without a VMM, or for a kernel the hypervisor beneath
 * Plinth, if there is one. Plinth's own numbers (boot.h) do not come here.
 *
 * Return: 0, PLINTH_E_BUSY (registered already with the same arguments), PLINTH_E_LIMIT (there is no more
 * room), PLINTH_E_INVAL. Undo:   exit_unregister_hypercall() with the same arguments
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_hypercall(uint64_t first, uint64_t last,
							  enum exit_caller caller, exit_hook_fn *handler,
							  void *context)
	PLINTH_VERSION(exit_register_hypercall, 3);
/**
 * exit_unregister_hypercall() - as if it had not been registered. Return: 0 or PLINTH_E_INVAL (it is not).
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_hypercall(uint64_t first, uint64_t last,
							    enum exit_caller caller, exit_hook_fn *handler,
							    void *context)
	PLINTH_VERSION(exit_unregister_hypercall, 2);

#endif
