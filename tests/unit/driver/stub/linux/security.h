/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_SECURITY_H
#define STUB_LINUX_SECURITY_H

enum lockdown_reason { LOCKDOWN_MODULE_SIGNATURE, LOCKDOWN_DEV_MEM, LOCKDOWN_IOPORT };

int security_locked_down(enum lockdown_reason what);

#endif
