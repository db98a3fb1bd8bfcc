#!/bin/sh
# SPDX-License-Identifier: MIT
# The driver holds no instruction that needs VMX operation or changes a control register's bits for it; that is
# the modules' business, and kernels look at the code of what they load. driver_instructions.sh OBJDUMP FILE
set -eu

found=$("$1" -d --no-show-raw-insn "$2" |
	grep -wE 'vmxon|vmxoff|vmlaunch|vmresume|vmread|vmwrite|vmptrld|vmptrst|vmclear|invept|invvpid|lgdt|lidt|ltr|lldt' ||
	true)
"$1" -d --no-show-raw-insn "$2" | grep -qw vmcall || { echo "$2: not even the stop's VMCALL is seen"; exit 1; }
[ -z "$found" ] || { echo "$found"; exit 1; }

# The landing gives flags back that somebody was in the middle of using: nothing may run between POPF and the return,
# such as the return thunks of some kernels, which count with SHL and SAR.
last=$("$1" -d --no-show-raw-insn "$2" |
	awk '/^[0-9a-f]+ <.*>:/ { here = /<gate_land>:/ } here && popf { print $2; exit } { popf = here && /popf/ }')
[ "${last%q}" = ret ] || { echo "$2: gate_land: \"$last\" behind POPF, not \"ret\""; exit 1; }
