# SPDX-License-Identifier: MIT
# The VMM crashes in the way KIND says, on one CPU while a program runs there, or, with
# FROM=kernel, the kernel itself.
# The report names it, every CPU goes on without VMM, nothing can be started again.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

VICTIM=$((CPUS - 1))

# What the report must say, by kind.
case $KIND in
page-fault) wanted="write of 0x1000, where nothing is mapped" ;;
stack) wanted="stack overflow: the guard page below the root stack" ;;
gp) wanted="general protection" ;;
ud) wanted="invalid opcode" ;;
vmcs-guest) wanted="activity state" ;;
vmcs-host) wanted="host TR is null" ;;
loop) wanted="endless loop in root mode" ;;
fatal) wanted="an exit that nobody handles" ;;
*) abort "no such kind: $KIND" ;;
esac

# in_log NAME PATTERN: a line of the VMM's log says so.
in_log() {
	if plinthctl log >/tmp/log 2>&1 && grep -qE "$2" /tmp/log; then
		ok "$1"
	else
		not_ok "$1" "no line of the log matches /$2/"
	fi
}

native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE \
	${BUSY:+--add exit_tracer --log-level debug}
check "the VMM starts" plinthctl start
same "it runs" "$(plinth_signatures)" "$(signatures)"
[ -z "$BUSY" ] || check "everything that can be logged and traced is" workload
[ "$CPUS" -gt 1 ] || same "the kernel's log says who ends a loop" 1 "$(dmesg | grep -c 'plinth: one CPU: an endless loop')"
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
in_log "the report says what happened" "$wanted"
in_log "it says where: module and function" "at (debug_fault|vcpu|vcpu_intel|intrinsics|memory)\+0x"
in_log "it goes back to the exit stub" "intrinsics\+0x"
in_log "it shows the guest's state by name" "GUEST_RIP +0x"
in_log "it shows the last exits" "x cpuid"
in_log "it is complete" "end of report: CPU $VICTIM is given back"
# The line ends the report, so its own depth is in it. Where the root stack is what overflowed nothing is left of it.
[ "$KIND" != stack ] || overflowed=root
if left=$(sed -n 's/.*stacks, deepest: //p' /tmp/log | tr , '\n' | awk -v over="$overflowed" '
	{ n++; if ($(NF - 2) * 4 > $NF * 3 && $1 != over) { print; bad = 1 } } END { exit bad || n != 4 }'); then
	ok "a quarter of each stack was never used"
else
	not_ok "a quarter of each stack was never used" "$left"
fi
same "there is one report" 1 "$(grep -c 'crash report' /tmp/log)"
status=$(plinthctl status)
same "the state is corrupt" corrupt "$(echo "$status" | sed -n 's/^state *\([a-z]*\).*/\1/p')"
same "no guests" 0 "$(echo "$status" | sed -n 's/^n_guests *//p')"
refuses "no start after that" "restart" plinthctl start
refuses "no unload either" "restart" plinthctl unload
if workload >/tmp/after; then
	ok "the system works on"
else
	not_ok "the system works on" "the workload failed"
fi
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
