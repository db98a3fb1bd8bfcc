# SPDX-License-Identifier: MIT
# Nobody gets in: random hypercalls, CPUID leaves, VMX and privileged instructions, MSR accesses
# and ioctls, from a process without privilege and from root's, and hypercalls from the kernel. Nothing
# crashes, nothing gets through, no answer holds more than it should, and the VMM is in the state it was in.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

ROUNDS=${INTRUDER_ROUNDS:-300}

# What must not change: the state, the modules, who is a guest, the log level.
state() {
	plinthctl status | grep -vE 'ticks|log'
	plinthctl modules
	signatures
}

intrude() {
	su nobody -s /bin/sh -c "poke $1 $ROUNDS" && poke "$1" "$ROUNDS"
}

check "the msr driver" modprobe msr
check "the VMM starts" plinth_up
check "anybody may read CPUID and nothing else" chmod 644 /dev/cpu/0/msr
state >/tmp/before
for seed in 1 77 4711; do
	check "an intruder with seed $seed" intrude $seed
	state >/tmp/now
	same "the VMM's state after seed $seed" "$(cat /tmp/before)" "$(cat /tmp/now)"
done
check "an intruder in the kernel" insmod /lib/plinth/intruder.ko
echo calls >/sys/module/intruder/parameters/run
same "none of its hypercalls is answered" 0 "$(cat /sys/module/intruder/parameters/answered)"
state >/tmp/now
same "the VMM's state after it" "$(cat /tmp/before)" "$(cat /tmp/now)"
same "no CPU died" 0 "$(cpus_that_are dead)"
same "the log has no error" "" "$(plinthctl log --level error)"
check "the VMM goes" plinth_down
check "and comes again" plinth_up
check "and goes again" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
