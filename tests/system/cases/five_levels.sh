# SPDX-License-Identifier: MIT
# A kernel with 5-level page tables (LA57): the VMM's own have as many, and its code runs on
# them. What is shown here ends where a CPU would start; host-five-levels of cases.txt goes on from there.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the kernel uses five levels" "$CPUS" "$(grep -cw la57 /proc/cpuinfo)"
check "LibVMI's profile is written, with a word that it is for four" \
	sh -c "plinthctl vmi-profile --output /tmp 2>&1 | grep -q 'five-level paging, which LibVMI cannot walk.* no5lvl'"
check "the driver goes in" driver_in
loads_up_to_the_start 5
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
