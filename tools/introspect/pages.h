/* SPDX-License-Identifier: MIT */
/* Which pages of the window the program has. Any thread, any signal handler: takes no lock. */
#ifndef INTROSPECT_PAGES_H
#define INTROSPECT_PAGES_H

#include <stdbool.h>

#define PAGES_BYTES 4096u /* of one */

/* pages_begin() - @window: its address, of PLINTH_INTROSPECT_BYTES. Before that none is in it. */
void pages_begin(void *window);

/* pages_lose() - in a child, which does not inherit the window: none can be had, but those of it are known.
 */
void pages_lose(void);
bool pages_are_lost(void);

/* pages_can_be_had() - is there a window? */
bool pages_can_be_had(void);

/* pages_have() - is this an address in the window? */
bool pages_have(const void *address);

/* pages_take() - a page that nobody has; NULL: they are all taken. */
void *pages_take(void);

/* pages_give() - back. False: it is no page that was taken. */
bool pages_give(void *page);

#endif
