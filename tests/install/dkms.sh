# SPDX-License-Identifier: MIT
# What apt and DKMS installed elsewhere, in the emulated PC with VT-x: nothing here is from the build folder.
. /lib/plinth/report.sh

unset PLINTH_MODULES
check "modprobe finds the driver that DKMS built" modprobe plinth
check "it is that one" test -d /sys/module/plinth
check "the installed modules load" plinthctl load --add exit_tracer
check "they are the installed ones" sh -c "plinthctl modules | grep -q 'from /usr/lib/plinth/modules/entry.so'"
check "every CPU becomes a guest" plinthctl start
same "user space sees it" "cpu 0: PlinthPlinth" "$(cpuid_probe --signature | head -n 1)"
check "stop" plinthctl stop
check "unload" plinthctl unload
check "the driver goes out" rmmod plinth
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
