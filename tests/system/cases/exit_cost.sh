# SPDX-License-Identifier: MIT
# Length of the VM-exit path: CPUID timed without and with the VMM, and in a guest of KVM.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

echo "without the VMM:"
exitbench
check "the VMM starts" plinth_up
echo "with the VMM:"
exitbench
check "the VMM stops" plinth_down
check "KVM goes in" modprobe kvm_intel
kvm_exitbench
finish
