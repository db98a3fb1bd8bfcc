# SPDX-License-Identifier: MIT
# CPUs go and come while the VMM runs, and the driver leaves while it runs.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

last=$((CPUS - 1))
online=/sys/devices/system/cpu/cpu$last/online

cpu_goes() {
	echo 0 >$online
}

cpu_comes() {
	echo 1 >$online
}

# state_of_last: off or guest.
state_of_last() {
	plinthctl stat | awk -v cpu=$last '$1 == "cpu" && $2 == cpu && $3 == "state" { print $4 }'
}

native=$(signatures)
check "everything is up" plinth_up
for round in 1 2 3; do
	check "a CPU goes, round $round" cpu_goes
	same "it was given back" off "$(state_of_last)"
	check "it comes again, round $round" cpu_comes
	same "it is a guest" guest "$(state_of_last)"
done
same "Plinth is on every CPU" "$(plinth_signatures)" "$(signatures)"

check "a CPU goes" cpu_goes
check "the VMM stops without it" plinthctl stop
check "it comes when no VMM runs" cpu_comes
same "it is not taken" off "$(state_of_last)"
check "a CPU goes" cpu_goes
check "the VMM starts without it" plinthctl start
check "it comes" cpu_comes
same "Plinth is on every CPU" "$(plinth_signatures)" "$(signatures)"

# A CPU comes and goes all the time while the driver goes out: every attempt ends one way or the other.
while [ ! -e /tmp/enough ]; do
	cpu_goes
	cpu_comes
done 2>/dev/null &
flapping=$!
for round in 1 2 3; do
	sleep 0.$round
	check "the driver goes out while a CPU flaps, round $round" driver_out
	check "everything is up again" plinth_up
done
touch /tmp/enough
wait $flapping
cpu_comes 2>/dev/null
same "Plinth is on every CPU" "$(plinth_signatures)" "$(signatures)"

check "the driver goes out while the VMM runs" driver_out
same "every CPU was given back" "$native" "$(signatures)"
check "everything is up again" plinth_up
check "and goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
