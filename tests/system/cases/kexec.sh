# SPDX-License-Identifier: MIT
# Three kernels after one another, each left while the VMM runs: the first by kexec, and not
# even its notifiers see the VMM; the second by a panic into its crash kernel; the crash kernel
# by an emergency restart. No CPU may be left in VMX operation: it could neither be started nor
# take the VMM again. But where the driver says that the kernel calls nobody when it crashes, the crash
# kernel does its work on top of the VMM, and takes no other.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

failures=$(sed -n 's/.*failures=\([0-9]*\).*/\1/p' /proc/cmdline) # of the kernels before this one
failures=${failures:-0}
IMAGE=/lib/plinth/bzImage
INITRD=/tmp/initrd

# stage: which of the three this is.
stage() {
	sed -n 's/.*stage=\([0-9]\).*/\1/p' /proc/cmdline
}

# pack LEFT-OUT: the root file system of the next kernel.
pack() {
	(cd / && find . -xdev | grep -v "$1" | cpio -o -H newc) >$INITRD
}

# reserved 1, reserved 2: first, last address of what is kept free for a crash kernel.
reserved() {
	grep "Crash kernel" /proc/iomem | sed "s/^ *\([0-9a-f]*\)-\([0-9a-f]*\) .*/0x\\$1/"
}

# next_kernel OPTION STAGE WORDS: without the checksums that cost minutes here (given files, the kernel
# itself makes them), and to where nobody has memory: else the kernel goes through a list for each page
# that is in the way.
next_kernel() {
	# The image is of a kernel that nobody moved (pc/machine.py).
	words=$(sed 's/ *stage=.*//; s/ KERNEL_[A-Z]*=[0-9a-f]*//g' /proc/cmdline)
	kexec --kexec-syscall --no-checks "$1" $IMAGE --initrd=$INITRD --mem-min="$(reserved 1)" --mem-max="$(reserved 2)" \
		--command-line="$words $3 stage=$2 failures=$failures"
}

# under_vmm NAME: no CPU has anything left of another VMM, and this one starts.
under_vmm() {
	same "$1: CPUID has its native answer on every CPU" "" "$(signatures | grep $SIGNATURE)"
	check "$1: the VMM starts" plinth_up
	same "$1: it is on every CPU" "$(plinth_signatures)" "$(signatures)"
}

first() {
	under_vmm "first kernel"
	check "a file system for the next one" pack "no such name"
	check "the next kernel is loaded" next_kernel --load 2
	check "somebody will start the VMM again after it was stopped for that" insmod /lib/plinth/too_late.ko
	last_word "about to start it"
	kexec --exec
}

second() {
	same "second kernel: every CPU is there" "$PLINTH_CPUS" "$CPUS"
	under_vmm "second kernel"
	check "a file system for the crash kernel" pack bzImage
	check "the crash kernel is loaded" next_kernel --load-panic 3 "nr_cpus=1 on_top=$(dmesg | grep -c 'plinth: .*on top of the VMM')"
	echo 1 >/proc/sys/kernel/sysrq
	last_word "about to panic"
	echo c >/proc/sysrq-trigger
}

crash() {
	check "crash kernel: the other one's memory can be saved" test -s /proc/vmcore
	if grep -q ' on_top=0' /proc/cmdline; then
		under_vmm "crash kernel"
	else
		same "crash kernel: it runs on top of the VMM" "$(plinth_signatures)" "$(signatures)"
		refuses "crash kernel: it takes no other" "hypervisor below" plinth_up
	fi
	last_word "about to restart"
	pcctl status $failures
	echo 1 >/proc/sys/kernel/sysrq
	echo b >/proc/sysrq-trigger
}

case $(stage) in
2) second ;;
3) crash ;;
*) first ;;
esac
sleep 1000
finish
