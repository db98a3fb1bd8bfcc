# SPDX-License-Identifier: MIT
# Each call of the driver that can fail, above all for memory, fails once, alone and with all after it: an error, nothing lost, a retry works.
# WHAT: the commands to do it to, with commas: driver, load, start.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

FAULT=/sys/module/driver_fault/parameters

fault_set() {
	echo "$2" >$FAULT/"$1"
}

# state: what must be as before after a command that failed.
state() {
	plinthctl status 2>&1 | grep -vE 'seconds|ticks'
	signatures
}

# one_failure N COMMAND...: the N-th call fails meanwhile; the command's status.
one_failure() {
	fault_set calls 0
	fault_set failed 0
	fault_set fail_at "$1"
	shift
	text=$("$@" 2>&1)
	status=$?
	fault_set fail_at 0
	return $status
}

# each_failure NAME UNDO COMMAND...: the command, with every call failing in turn, until there is none left to fail.
each_failure() {
	_what=$1
	undo=$2
	shift 2
	_before=$(state)
	refused=0
	tolerated=0
	_n=0
	while _n=$((_n + 1)); do
		one_failure $_n "$@"
		if [ "$(cat $FAULT/failed)" -eq 0 ]; then
			[ $status -eq 0 ] || { not_ok "$_what" "no call failed, but the command did: $text"; return; }
			$undo >/dev/null
			break
		fi
		if [ $status -eq 0 ]; then
			tolerated=$((tolerated + 1))
			$undo >/dev/null
		elif after_refusal "$@"; then
			refused=$((refused + 1))
		else
			not_ok "$_what" "call $_n ($(cat $FAULT/last)) failed: $_why"
			return
		fi
	done
	if [ $refused -gt 0 ]; then
		ok "$_what: $((_n - 1)) calls, $refused refusals, $tolerated times done another way"
	else
		not_ok "$_what" "nothing failed: $((_n - 1)) calls"
	fi
}

# after_refusal COMMAND...: the error is one clear line, the state is as before, and the same command then works.
after_refusal() {
	_why="the error is '$text'"
	[ "$(echo "$text" | wc -l)" -eq 1 ] && echo "$text" | grep -qiE 'memory' || return 1
	_why="the state is '$(state)'"
	[ "$(state)" = "$_before" ] || return 1
	_why="a retry failed: $("$@" 2>&1)" && _why="what the retry did cannot be undone" && $undo >/dev/null
}

driver_both() {
	# insmod tries another system call when the first fails: one failure alone would go unseen.
	[ "$(cat $FAULT/for_good)" = Y ] || return 0
	each_failure "the driver goes in$1" driver_out driver_in
}

load_both() {
	driver_in
	each_failure "load$1" "plinthctl unload" load_modules
	driver_out
}

start_both() {
	driver_in
	load_modules
	each_failure "start$1" "plinthctl stop" plinthctl start
	plinthctl unload
	driver_out
}

insmod /lib/plinth/driver_fault.ko || abort "driver_fault.ko does not go in"
for what in $(echo "$WHAT" | tr , " "); do
	fault_set for_good 0
	${what}_both ", one call fails"
	fault_set for_good 1
	${what}_both ", all calls from one on fail"
done
rmmod driver_fault
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
