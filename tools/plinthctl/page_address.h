/* SPDX-License-Identifier: MIT */
/* Where a page of a process lies. */
#ifndef PLINTHCTL_PAGE_ADDRESS_H
#define PLINTHCTL_PAGE_ADDRESS_H

#include <stdint.h>

/*
 * page_address() - the physical address of the page of @va in process @pid, as the kernel has it now.
 * Returns 0, or -1 with a message printed, which begins with @command.
 */
int page_address(const char *command, int pid, uint64_t va, uint64_t *pa);

#endif
