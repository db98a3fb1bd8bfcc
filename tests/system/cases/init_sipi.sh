# SPDX-License-Identifier: MIT
# Somebody takes a CPU away by INIT and starts something else there by SIPI: with the VMM on it the
# CPU does what it does without, and what runs there then has no VMM under it. The driver sees that the CPU is gone.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

LAST=$((CPUS - 1))

take() {
	echo $LAST >/proc/init_signal
}

started() {
	head -n 1 /proc/init_signal
}

here() {
	tail -n 1 /proc/init_signal
}

# The driver looks every second or so.
corrupt() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(vmm_status state)" != corrupt ] || return 0
		sleep 1
	done
	return 1
}

taskset -p 1 $$ >/dev/null
echo 1 >/proc/sys/kernel/sysrq
check "the tests' module goes in" insmod /lib/plinth/init_signal.ko
check "a CPU goes offline" sh -c "echo 0 >/sys/devices/system/cpu/cpu$LAST/online"
take
native=$(started)
echo "natively $native"
here=$(here)
same "natively it starts in real mode where it is told" "started: CR0 60000010, CS 800" "${native%, *}"
check "the CPU comes back" sh -c "echo 1 >/sys/devices/system/cpu/cpu$LAST/online"
check "the VMM starts" plinth_up
same "it is on every CPU" "$(plinth_signatures)" "$(signatures)"
take
same "with the VMM on it the same comes of it" "$native" "$(started)"
check "the driver says that the CPU is lost" corrupt
plinthctl stat | grep -E 'state|init'
same "the other CPUs are given back" "$here" "$(here)"
plinthctl log | tail -n 3
check "the log tells" [ "$(logged warn INIT)" -gt 0 ]
same "and the counters" 1 "$(cpus_that_are reset)"
last_word "about to reset what is left"
pcctl status $failures
echo b >/proc/sysrq-trigger
sleep 1000
