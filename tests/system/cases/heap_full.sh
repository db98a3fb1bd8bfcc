# SPDX-License-Identifier: MIT
# The VMM's heap runs out: an error of the start that wants more, undone, and no halt.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
check "the VMM starts" plinthctl start
check "a block is freed twice" plinthctl debug fault double-free
same "the log tells" 1 "$(logged error '"tag":"memory"')"
check "and one that was written beyond its end" plinthctl debug fault overrun
same "and of that" 2 "$(logged error '"tag":"memory"')"
plinthctl log --level error
same "it runs on" "$(plinth_signatures)" "$(signatures)"
check "the heap is used up" plinthctl debug fault heap
same "it runs on" "$(plinth_signatures)" "$(signatures)"
plinthctl stat | grep -E '^(heap|pool|memory|module)'
most=$(plinthctl stat | sort -k 4 -n -r | sed -n 's/^module \([a-z_]*\) heap .*/\1/p' | head -n 1)
same "the statistics name who took it" debug_fault "$most"
check "it stops" plinthctl stop
# What the stop gave back is enough for a start: a CPU's memory is what it was.
check "it starts again with what that freed" plinthctl start
check "and stops" plinthctl stop

# A start that runs out of memory on its second CPU: what the offline CPU 1 leaves is taken too, so that
# when both are wanted there is room for one.
check "it starts a third time" plinthctl start
check "CPU 1 goes" sh -c 'echo 0 >/sys/devices/system/cpu/cpu1/online'
check "what it had is used up" plinthctl debug fault heap
check "the VMM stops" plinthctl stop
check "CPU 1 comes back" sh -c 'echo 1 >/sys/devices/system/cpu/cpu1/online'
refuses "a start without memory for CPU 1" "CPU 1.*(memory|NOMEM)" plinthctl start
plinthctl log | tail -n 4
same "no CPU is left under it" "$native" "$(signatures)"
same "the state is as before" loaded "$(vmm_status state)"
check "it unloads" plinthctl unload
check "with a heap of its own again, and a larger one" plinthctl load --modules "$MODULES" --uart $UART --heap 131072
check "it starts on every CPU" plinthctl start
same "and runs" "$(plinth_signatures)" "$(signatures)"
check "it stops" plinthctl stop
check "it unloads" plinthctl unload

refuses "a heap that is too small" "heap of" plinthctl load --modules "$MODULES" --heap 4096
before=$(free_memory)
check "a full load works" load_modules
total=$(plinthctl stat | sed -n 's/^memory bytes \([0-9]*\).*/\1/p')
if [ "$total" -gt 0 ] && [ "$total" -lt 1048576 ]; then
	ok "all of it is less than 1 MiB ($total bytes)"
else
	not_ok "all of it is less than 1 MiB" "$total bytes"
fi
taken=$((before - $(free_memory)))
if [ $taken -le $((total / 1024 + SLACK_KIB)) ]; then
	ok "the system has no more than that less ($taken KiB)"
else
	not_ok "the system has no more than that less" "$taken KiB less, $total bytes counted"
fi
check "unload" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
