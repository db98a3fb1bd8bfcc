# SPDX-License-Identifier: MIT
# Commands in the wrong order; no VT-x is needed for any of this.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

refuses "no driver" "plinth" plinthctl status
check "the driver goes in" driver_in
check "status without modules" plinthctl status
refuses "start before load" "load" plinthctl start
refuses "stop before load" "running|started|load" plinthctl stop
check "the modules load" load_modules
refuses "load twice" "loaded|unload" load_modules
refuses "stop before start" "running|started" plinthctl stop
check "the modules unload" plinthctl unload
check "and load again" load_modules
check "the driver goes out with modules loaded" driver_out
check "the driver goes in again" driver_in
refuses "modules do not survive the driver" "load" plinthctl start
check "the driver goes out" driver_out

for words in "" "nonsense" "load --modules" "load --heap x" "start now" "status --xml"; do
	# shellcheck disable=SC2086 # option words
	plinthctl $words >/tmp/out 2>&1
	same "bad arguments: '$words'" 2 $?
	cat /tmp/out
done
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
