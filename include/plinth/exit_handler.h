/* SPDX-License-Identifier: MIT */
/*
 * What happens when the guest leaves for the VMM: a table by neutral exit kind, and
 * the calls with which other modules take a part of it over. Prefix exit_.
 */
#ifndef PLINTH_EXIT_HANDLER_H
#define PLINTH_EXIT_HANDLER_H

#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/boot.h>
#include <plinth/error.h>
#include <plinth/vcpu.h>

/* CPUID leaves 0x40000000..: EBX, ECX, EDX of the first spell "PlinthPlinth". */
#define EXIT_HYPERVISOR_LEAF 0x40000000u

typedef enum exit_action exit_range_fn(struct vcpu *vcpu, void *context);

/**
 * exit_init() - set the built-in handlers up; exit_fini() - take them down.
 * @boot: the launch ABI
 * Return: 0.
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_init(const struct plinth_boot *boot);
PLINTH_EXPORT void exit_fini(void);

/**
 * exit_handlers() - who handles an exit, by enum plinth_exit_kind.
 *
 * Context: any. Handlers are called in root mode, on the vCPU's stack, interrupts off, with
 *          vcpu->regs and vcpu->exit filled in.
 * Return:  PLINTH_EXIT_KINDS rows, none NULL, valid from exit_init() to exit_fini().
 */
PLINTH_EXPORT vcpu_exit_fn *const *exit_handlers(void);

/**
 * exit_register_kind() - put a handler before the built-in one of an exit kind.
 * @kind:     enum plinth_exit_kind
 * @handler:  called instead; may call *@previous
 * @previous: the handler there was
 *
 * Context: before the first CPU starts (the init_array of an extension is right).
 * Return:  0 or PLINTH_E_INVAL.
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_kind(uint32_t kind, vcpu_exit_fn *handler, vcpu_exit_fn **previous);

/**
 * exit_register_cpuid() - answer a range of CPUID leaves.
 * @first, @last: leaves, both included
 * @handler:      reads and writes vcpu->regs; EXIT_NEXT when done
 * @context:      handed to the handler
 *
 * Return: 0, PLINTH_E_BUSY (overlaps a registered range), PLINTH_E_LIMIT (table full),
 *         PLINTH_E_INVAL.
 * Undo:   exit_unregister_cpuid(first)
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_cpuid(uint32_t first, uint32_t last, exit_range_fn *handler,
						      void *context);
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_cpuid(uint32_t first);

/* Who may make a hypercall; to everybody else VMCALL is the undefined instruction it is without a VMM. */
enum exit_caller {
	EXIT_CALLER_KERNEL = 0,	 /* privilege level 0 */
	EXIT_CALLER_ANYBODY = 1, /* every process, too */
};

/**
 * exit_register_hypercall() - answer a range of hypercall numbers (RAX of VMCALL).
 * @first, @last: numbers, both included
 * @caller:       whose calls reach the handler
 * @handler:      reads and writes vcpu->regs; EXIT_NEXT when done
 * @context:      handed to the handler
 *
 * A handler trusts no register: with EXIT_CALLER_ANYBODY they are any process's.
 *
 * Return: 0, PLINTH_E_BUSY (overlaps a registered range), PLINTH_E_LIMIT (table full),
 *         PLINTH_E_INVAL.
 * Undo:   exit_unregister_hypercall(first)
 */
PLINTH_EXPORT PLINTH_MUST_USE int exit_register_hypercall(uint64_t first, uint64_t last, enum exit_caller caller,
							  exit_range_fn *handler, void *context)
	PLINTH_VERSION(exit_register_hypercall, 2);
PLINTH_EXPORT PLINTH_MUST_USE int exit_unregister_hypercall(uint64_t first);

#endif
