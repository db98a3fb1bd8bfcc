# SPDX-License-Identifier: MIT
# The VMM's heap runs out: an error of the start that wants more, undone, and no halt.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE
check "the VMM starts" plinthctl start
check "the heap is used up" plinthctl debug fault heap
same "it runs on" "$(plinth_signatures)" "$(signatures)"
plinthctl stat | grep -E '^(heap|pool|memory|module)'
most=$(plinthctl stat | sort -k 4 -n -r | sed -n 's/^module \([a-z_]*\) heap .*/\1/p' | head -n 1)
same "the statistics name who took it" debug_fault "$most"
check "it stops" plinthctl stop
# What the stop gave back is enough for a start: a CPU's memory is what it was.
check "it starts again with what that freed" plinthctl start
check "and stops" plinthctl stop
check "it unloads" plinthctl unload

refuses "a heap that is too small" "heap of" plinthctl load --modules "$MODULES" --heap 4096
check "a full load works" load_modules
total=$(plinthctl stat | sed -n 's/^memory bytes \([0-9]*\).*/\1/p')
if [ "$total" -gt 0 ] && [ "$total" -lt 1048576 ]; then
	ok "all of it is less than 1 MiB ($total bytes)"
else
	not_ok "all of it is less than 1 MiB" "$total bytes"
fi
check "unload" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
