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

# A program on each CPU that never rests, in a class that goes before all of ours: the kernel has its 5 % of the time for
# what a stop waits for in the end, a grace period of RCU.
now() {
	awk '{ print int($1 * 100 + 0.5) }' /proc/uptime
}
hogs=
for cpu in $(seq 0 $((CPUS - 1))); do
	taskset -c "$cpu" chrt -f 50 sh -c 'while :; do :; done' &
	hogs="$hogs $!"
done
sleep 1
kernel=$(grace_period)
begin=$(now)
check "stop, beneath programs that never rest" plinthctl stop
took=$(($(now) - begin))
# shellcheck disable=SC2086 # process ids
kill -9 $hogs
wait
echo "   a grace period took $kernel, the stop $took hundredths of a second"
check "it waits for no more than the kernel does" [ $took -le $((kernel + 600)) ]
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
