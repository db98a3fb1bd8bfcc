# SPDX-License-Identifier: MIT
# Who may use the device, and two who use it at once.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "the driver goes in" driver_in
same "the device is root's alone" "600 0 0" "$(stat -c '%a %u %g' /dev/plinth)"
refuses "a user without privilege" "[Pp]ermission|root" \
	su nobody -s /bin/sh -c "plinthctl status"
chmod 666 /dev/plinth
refuses "not even if the device is open to all" "[Pp]ermission|root" \
	su nobody -s /bin/sh -c "plinthctl load --modules $MODULES"
chmod 600 /dev/plinth
refuses "loading, to root without CAP_SYS_MODULE" "needs CAP_SYS_MODULE" \
	/bin/setpriv --bounding-set -sys_module plinthctl load --modules $MODULES
check "asking, to the same" /bin/setpriv --bounding-set -sys_module plinthctl status

# Two users load and unload against each other: each command succeeds or is
# refused, none hangs or dies, and the device is usable afterwards.
fight() {
	for _ in $(seq 12); do
		for _words in "load --modules $MODULES" "status" "unload"; do
			# shellcheck disable=SC2086 # option words
			plinthctl $_words >/dev/null 2>&1
			_status=$?
			[ $_status -le 1 ] || echo "plinthctl $_words: $_status"
		done
	done
}
fight >/tmp/first &
first=$!
fight >/tmp/second
wait $first
same "two at once never fail badly" "" "$(cat /tmp/first /tmp/second)"
plinthctl unload >/dev/null 2>&1
check "load after the fight" load_modules
check "unload after the fight" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
