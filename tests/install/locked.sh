# SPDX-License-Identifier: MIT
# A kernel that takes signed modules only, and a driver that nobody signed. LOCKED_BY is the reason, IN_REPORT what
# the report says of it.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# The kernel says so many times in five seconds, then no more: what else is forbidden may have used that up.
logged() {
	dmesg | grep -iE 'unsigned module' && return
	sleep 6
	insmod $DRIVER
	dmesg | grep -iE 'unsigned module'
}

mount -t securityfs securityfs /sys/kernel/security
insmod $DRIVER >/tmp/insmod 2>&1
check "the kernel does not take the driver" test $? -ne 0
cat /tmp/insmod
check "because of its signature" grep -E 'Key was rejected|Required key|Operation not permitted' /tmp/insmod
check "the kernel's log says that it is about signatures" logged
refuses "the tool says so too, and why" "takes signed modules only \($LOCKED_BY\).*SECURE BOOT.*plinth\(7\)" plinthctl load
check "the report has it" sh -c "plinthctl report -o - | grep -A2 '^== Secure Boot' | grep -F '$IN_REPORT'"
check "what needs no driver works" plinthctl modules $MODULES/serial.so
check "check works" sh -c "plinthctl check $MODULES/*.so | tail -n 1 | grep -x 'would load'"
finish
