# SPDX-License-Identifier: MIT
# Control-flow enforcement: a kernel whose indirect branches want landing pads, and a process with a shadow stack, while the
# VMM starts, runs and stops, and when it dies beneath it.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

VICTIM=$((CPUS - 1))

# supervisor_cet: IA32_S_CET of each CPU; bit 2 demands landing pads.
supervisor_cet() {
	msr_sweep 6a2 6a2
}

everywhere() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		echo "cpu $_cpu: 000006a2-000006a2: $1"
	done
}

# One process alone on the victim: Bochs has forgotten its shadow stack when another one was there (README.md, "Traps").
spin() {
	taskset -c $VICTIM shadow_stack spin /tmp/word &
	spinner=$!
	sleep 1
}

word() {
	hexdump -n 4 -e '/4 "%u\n"' /tmp/word
}

# it_goes_on: it lives and gets on.
it_goes_on() {
	_before=$(word)
	sleep 1
	kill -0 $spinner && [ "$(word)" != "$_before" ]
}

end_it() {
	kill $spinner
	wait $spinner
}

taskset -p 1 $$ >/dev/null # whatever else runs
check "the msr driver" modprobe msr
same "the kernel demands landing pads" "$(everywhere 4)" "$(supervisor_cet)"
same "and gives shadow stacks" "$CPUS" "$(grep -cw user_shstk /proc/cpuinfo)"
same "a stray return ends it natively" "control protection" "$(shadow_stack stray)"
native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
spin
check "a process with a shadow stack spins" it_goes_on
for round in 1 2; do
	check "the VMM starts, round $round" plinthctl start
	check "the process goes on" it_goes_on
	check "the VMM stops" plinthctl stop
	check "the process goes on without it" it_goes_on
done
end_it
check "the VMM starts" plinthctl start
same "it runs" "$(plinth_signatures)" "$(signatures)"
same "the kernel demands landing pads as before" "$(everywhere 4)" "$(supervisor_cet)"
same "a stray return ends a process beneath it" "control protection" "$(taskset -c $VICTIM shadow_stack stray)"
spin
check "a process with a shadow stack spins there" it_goes_on
end_it
check "the VMM dies beneath a shadow stack, which stays" taskset -c $VICTIM shadow_stack crash
wait_until_corrupt
same "no CPU is left under it" "$native" "$(signatures)"
spin
check "a process with a shadow stack spins after it" it_goes_on
end_it
same "a stray return ends one after it" "control protection" "$(taskset -c $VICTIM shadow_stack stray)"
same "there is one report" 1 "$(plinthctl log | grep -c 'crash report')"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
