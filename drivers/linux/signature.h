/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the kernel asks of code that becomes part of it, asked of the VMM's modules as well. */
#ifndef DRIVERS_LINUX_SIGNATURE_H
#define DRIVERS_LINUX_SIGNATURE_H

#include <linux/types.h>

/* signature_wanted() - does this kernel take signed modules only? Says so in its log, as for its own. */
bool signature_wanted(void);

/*
 * signature_verify() - is this the file of somebody whose modules this kernel takes?
 *
 * The signature is appended as scripts/sign-file does it. Context: may sleep.
 * Return: 0; -ENODATA: there is none; or why it does not hold.
 */
int signature_verify(const void *bytes, size_t n_bytes);

#endif
