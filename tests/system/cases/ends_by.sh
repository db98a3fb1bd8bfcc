# SPDX-License-Identifier: MIT
# A way the machine can end while the VMM runs, $END: the PC must be reset, as it would be without.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

panic() {
	echo 1 >/proc/sys/kernel/panic
	echo c >/proc/sysrq-trigger
}

emergency_restart() {
	echo b >/proc/sysrq-trigger
}

# By the CPU itself: an exit of the VMM's.
triple_fault() {
	echo 1 >/proc/exit_probe_crash
}

panic_in_nmi_context() {
	echo 1 >/proc/sys/kernel/panic
	echo 1 >/proc/sys/kernel/unknown_nmi_panic
	rmmod exit_probe
	insmod /lib/plinth/exit_probe.ko deaf=1
	echo "$((CPUS - 1)) 1" >/proc/exit_probe_nmi
}

restart() {
	reboot -f
}

echo 1 >/proc/sys/kernel/sysrq
check "the tests' module goes in" insmod /lib/plinth/exit_probe.ko
check "the VMM starts" plinth_up
same "it is on every CPU" "$(plinth_signatures)" "$(signatures)"
last_word "about to end by $END"
pcctl status $failures
"$END"
sleep 1000
