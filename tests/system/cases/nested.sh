# SPDX-License-Identifier: MIT
# Plinth in a guest of the stock KVM: a PC within the PC, whose VT-x is KVM's nested virtualization. nested_inner.sh runs
# there. KVM looks at every VMCS and every VM entry of its guest: a second opinion beside the emulator's.
. /lib/plinth/report.sh

INNER=/lib/plinth/inner
LIMIT=600 # seconds of the PC's clock; 31 were needed
INNER_CPUS=${INNER_CPUS:-2}
# Two virtual CPUs take turns on the PC's one, and Bochs forgets the interrupt that ends a turn when the guest was entered
# with interrupts off (tests/system/README.md, "Traps"). KVM's own exit at each tick does not forget: one that it keeps up
# while the guest's timer is periodic. A single virtual CPU waits for nobody, and has the timers that guests have otherwise.
CLOCK=
[ "$INNER_CPUS" -eq 1 ] || CLOCK="lapic=notscdeadline highres=off"

# What costs time and tells nothing is left out, as in the PC itself; the interrupt controllers are KVM's.
start_inner() {
	qemu-system-x86_64 -L $INNER -M microvm,acpi=off,pit=on,pic=on,rtc=on -accel kvm -cpu host,kvm-asyncpf-int=off -smp $INNER_CPUS -m 256 \
		-kernel $INNER/vmlinux -initrd $INNER/initramfs \
		-append "console=ttyS0,115200 loglevel=4 panic=-1 nokaslr no_timer_check mitigations=off cryptomgr.notests=1
			$(grep -o 'initcall_blacklist=[^ ]*' /proc/cmdline)
			tsc=reliable tsc_early_khz=$KHZ nohz=off $CLOCK acpi=off" \
		-display none -nodefaults -no-user-config -no-reboot -serial file:/tmp/console \
		-chardev file,id=words,path=/tmp/words -device isa-debugcon,iobase=0xe9,chardev=words &
	qemu=$!
}

ended() {
	grep -q '@pc status' /tmp/words || ! kill -0 $qemu 2>/dev/null
}

check "KVM goes in, nested" modprobe kvm_intel nested=1
same "and says so" Y "$(cat /sys/module/kvm_intel/parameters/nested)"
: >/tmp/words
: >/tmp/console
start_inner
tail -f /tmp/console &
shown=$!
for _ in $(seq $((LIMIT / 2))); do
	ended && break
	sleep 2
done
sleep 2
kill $qemu $shown 2>/dev/null
echo "uptime: $(cut -d' ' -f1 /proc/uptime)"
same "the PC within the PC passes" "@pc status 0" "$(grep '@pc status' /tmp/words | tr -d '\r')"
same "with all of its CPUs" 1 "$(grep -c "$INNER_CPUS CPUs in the PC within the PC" /tmp/console)"
same "its KVM has nothing to complain of" "" "$(dmesg | grep -E 'kvm.*(unexpected|unhandled|vmcs|VMCS)')"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
