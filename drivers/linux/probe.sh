#!/bin/sh
# SPDX-License-Identifier: MIT
# What a kernel has that not every kernel has, as flags for the compiler; kernel.h, which says what each is
# about, chooses by them. Its headers are asked, not its version: distributions bring changes to old kernels.
#
#   probe.sh SOURCE BUILD OWN
#
# SOURCE: the kernel's source tree, or what a headers package has of it; BUILD: where its Module.symvers is; OWN: the top of
# Plinth's sources.
set -eu

# has FLAG WORD FILE: the header has this word.
has() {
	! grep -qw -- "$2" "$3" 2>/dev/null || echo "-DKERNEL_HAS_$1"
}

# exports FLAG SYMBOL: and to every module, not to those alone whose names stand in the last column.
exports() {
	! awk -F '\t' -v symbol="$2" '$2 == symbol && $5 !~ /^module:/ { found = 1 } END { exit !found }' "$symbols" ||
		echo "-DKERNEL_HAS_$1"
}

x86=$1/arch/x86/include/asm
linux=$1/include/linux
symbols=$2/Module.symvers

# The compiler's <stdarg.h> is the kernel's own until "isystem: trim/fixup stdarg.h and other headers" (5.15).
[ ! -e "$linux/stdarg.h" ] || echo "-I$3/drivers/linux/shim/stdarg"
has MAX_PAGE_ORDER MAX_PAGE_ORDER "$linux/mmzone.h"
has HK_TYPES HK_TYPE_TICK "$linux/sched/isolation.h"
has TIMER_DELETE timer_delete "$linux/timer.h"
has IBT X86_FEATURE_IBT "$x86/cpufeatures.h"
has MAY_SPLIT may_split "$linux/mm.h"
has VM_FLAGS_MOD vm_flags_mod "$linux/mm.h"
has MSRQ wrmsrq "$x86/msr.h"
has VIRT_CALLBACK cpu_emergency_register_virt_callback "$x86/reboot.h"
has CRASH_VMCLEAR crash_vmclear_loaded_vmcss "$x86/kexec.h"
exports CR4_UPDATE cr4_update_irqsoff
