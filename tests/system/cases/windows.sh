# SPDX-License-Identifier: MIT
# Windows of processes that introspect: what a process can do to one, and who may register at all. Needs no VT-x.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

INTROSPECT="plinthctl introspect --library /lib/plinth/libplinth-introspect.so"

# A process that is killed in the middle.
killed() {
	window_trials >/dev/null &
	kill -9 $!
	wait $! 2>/dev/null
	true
}

trial() {
	[ -z "$(window_trials)" ]
}

refuses "no driver" "/dev/plinth is not there" $INTROSPECT -- /bin/introspect_client leaf
check "the driver goes in" driver_in
same "a window is whole, stays, is nobody else's" "" "$(window_trials)"
steady "20 windows come and go" 20 trial
steady "20 are their process's to the end" 20 killed
refuses "no VMM runs" "VMM is not running" $INTROSPECT -- /bin/introspect_client leaf
refuses "root without CAP_SYS_RAWIO" "wants CAP_SYS_RAWIO" \
	/bin/setpriv --bounding-set -sys_rawio $INTROSPECT -- /bin/introspect_client leaf
refuses "who is not root" "[Pp]ermission" su nobody -s /bin/sh -c "$INTROSPECT -- /bin/introspect_client leaf"
refuses "a static program" "linked statically" $INTROSPECT -- /bin/cpuid_probe
refuses "no program" "no such program" $INTROSPECT -- nothing
check "the modules load" load_modules
refuses "nor when it is loaded" "VMM is not running" $INTROSPECT -- /bin/introspect_client leaf
refuses "messages to the driver's names" "answered to the driver alone" plinthctl call driver:introspection
refuses "messages to others" "no extension" plinthctl call drive
check "the modules go" plinthctl unload

# Its end comes late; the driver waits for it.
window_trials >/dev/null &
wait
check "the driver goes out at once" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
