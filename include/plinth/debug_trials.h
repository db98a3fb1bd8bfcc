/* SPDX-License-Identifier: MIT */
/*
 * A second opinion on the rules of vmx_check: the CPU itself, or the hypervisor that plays it, is asked. A
 * hypercall that any program may make; only for tests, the module is not built by default. Prefix
 * debug_trials_.
 */
#ifndef PLINTH_DEBUG_TRIALS_H
#define PLINTH_DEBUG_TRIALS_H

/*
 * RAX of the VMCALL; RCX: which of the states to begin with, from 0; RDX: how many pairs of changes to try
 * beside all single ones.
 *
 * Answer: RAX 0, RCX entries tried, RDX those on which the CPU and the rules differ, RSI changes that were
 * not tried because the guest would have run, RDI the name of the state, 8 characters. RAX PLINTH_E_INVAL:
 * there is no such state; PLINTH_E_NOTSUP: this CPU cannot have it; PLINTH_E_NOMEM, PLINTH_E_VIRT. What
 * differs stands in the log.
 */
#define DEBUG_TRIALS_HYPERCALL 0x504c4e5454524c53ull /* "PLNTTRLS" */

/* As RCX: log the rules that, broken alone, the CPU was never seen to enforce; RAX: how many. */
#define DEBUG_TRIALS_UNCONFIRMED 0xffffffffull

#endif
