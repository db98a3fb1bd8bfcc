# SPDX-License-Identifier: MIT
# Page-table isolation: two sets of page tables per process, and PCIDs where the CPU has them.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the kernel isolates its page tables" 1 "$(grep -c 'Kernel/User page tables isolation: enabled' /tmp/dmesg-boot)"
same "every CPU has PCIDs" "$CPUS" "$(grep -cw pcid /proc/cpuinfo)"
native=$(signatures)
workload >/tmp/native || abort "the workload fails natively"
check "the VMM starts" plinth_up
for _ in 1 2 3; do
	same "it runs" "$(plinth_signatures)" "$(signatures)"
	check "the workload works" workload
	check "it stops" plinthctl stop
	same "CPUID has its native answer" "$native" "$(signatures)"
	check "it starts again" plinthctl start
done
check "everything goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
