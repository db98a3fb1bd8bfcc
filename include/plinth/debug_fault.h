/* SPDX-License-Identifier: MIT */
/*
 * Crashes on request, to see what becomes of them: a hypercall that any program may make.
 * Only for tests: the module is not built by default. Prefix debug_fault_.
 */
#ifndef PLINTH_DEBUG_FAULT_H
#define PLINTH_DEBUG_FAULT_H

/* RAX of the hypercall; RCX: enum debug_fault_kind. */
#define DEBUG_FAULT_HYPERCALL 0x504c4e5444425547ull /* "PLNTDBUG" */

/* DEBUG_FAULT(NAME, text): what `plinthctl debug fault` calls it. The order is ABI. */
#define DEBUG_FAULT_KINDS(DEBUG_FAULT)                                                                       \
	DEBUG_FAULT(PAGE_FAULT, "page-fault")                                                                \
	DEBUG_FAULT(STACK, "stack")                                                                          \
	DEBUG_FAULT(GP, "gp")                                                                                \
	DEBUG_FAULT(UD, "ud")                                                                                \
	DEBUG_FAULT(VMCS_GUEST, "vmcs-guest")                                                                \
	DEBUG_FAULT(VMCS_HOST, "vmcs-host")                                                                  \
	DEBUG_FAULT(HEAP, "heap")                                                                            \
	DEBUG_FAULT(LOOP, "loop")                                                                            \
	DEBUG_FAULT(FATAL, "fatal")                                                                          \
	DEBUG_FAULT(TRIPLE, "triple")                                                                        \
	DEBUG_FAULT(DOUBLE_FREE, "double-free")                                                              \
	DEBUG_FAULT(OVERRUN, "overrun")

enum debug_fault_kind {
#define DEBUG_FAULT_ENUM(name, text) DEBUG_FAULT_##name,
	DEBUG_FAULT_KINDS(DEBUG_FAULT_ENUM) DEBUG_FAULT_COUNT,
#undef DEBUG_FAULT_ENUM
};

#endif
