# SPDX-License-Identifier: MIT
# A kernel that is locked down while the driver is in it: what goes into the VMM is held to what goes into the kernel.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

mount -t securityfs securityfs /sys/kernel/security
check "the driver goes in" driver_in
check "modules nobody signed are loaded" plinthctl load
check "and unloaded" plinthctl unload
check "the kernel is locked down" sh -c 'echo integrity >/sys/kernel/security/lockdown'

plinthctl load >/tmp/load 2>&1
same "they are not loaded any more" 1 $?
cat /tmp/load
same "each is named" "$(find $MODULES -name '*.so' | wc -l)" "$(grep -c 'so refused: it is not signed, and this kernel takes signed modules only' /tmp/load)"
refuses "no port" "UART port 0x2f8 refused: the kernel is locked down" plinthctl load --uart $UART
refuses "a look at memory" "peek refused: the kernel is locked down" plinthctl peek --pid 1 0x1000 1
refuses "a change of it" "poke refused: the kernel is locked down" plinthctl poke --physical 0x100000 00
refuses "a physical address" "v2p refused: the kernel is locked down" plinthctl v2p --pid 1 0x1000
refuses "registers" "regs refused: the kernel is locked down" plinthctl regs --cpu 0
check "the kernel's log has it" sh -c "dmesg | grep -i 'lockdown.*plinthctl.*unsigned module'"
check "status" plinthctl status

# What this kernel's makers signed are modules of the kernel. Where the signature holds they are refused for what they are.
# The signature is of what is in the file, packed or not.
signed=$(find /lib/modules -name 'msr.ko*')
case $signed in
*.xz) xzcat "$signed" ;;
*) cat "$signed" ;;
esac >/tmp/signed.so
check "the kernel has its makers' key" grep 'asymmetri.*X509' /proc/keys
refuses "a signature that holds is no reason" "^/tmp/signed.so: .*ET_DYN.*EHDR_TYPE" driver_load /tmp/signed.so
same "and that is all that is said" 1 "$(driver_load /tmp/signed.so 2>&1 | wc -l)"
head -c -1 /tmp/signed.so >/tmp/cut.so
refuses "a file whose end is missing is not signed" "^/tmp/cut.so refused: it is not signed" driver_load /tmp/cut.so
cp /tmp/signed.so /tmp/changed.so
printf x | dd of=/tmp/changed.so bs=1 seek=100 conv=notrunc 2>/tmp/dd
refuses "one that was changed does not hold" "^/tmp/changed.so refused: .* its signature does not hold" driver_load /tmp/changed.so
refuses "one that was not signed does not hide behind one that was" "serial.so refused: it is not signed" driver_load /tmp/signed.so $MODULES/serial.so
check "the driver goes out" driver_out
finish
