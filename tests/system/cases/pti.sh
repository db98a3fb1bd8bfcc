# SPDX-License-Identifier: MIT
# Page-table isolation: two sets of page tables per process, and PCIDs where the CPU has them.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the kernel isolates its page tables" 1 "$(grep -c 'Kernel/User page tables isolation: enabled' /tmp/dmesg-boot)"
same "every CPU has PCIDs" "$CPUS" "$(grep -cw pcid /proc/cpuinfo)"
check "a module that reads CR4 goes in" insmod /lib/plinth/intruder.ko

# cpus_with_pcide: how many CPUs have CR4.PCIDE set.
cpus_with_pcide() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		[ $(($(taskset -c $_cpu cat /sys/module/intruder/parameters/cr4) >> 17 & 1)) -eq 1 ] && echo $_cpu
	done | wc -l
}

same "and uses them" "$CPUS" "$(cpus_with_pcide)"
native=$(signatures)
workload >/tmp/native || abort "the workload fails natively"
check "the VMM starts" plinth_up
for _ in 1 2 3; do
	same "it runs" "$(plinth_signatures)" "$(signatures)"
	check "the workload works" workload
	same "with PCIDs in use" "$CPUS" "$(cpus_with_pcide)"
	check "it stops" plinthctl stop
	same "CPUID has its native answer" "$native" "$(signatures)"
	same "PCIDs are in use after it" "$CPUS" "$(cpus_with_pcide)"
	check "it starts again" plinthctl start
done
check "everything goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
