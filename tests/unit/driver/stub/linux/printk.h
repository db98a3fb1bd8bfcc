/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_PRINTK_H
#define STUB_LINUX_PRINTK_H

#define pr_info(text) ((void)(text))
#define pr_err(text)  ((void)(text))

#endif
