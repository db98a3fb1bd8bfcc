# SPDX-License-Identifier: MIT
# Commands that are wrong while the VMM runs, and the ways out that must work.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

native=$(signatures)
check "the VMM starts" plinth_up
refuses "unload while running" "running|stop" plinthctl unload
refuses "load while running" "running|stop" load_modules
refuses "start while running" "running|stop" plinthctl start
same "it still runs" "$(plinth_signatures)" "$(signatures)"
check "log" plinthctl log
# Whoever reads a line and goes away: the command ends, even if no other line ever comes.
check "log --follow ends with its reader" timeout 60 sh -c 'plinthctl log --follow | head -n 1 >/tmp/line'
check "a line was read" grep -q cpu /tmp/line
check "stat --watch ends with its reader" timeout 60 sh -c 'plinthctl stat --watch=1 | head -n 1 >/tmp/line'
check "stop" plinthctl stop
check "start again" plinthctl start

# A hurried user: the driver is told to go while the VMM runs. It may refuse,
# or stop the VMM first; the machine must be whole in both cases.
if driver_out 2>/tmp/out; then
	same "the driver went and took the VMM along" "$native" "$(signatures)"
else
	same "the driver stays, and so does the VMM" "$(plinth_signatures)" "$(signatures)"
	check "the VMM goes by the book" plinth_down
fi
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
