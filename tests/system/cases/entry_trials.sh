# SPDX-License-Identifier: MIT
# A second opinion on vmx_check, which the tests in user space rest on: the CPU, which nobody here made, is asked for entries
# with one bit of the VMCS changed, or two, from many states to begin with.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

PAIRS=${PAIRS:-300}

check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add /lib/plinth/debug/debug_trials.so
check "the VMM starts" plinthctl start
check "CPU and rules are of one opinion" entry_trials "$PAIRS"
echo "$_text"
plinthctl log | grep -E "state |unconfirmed:" || true
check "the VMM stops" plinthctl stop
check "the modules go" plinthctl unload
same "the kernel has no complaints" "" "$(kernel_complaints)"
finish
