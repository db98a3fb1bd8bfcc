# SPDX-License-Identifier: MIT
# Control-flow enforcement: a kernel whose indirect branches want landing pads, and a process with a shadow stack, while the
# VMM starts, runs and stops, and when it dies beneath it.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh
. /lib/plinth/spin.sh

# supervisor_cet: IA32_S_CET of each CPU; bit 2 demands landing pads.
supervisor_cet() {
	msr_sweep 6a2 6a2
}

everywhere() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		echo "cpu $_cpu: 000006a2-000006a2: $1"
	done
}

# The process is alone there: Bochs has forgotten its shadow stack when another one was on its CPU (README.md, "Traps").
check "the msr driver" modprobe msr
same "the kernel demands landing pads" "$(everywhere 4)" "$(supervisor_cet)"
same "and gives shadow stacks" "$CPUS" "$(grep -cw user_shstk /proc/cpuinfo)"
same "a stray return ends it natively" "control protection" "$(shadow_stack stray)"
native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
spin shadow_stack
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
spin shadow_stack
check "a process with a shadow stack spins there" it_goes_on
end_it
check "the VMM dies beneath a shadow stack, which stays" taskset -c $VICTIM shadow_stack crash
wait_until_corrupt
same "no CPU is left under it" "$native" "$(signatures)"
spin shadow_stack
check "a process with a shadow stack spins after it" it_goes_on
end_it
same "a stray return ends one after it" "control protection" "$(taskset -c $VICTIM shadow_stack stray)"
same "there is one report" 1 "$(logged error GUEST_RIP)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
