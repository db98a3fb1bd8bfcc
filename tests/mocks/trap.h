/* SPDX-License-Identifier: MIT */
/*
 * A page that is trapped, and two modules: one traps it (trap_page.c), one does the accesses
 * (trap_handler.c).
 */
#ifndef TESTS_MOCKS_TRAP_H
#define TESTS_MOCKS_TRAP_H

#define TRAP_PAGE     0x30005000ull
#define TRAP_NOT_OURS 0x30006000ull /* trapped too, and nobody does those accesses */

#define TRAP_SET                                                                                             \
	0x706c696e74680300ull /* of a kernel: RCX: a page, RDX: what is allowed; RAX: what came of it */
#define TRAP_COUNT                                                                                           \
	0x706c696e74680301ull /* RAX: accesses that were done, RDX: others that the handler was asked about  \
			       */

#define TRAP_WRITE 2u /* of the exit's qualification */

#endif
