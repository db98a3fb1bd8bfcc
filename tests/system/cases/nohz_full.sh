# SPDX-License-Identifier: MIT
# A CPU that its administrator keeps free of timers: the VMM starts none there either, and is watched all the same.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

TRACING=/sys/kernel/tracing

mount -t tracefs tracefs $TRACING
same "CPU 1 runs without a tick" 1 "$(cat /sys/devices/system/cpu/nohz_full)"
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
echo 1 >$TRACING/events/timer/timer_start/enable
check "the VMM starts" plinthctl start
same "it runs" "$(plinth_signatures)" "$(signatures)"
sleep 3
echo 0 >$TRACING/tracing_on
grep 'function=on_timer' $TRACING/trace >/tmp/timers
check "the watch's timer runs on CPU 0" grep -q '\[000\]' /tmp/timers
same "and on no other" 0 "$(grep -vc '\[000\]' /tmp/timers)"

refuses "the VMM crashes on CPU 1" "CPU 1" plinthctl debug fault ud --cpu 1
wait_until_corrupt
same "CPU 0 saw it" corrupt "$(vmm_status state)"
same "CPU 1 is dead to the VMM" 1 "$(cpus_that_are dead)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
