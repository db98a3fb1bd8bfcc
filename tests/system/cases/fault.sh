# SPDX-License-Identifier: MIT
# The VMM crashes in the way KIND says, on one CPU while a program runs there, or, with
# FROM=kernel, the kernel itself.
# The report names it, every CPU goes on without VMM, nothing can be started again.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

VICTIM=$((CPUS - 1))

# What one line of the report must hold, by kind: the exception and its vector, the field that broke a rule, or the exit (of
# VMCALL) where there is neither.
case $KIND in
page-fault) wanted="write 0x1000" ;;
stack) wanted="overflow root" ;;
gp) wanted="#GP 13" ;;
ud) wanted="#UD 6" ;;
vmcs-guest) wanted="\"vmxchk\" 0x4826" ;; # GUEST_ACTIVITY
vmcs-host) wanted="\"vmxchk\" 0x0c0c" ;; # HOST_TR_SELECTOR
loop | fatal) wanted="hypercall 0x12" ;;
*) abort "no such kind: $KIND" ;;
esac

# in_log NAME FACT...: an error in the VMM's log holds all of these.
in_log() {
	_name=$1
	shift
	if [ "$(logged error "$@")" -gt 0 ]; then
		ok "$_name"
	else
		not_ok "$_name" "no line of the log holds $*"
	fi
}

native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE \
	${BUSY:+--add exit_tracer --log-level debug}
check "the VMM starts" plinthctl start
same "it runs" "$(plinth_signatures)" "$(signatures)"
[ -z "$BUSY" ] || check "everything that can be logged and traced is" workload
[ "$CPUS" -gt 1 ] || same "the kernel's log says who ends a loop" 1 "$(dmesg | grep -c 'plinth: .*NMI watchdog')"
if [ "$FROM" = kernel ]; then
	check "a kernel module goes in" insmod /lib/plinth/intruder.ko
	refuses "the VMM crashes under the kernel" "Input/output" \
		taskset -c $VICTIM sh -c 'echo crash >/sys/module/intruder/parameters/run'
else
	refuses "the VMM crashes: $KIND" "CPU $VICTIM" plinthctl debug fault "$KIND" --cpu $VICTIM
fi
wait_until_corrupt
same "no CPU is left under it" "$native" "$(signatures)"
plinthctl log
# shellcheck disable=SC2086 # facts
in_log "the report says what happened" $wanted
case $KIND in loop | fatal) same "and that it was no exception" 0 "$(logged error vector)" ;; esac
check "it says where: module and function" sh -c "plinthctl log --level error | grep -qE '(debug_fault|vcpu|vcpu_intel|intrinsics|memory)\+0x'"
check "it goes back to the exit stub" sh -c "plinthctl log --level error | grep -q 'intrinsics+0x'"
in_log "it shows the guest's state by name" GUEST_RIP
in_log "it shows the last exits" cpuid
in_log "it names the CPU" "CPU $VICTIM"
same "which is given back" 1 "$(cpus_that_are dead)"
# The line ends the report, so its own depth is in it. Where the root stack is what overflowed nothing is left of it.
[ "$KIND" != stack ] || overflowed=root
if left=$(plinthctl log --level error | sed -n 's/.*\(root [0-9]* of .*machine check [0-9]* of [0-9]*\).*/\1/p' | tr , '\n' | awk -v over="$overflowed" '
	{ n++; if ($(NF - 2) * 4 > $NF * 3 && $1 != over) { print; bad = 1 } } END { exit bad || n != 4 }'); then
	ok "a quarter of each stack was never used"
else
	not_ok "a quarter of each stack was never used" "$left"
fi
same "there is one report" 1 "$(logged error GUEST_RIP)"
same "the state is corrupt" corrupt "$(vmm_status state)"
same "no guests" 0 "$(vmm_status n_guests)"
refuses "no start after that" "restart" plinthctl start
refuses "no unload either" "restart" plinthctl unload
if workload >/tmp/after; then
	ok "the system works on"
else
	not_ok "the system works on" "the workload failed"
fi
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
