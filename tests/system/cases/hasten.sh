# SPDX-License-Identifier: MIT
# A flush of second-level translation on all CPUs, while the others spin in user mode and leave for nothing: their NMIs
# bring them in, each is one of the kernel's own to the last, and the kernel finds none that it does not know.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

ROUNDS=500
TRIES=1000000

# Of CPU 1.
nmis() {
	awk '$1 == "NMI:" { print $3 }' /proc/interrupts
}

# What the kernel says of an NMI that is nobody's.
unknown_nmis() {
	dmesg | grep -c 'NMI received for unknown reason'
}

check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add /lib/plinth/debug/debug_slat.so
check "the VMM starts" plinthctl start
same "CPUs that spin do not flush by themselves" "0 of 3" "$(flush_all 3 1000)"
before=$(nmis)
same "hastened, they do" "$ROUNDS of $ROUNDS" "$(flush_all $ROUNDS $TRIES hasten)"
plinthctl stat
same "an NMI each" $((before + ROUNDS)) "$(nmis)"
same "and none that the kernel does not know" 0 "$(unknown_nmis)"

# The machine's own at the same time.
check "the tests' module goes in" insmod /lib/plinth/exit_probe.ko
(echo "1 $ROUNDS" >/proc/exit_probe_nmi) &
same "among others' NMIs" "$ROUNDS of $ROUNDS" "$(flush_all $ROUNDS $TRIES hasten)"
wait
arrived=$(awk -v n=$ROUNDS '{ print ($2 == n && $4 >= n) ? "all" : $0 }' /proc/exit_probe_nmi)
same "of which none is lost" all "$arrived"
same "the kernel knows each" 0 "$(unknown_nmis)"
check "the tests' module goes out" rmmod exit_probe

# Without a VMM the call is #UD.
(flush_all 1000000 $TRIES hasten) &
sleep 3
check "the VMM stops, with CPUs that are just being hastened" plinthctl stop
wait
check "and starts" plinthctl start
same "it is as before" "20 of 20" "$(flush_all 20 $TRIES hasten)"
same "no CPU died" 0 "$(plinthctl stat | grep -c dead)"
same "the log has no error" "" "$(plinthctl log | grep -iE 'error|fatal|unexpected')"
check "everything goes" plinth_down
same "the kernel knows all its NMIs" 0 "$(unknown_nmis)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
