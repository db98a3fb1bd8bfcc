# SPDX-License-Identifier: MIT
# plinthctl without root: what it does all the same, and how it says that it cannot do the rest.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# nobody COMMAND...: as a user without any right.
nobody() {
	su nobody -s /bin/sh -c "$*"
}

echo "== without the driver"
for command in load start stop unload status modules maps stat log trace "call echo" symbols; do
	refuses "$command" "/dev/plinth is not there: load the driver first" nobody plinthctl $command
done

echo "== with the driver"
check "the driver goes in" driver_in
check "modules are loaded" plinthctl load
for command in load start stop unload status modules maps stat log trace "call echo"; do
	refuses "$command" "/dev/plinth: permission denied: this needs root.*check, link and modules FILE" nobody plinthctl $command
done
refuses "log --set" "needs root" nobody plinthctl log --set debug
refuses "trace --record" "needs root" nobody plinthctl trace --record all
refuses "stat --watch" "needs root" nobody plinthctl stat --watch --count 1
same "an error in JSON" 1 "$(nobody plinthctl status --json 2>&1 | grep -c '^{"error":".*needs root.*"}$')"
check "nothing of it did anything" sh -c "plinthctl status | grep -E 'state +loaded'"

echo "== what needs no root"
for command in load start stop unload status modules maps stat log trace call report symbols check link; do
	check "$command --help" nobody plinthctl $command --help
done
check "check" nobody "plinthctl check $MODULES/*.so | tail -n 1 | grep -x 'would load'"
check "link" nobody "plinthctl link $MODULES/*.so | grep -q exit_handler"
nobody plinthctl modules $MODULES/*.so | tee /tmp/modules
same "modules FILE..." "$(ls $MODULES/*.so | wc -l)" "$(grep -c '^  from ' /tmp/modules)"
refuses "modules of a file that is none" "not a Plinth module|ELF" nobody plinthctl modules /bin/busybox
nobody plinthctl report -o - >/tmp/report
same "report" 0 $?
same "report says what it could not get" 5 "$(grep -c 'needs root' /tmp/report)"
check "report has the rest" grep -q 'model name' /tmp/report
check "unload" plinthctl unload
check "the driver goes out" driver_out
finish
