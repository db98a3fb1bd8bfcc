# SPDX-License-Identifier: MIT
# The kernel changes memory types by its MTRRs, while the VMM runs, while it is stopped, and across a sleep: second-level
# translation says on every CPU what they say. Natively a type that is not followed is a device whose registers are cached.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

RANGE=10000000 # 2 MiB of RAM from here on, and the pages around it
BEFORE=ffff000
BEHIND=10200000
UC=0
WB=6

# types: the range, its last page, before and behind it; by all CPUs, each line once.
types() {
	slat_type $RANGE 101ff000 $BEFORE $BEHIND | cut -d: -f2 | sort -u
}

# each_is WHAT TYPE: it is so in the range, and around it is what RAM is.
each_is() {
	same "$1" " $2 $2 $WB $WB" "$(types)"
}

set_range() {
	echo "base=0x$RANGE size=0x200000 type=$1" >/proc/mtrr
}

# By its number: the kernel wants to know which.
drop_range() {
	echo "disable=$(sed -n "s/^reg0*\([0-9]*\): base=0x0*$RANGE .*/\1/p" /proc/mtrr)" >/proc/mtrr
}

check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add /lib/plinth/debug/debug_slat.so
check "the VMM starts" plinthctl start
cat /proc/mtrr
each_is "RAM is write-back" $WB
same "a device is not: the local APIC, which each CPU has touched" " $UC" "$(slat_type fee00000 | cut -d: -f2 | sort -u)"

check "the kernel makes a range uncachable" set_range uncachable
each_is "it is so at once" $UC
check "the range goes" drop_range
each_is "it is write-back again" $WB
check "write-through" set_range write-through
each_is "it is so" 4
check "goes, too" drop_range
each_is "it is write-back again" $WB

check "a range once more" set_range uncachable
check "the VMM stops" plinthctl stop
check "and starts" plinthctl start
each_is "the range is as it was" $UC
check "the VMM stops" plinthctl stop
check "the range goes while it is stopped" drop_range
check "the VMM starts" plinthctl start
each_is "what changed meanwhile is seen" $WB
check "the VMM stops" plinthctl stop
check "a range while it is stopped" set_range uncachable
check "the VMM starts" plinthctl start
each_is "that is seen as well" $UC

echo 0 >/sys/module/suspend/parameters/pm_test_delay
echo core >/sys/power/pm_test
check "the machine sleeps and wakes" sh -c "echo mem >/sys/power/state"
same "the VMM is back" "$(plinth_signatures)" "$(signatures)"
each_is "and the range" $UC
check "a CPU goes" sh -c "echo 0 >/sys/devices/system/cpu/cpu1/online"
check "the range goes meanwhile" drop_range
check "the CPU comes back" sh -c "echo 1 >/sys/devices/system/cpu/cpu1/online"
each_is "it sees what the others see" $WB

check "the workload works" workload
same "no CPU died" 0 "$(cpus_that_are dead)"
same "the log has no error" "" "$(plinthctl log --level error)"
check "the log tells of types that change" [ "$(logged info '"tag":"ept"')" -gt 0 ]
check "everything goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
