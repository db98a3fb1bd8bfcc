// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Somebody uses VMX on one CPU: insmod hold_vmxe.ko cpu=N sets CR4.VMXE there, rmmod clears it.
 */
#include <linux/module.h>
#include <linux/smp.h>
#include <asm/processor-flags.h>

#include "tests/system/kmod/cr4.h"

static uint cpu;
module_param(cpu, uint, 0444);

static void set(void *unused)
{
	change_cr4(X86_CR4_VMXE, 0);
}

static void clear(void *unused)
{
	change_cr4(0, X86_CR4_VMXE);
}

static int __init hold_init(void)
{
	return smp_call_function_single(cpu, set, NULL, 1);
}

static void __exit hold_exit(void)
{
	smp_call_function_single(cpu, clear, NULL, 1);
}

module_init(hold_init);
module_exit(hold_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: VMX is in use on one CPU");
