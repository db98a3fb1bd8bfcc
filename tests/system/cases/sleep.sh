# SPDX-License-Identifier: MIT
# The machine sleeps and wakes while the VMM runs, as far as an emulated PC can: the kernel goes
# all the way but the last step (pm_test). The VMM is off meanwhile and back afterwards.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# How far the kernel goes, in the order in which it goes there.
DEPTHS="freezer devices platform processors core"

# sleep_to DEPTH STATE: and back.
sleep_to() {
	echo "$1" >/sys/power/pm_test && echo "$2" >/sys/power/state
}

# starts: how often the VMM was started on CPU 0, told by its log.
starts() {
	plinthctl log | grep -c 'entry: start\|guest'
}

echo 0 >/sys/module/suspend/parameters/pm_test_delay
check "the VMM starts" plinth_up
for depth in $DEPTHS; do
	check "sleep and wake, $depth" sleep_to "$depth" mem
	same "the VMM is back after $depth" "$(plinth_signatures)" "$(signatures)"
done
for depth in freezer devices; do
	echo test_resume >/sys/power/disk 2>/dev/null
	check "suspend to idle, $depth" sleep_to "$depth" freeze
	same "the VMM is back after $depth" "$(plinth_signatures)" "$(signatures)"
done
check "work goes on" workload
check "the VMM stops" plinthctl stop
check "sleep without the VMM" sleep_to processors mem
same "nobody started it" "" "$(signatures | grep Plinth)"
check "start" plinthctl start
check "the VMM goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
