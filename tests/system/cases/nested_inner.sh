# SPDX-License-Identifier: MIT
# Run by nested.sh in a guest of KVM, or by hand wherever a kernel is a guest of KVM with VT-x: from load to unload, with
# the hypervisor below as it is before and after.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

native=$(signatures)
check "a hypervisor is below: $(echo "$native" | head -n 1)" sh -c "cpuid_probe --signature | grep -q KVM"
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES"
check "the VMM starts" plinthctl start
same "the hypervisor below keeps its leaves" "$native" "$(signatures)"
same "it runs on every CPU: its own leaves are the next" "$(plinth_signatures)" "$(cpuid_probe --leaf 40000100 --signature)"
# The kernel goes on using what the hypervisor below gives it: its clock, its hypercalls.
sleep 1
check "time goes on" [ "$(date +%s)" -gt 0 ]
check "the workload works" workload
plinthctl stat | head -n 20
same "each CPU is a guest" "$CPUS" "$(cpus_that_are guest)"
echo "$CPUS CPUs in the PC within the PC"
same "no CPU died" 0 "$(cpus_that_are dead)"
check "the VMM stops" plinthctl stop
same "the hypervisor below is what CPUID tells" "$native" "$(signatures)"
check "it starts again" plinthctl start
check "and stops" plinthctl stop
same "the log has no error" "" "$(plinthctl log --level error)"
check "the modules unload" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
