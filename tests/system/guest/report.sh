# SPDX-License-Identifier: MIT
# Shell library of the guest scripts: named checks, and a last line that says
# PASS or FAIL. Use: `. /lib/plinth/report.sh` ... checks ... `finish`.

checks=0
failures=0
first_failure=

ok() {
	checks=$((checks + 1))
	echo "ok $1"
}

# last_word NAME: what follows ends the kernel, so the console has this before.
last_word() {
	ok "$1"
	sleep 1
}

# not_ok NAME WHY: the script goes on, finish will fail.
not_ok() {
	checks=$((checks + 1))
	failures=$((failures + 1))
	echo "not ok $1: $2"
	[ -n "$first_failure" ] || first_failure="$1: $2"
}

# check NAME COMMAND...: the command must succeed.
check() {
	_name=$1
	shift
	if _text=$("$@" 2>&1); then
		ok "$_name"
	else
		not_ok "$_name" "'$*' gave $?: $_text"
	fi
}

# refuses NAME PATTERN COMMAND...: the command must end with status 1, and
# say so in one line that matches the pattern (grep -E).
refuses() {
	_name=$1
	_pattern=$2
	shift 2
	_text=$("$@" 2>&1)
	_status=$?
	if [ $_status -ne 1 ]; then
		not_ok "$_name" "'$*' gave $_status, wanted 1: $_text"
	elif ! echo "$_text" | grep -qE "$_pattern"; then
		not_ok "$_name" "'$*' said '$_text', wanted /$_pattern/"
	else
		ok "$_name"
		echo "   $_text"
	fi
}

# same NAME WANTED FOUND: two texts must be equal.
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "wanted '$2', found '$3'"
	fi
}

# A kernel that the PC moved: its first function, and its code in memory, are where that belongs.
kernel_place() {
	echo "$(grep -m 1 ' _text$' /proc/kallsyms | cut -d ' ' -f 1)" \
		"$(sed -n 's/ *\([0-9a-f]*\)-.* : Kernel code$/\1/p' /proc/iomem)"
}

# abort WHY: nothing after this point makes sense.
abort() {
	not_ok "${2:-script}" "$1"
	finish
}

# The kernel's own complaints since boot; nothing if all is well.
kernel_complaints() {
	dmesg | grep -E 'WARNING:|BUG:|Oops|lockup|general protection|Call Trace|rcu.*stall|Bad page|segfault'
}

# finish: the last line and the exit status.
finish() {
	if [ "$failures" -ne 0 ]; then
		echo "FAIL: $failures of $checks checks failed, first: $first_failure"
		exit 1
	fi
	if [ "$checks" -eq 0 ]; then
		echo "FAIL: nothing was checked"
		exit 1
	fi
	echo "PASS: $checks checks"
	exit 0
}

[ -z "$KERNEL_TEXT" ] || same "the kernel is where it was moved to" "$KERNEL_TEXT $KERNEL_CODE" "$(kernel_place)"
[ -z "$WANT_BOOT" ] || check "the kernel said at its boot: $WANT_BOOT" grep -q "$WANT_BOOT" /tmp/dmesg-boot
