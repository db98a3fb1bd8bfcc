/* SPDX-License-Identifier: MIT */
#ifndef STUB_ASM_NMI_H
#define STUB_ASM_NMI_H

enum { NMI_DONE, NMI_HANDLED };
enum { NMI_LOCAL, NMI_UNKNOWN };

struct pt_regs;

int register_nmi_handler(unsigned int type, int (*handler)(unsigned int type, struct pt_regs *regs),
			 unsigned long flags, const char *name);
void unregister_nmi_handler(unsigned int type, const char *name);

#endif
