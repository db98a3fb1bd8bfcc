# SPDX-License-Identifier: MIT
# A breakpoint that nobody reads, on a CPU that can step behind an instruction.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add hidden_breakpoint
refuses "before the start there is none" "not allowed in this state" plinthctl call hidden_breakpoint --hex
check "start" plinthctl start
check "it is executed and not read" hidden_code
check "all goes down" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
