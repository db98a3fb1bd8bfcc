# SPDX-License-Identifier: MIT
# A machine with more CPUs, memory and address bits than any PC with VT-x that can be emulated: the modules load, link and
# keep the rules there, and take no more memory than docs/performance.md says. What is shown ends where a CPU would start.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the CPUs are there" "$WANT_CPUS" "$CPUS"
same "and their addresses as wide" "$CPUS" "$(grep -c "^address sizes.*: $WANT_BITS bits physical" /proc/cpuinfo)"
check "and the memory" [ "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" -gt $((WANT_GIB * 1024 * 1000)) ]
check "the driver goes in" driver_in
loads_up_to_the_start 3
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
