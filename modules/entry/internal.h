/* SPDX-License-Identifier: MIT */
/* What the sources of the entry module share; nobody else includes this. */
#ifndef MODULES_ENTRY_INTERNAL_H
#define MODULES_ENTRY_INTERNAL_H

#include <plinth/boot.h>

/* call.c: where messages lie from now on; NULL: nowhere. What was registered stays. */
void call_set_mailbox(struct plinth_mailbox *mailbox);

/* The message in the mailbox is answered, on the CPU this runs on; as entry_call(). */
int call_answer(void);

#endif
