/* SPDX-License-Identifier: MIT */
/* A module's init and exit functions, for the test to call. */
#ifndef STUB_LINUX_MODULE_H
#define STUB_LINUX_MODULE_H

#include <errno.h>
#include <stdbool.h>

#define __init
#define __exit
#define THIS_MODULE ((void *)0)

#define module_init(fn)		 int (*const stub_module_init)(void) = fn
#define module_exit(fn)		 void (*const stub_module_exit)(void) = fn
#define MODULE_LICENSE(text)	 _Static_assert(sizeof(text) > 1, "a text")
#define MODULE_DESCRIPTION(text) _Static_assert(sizeof(text) > 1, "a text")

extern int (*const stub_module_init)(void);
extern void (*const stub_module_exit)(void);

bool is_module_sig_enforced(void);
void __module_get(void *module);

#endif
