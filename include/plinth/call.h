/* SPDX-License-Identifier: MIT */
/*
 * Messages from user space: root sends bytes to an extension by its name, and gets bytes back; with
 * `plinthctl call`, or from a program by PLINTH_CTL_CALL (plinth/control.h). Provided by the module entry.
 * Prefix call_.
 *
 * A name belongs to the module in whose image its handler lies, and ends with it, as all that is registered
 * (plinth/exit_handler.h); `plinthctl modules -v` lists the names, too. PLINTH_CALL_REGISTRATIONS is the
 * VMM's own.
 *
 * Context of all that registers and takes back: while no CPU is a guest: constructors, what runs within
 * entry_init(), destructors; constructors and destructors have no log.
 *
 * A handler is called on the CPU that was asked for, one call at a time. In LOADED no CPU is a guest yet: it
 * runs on the boot stack of two pages, on the launch tables, with the kernel's own descriptor tables, so that
 * a fault is the kernel's, as in a constructor. In RUNNING it runs in root mode beneath that CPU, on its
 * stack, while the others go on: what it shares with handlers of exits it shares with CPUs that are in them,
 * and a fault is the end of the VMM, as in any handler.
 *
 * In both, cpu_local() (plinth/intrinsics.h) tells which CPU it is, and which vCPU: NULL in LOADED.
 * Interrupts are off, NMIs may arrive, no lock is held. A handler cannot sleep, and ought to be done in
 * microseconds: its CPU does nothing else meanwhile, and one that stays away for seconds is taken for a VMM
 * that hangs. It takes no memory: what it needs, its module has as static data. It may log; errors that it
 * logs before it refuses are told to whoever called.
 */
#ifndef PLINTH_CALL_H
#define PLINTH_CALL_H

#include <stddef.h>
#include <stdint.h>

#include <plinth/abi.h>
#include <plinth/control.h>
#include <plinth/error.h>

#define CALL_REGISTRATIONS 16u

/*
 * A message and its answer, both in memory of the VMM's own, which nobody changes meanwhile and which is
 * aligned to 8 bytes: user space's pointers get no further than the driver.
 */
struct call {
	const void *in;
	size_t in_bytes;  /* 0 to PLINTH_CALL_BYTES */
	void *out;	  /* zeroed */
	size_t room;	  /* bytes of it that the caller takes: 0 to PLINTH_CALL_BYTES */
	size_t out_bytes; /* of the answer; 0 until the handler says otherwise, at most @room */
};

/**
 * call_fn - a handler of messages.
 * @call:    what came, and where the answer goes; valid until the handler returns
 * @context: as registered
 *
 * It trusts the bytes no more than it would a guest: root wrote them, but perhaps of another version.
 *
 * Return: 0, or the PLINTH_E_* that the caller is to have instead of an answer: PLINTH_E_INVAL for a message
 * it does not understand, PLINTH_E_LIMIT where there is too little room.
 */
typedef int call_fn(struct call *call, void *context);

/**
 * call_register() - answer messages for a name.
 * @name:    1 to PLINTH_CALL_NAME - 1 printable characters, no spaces; usually the module's own. Copied.
 * @handler: called for each message
 * @context: handed to the handler
 *
 * Return:  0, PLINTH_E_BUSY (somebody has this name), PLINTH_E_LIMIT (there is no more room:
 * CALL_REGISTRATIONS names are taken), PLINTH_E_INVAL (no such name is possible, or no handler).
 *
 * Undo: call_unregister() with the same arguments
 */
PLINTH_EXPORT PLINTH_MUST_USE int call_register(const char *name, call_fn *handler, void *context);

/**
 * call_unregister() - as if it had not been registered.
 *
 * Return:  0 or PLINTH_E_INVAL (it is not, or by others).
 */
PLINTH_EXPORT PLINTH_MUST_USE int call_unregister(const char *name, call_fn *handler, void *context);

#endif
