# SPDX-License-Identifier: MIT
# A CPU without VT-x: all goes well up to start, which says why it cannot.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "the driver goes in" driver_in
check "the modules load" load_modules
native=$(signatures)
refuses "start is refused" "VT-x|VMX" plinthctl start
same "no CPU was touched" "$native" "$(signatures)"
refuses "start is refused again, the same way" "VT-x|VMX" plinthctl start
refuses "stop has nothing to stop" "not (running|started)|start" plinthctl stop
check "the modules unload" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
