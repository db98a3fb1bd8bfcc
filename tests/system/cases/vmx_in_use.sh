# SPDX-License-Identifier: MIT
# Somebody else, KVM, uses VT-x or may do so any time: start is refused until
# KVM is gone; afterwards KVM can have the CPUs back.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "KVM is loaded" modprobe kvm_intel
check "the driver goes in" driver_in
check "the modules load" load_modules
native=$(signatures)
refuses "start while KVM is loaded" "KVM.*rmmod" plinthctl start
refuses "start while a virtual machine runs" "in use" hold_vmx plinthctl start
same "no CPU was touched" "$native" "$(signatures)"
check "KVM goes" modprobe -r kvm_intel

last=$((CPUS - 1))
check "somebody uses VMX on the last CPU only" insmod /lib/plinth/hold_vmxe.ko cpu=$last
refuses "start goes back when it comes to CPU $last" "CPU $last.*in use|in use.*CPU $last" plinthctl start
same "every CPU is as it was" "$native" "$(signatures)"
check "nobody uses it any more" rmmod hold_vmxe

check "start without KVM" plinthctl start
same "Plinth is on every CPU" "$(plinth_signatures)" "$(signatures)"
refuses "KVM beside Plinth" "busy|kvm" modprobe kvm_intel
check "the VMM goes" plinth_down
check "KVM comes back" modprobe kvm_intel
check "and runs a virtual machine" hold_vmx true
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
