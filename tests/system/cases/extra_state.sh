# SPDX-License-Identifier: MIT
# State of the CPU that Linux does not use but another guest may: tiles of AMX, user interrupts, protection keys of the kernel. They
# are in use while the VMM starts, runs and stops; they are turned on beneath it; and they are in use when it dies.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh
. /lib/plinth/spin.sh

KEYS=/sys/module/extra_state/parameters/keys

# What access disabled (1) and write disabled (2) mean: SDM volume 3, "Protection Keys".
WANTED_KEYS="rights 0: reads allowed, writes allowed, IA32_PKRS the same
rights 1: reads forbidden, writes forbidden, IA32_PKRS the same
rights 2: reads allowed, writes forbidden, IA32_PKRS the same"

state_on() {
	insmod /lib/plinth/extra_state.ko
}

# all_of_it WHEN: no signal may be delivered on the last CPU, for which Linux has XRSTOR set the tiles to where they began.
all_of_it() {
	check "tiles and user interrupts $1" it_goes_on
	for _cpu in $(seq 0 $VICTIM); do
		same "keys of the kernel $1, CPU $_cpu" "$WANTED_KEYS" "$(taskset -c "$_cpu" cat $KEYS)"
	done
}

native=$(signatures)
check "the state is turned on" state_on
spin extra_state
all_of_it "natively"
complaints=$(kernel_complaints) # that there is a key, of which this kernel does not know
check "who crashes it goes in" insmod /lib/plinth/intruder.ko
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
for round in 1 2; do
	check "the VMM starts, round $round" plinthctl start
	all_of_it "beneath it"
	check "the VMM stops" plinthctl stop
	all_of_it "after it"
done
end_it
check "the state is turned off" rmmod extra_state
check "the VMM starts" plinthctl start
same "it runs" "$(plinth_signatures)" "$(signatures)"
check "the state is turned on beneath it" state_on
spin extra_state
all_of_it "turned on beneath it"
end_it
check "it is turned off beneath it" rmmod extra_state
check "and on again" state_on
spin extra_state
all_of_it "turned on again"
refuses "the VMM dies on that CPU" "Input/output" taskset -c $VICTIM sh -c 'echo crash >/sys/module/intruder/parameters/run'
wait_until_corrupt
same "no CPU is left under it" "$native" "$(signatures)"
all_of_it "after it died"
end_it
check "the state is turned off in the end" rmmod extra_state
check "the workload works" workload
same "the kernel has nothing more to complain of" "$complaints" "$(kernel_complaints)"
finish
