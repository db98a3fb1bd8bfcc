# SPDX-License-Identifier: MIT
# The machine sleeps and wakes while the VMM runs, as far as an emulated PC can: the kernel goes
# all the way but the last step (pm_test). The VMM is off meanwhile, whoever tries to start it,
# and back afterwards.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# How far the kernel goes, in the order in which it goes there.
DEPTHS="freezer devices platform processors core"

# sleep_to DEPTH STATE: and back.
sleep_to() {
	echo "$1" >/sys/power/pm_test && echo "$2" >/sys/power/state
}

# too_late STATE: somebody tries to start the VMM after it was stopped for that.
too_late() {
	check "sleep and wake with a late start, $1" sleep_to core "$1"
	same "it was refused" 256 "$(cat /sys/module/too_late/parameters/status)"
	same "the VMM is back" "$(plinth_signatures)" "$(signatures)"
}

echo 0 >/sys/module/suspend/parameters/pm_test_delay
check "the VMM starts" plinth_up
for depth in $DEPTHS; do
	check "sleep and wake, $depth" sleep_to "$depth" mem
	same "the VMM is back after $depth" "$(plinth_signatures)" "$(signatures)"
done
check "suspend to idle" sleep_to devices freeze
same "the VMM is back" "$(plinth_signatures)" "$(signatures)"
for depth in freezer core; do
	check "suspend to disk, $depth" sleep_to "$depth" disk
	same "the VMM is back after $depth" "$(plinth_signatures)" "$(signatures)"
done
check "work goes on" workload
check "the VMM stops" plinthctl stop
check "sleep without the VMM" sleep_to processors mem
same "nobody started it" "" "$(signatures | grep Plinth)"
check "start" plinthctl start

check "the tests' module goes in" insmod /lib/plinth/too_late.ko
too_late mem
too_late disk
check "the tests' module goes out" rmmod too_late
check "the VMM goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
