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
check "the kernel's log has it" sh -c "dmesg | grep -i 'lockdown.*plinthctl.*unsigned module'"
check "status" plinthctl status

# Files that say they are signed. The keys of this kernel's makers are not in its keyrings, so none holds here either.
signed=$(find /lib/modules -name 'msr.ko')
cp "$signed" /tmp/signed.so
head -c -1 "$signed" >/tmp/cut.so
for file in signed cut; do
	plinthctl load --add /tmp/$file.so >/tmp/load.$file 2>&1
	grep "/$file.so" /tmp/load.$file
done
check "a signature that does not hold is told" grep '/signed.so refused: .* its signature does not hold' /tmp/load.signed
check "a file whose end is missing is not signed" grep '/cut.so refused: it is not signed' /tmp/load.cut
check "the driver goes out" driver_out
finish
