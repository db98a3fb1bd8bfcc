# SPDX-License-Identifier: MIT
# A kernel module reads and writes all physical memory while the VMM runs: it finds
# nothing of the VMM and breaks nothing. Without second-level translation it would.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

here=/sys/module/hostile/parameters
# What is not hidden: the driver's own notes of where the VMM is, and old copies.
OWN_PAGES=10

run() {
	echo "$1" >$here/run
}

value() {
	cat $here/"$1"
}

field() {
	plinthctl status | sed -n "s/^$1 *//p"
}

native=$(signatures)
check "the driver goes in" driver_in
check "the modules load" load_modules
check "the hostile module goes in" insmod /lib/plinth/hostile.ko \
	first="$(field base_va)" last="$(field end_va)"
run note
# What was a stack's or a buffer's is something else a little later.
for _ in 1 2 3; do
	sleep 1
	run settle
done
noted=$(value noted)
echo "$(value pages) pages of RAM, $noted of them hold addresses of the VMM"
run look
same "without the VMM running they are there" "$noted" "$(value shown)"

check "the VMM starts" plinthctl start
run look
shown=$(value shown)
if [ "$noted" -gt 20 ] && [ "$shown" -le $OWN_PAGES ]; then
	ok "with the VMM running $shown are, which are the driver's"
else
	not_ok "the VMM's pages are not there any more" "$shown of $noted"
fi
check "every page of RAM is written" run touch
# The log and the counters can be read but not written.
same "but for the shared region" $(($(field shared_bytes) / 4096)) "$(value refused)"
check "the others are destroyed" run destroy
echo "$(value destroyed) pages overwritten"
if [ "$(value destroyed)" -ge $((noted - OWN_PAGES)) ]; then
	ok "nearly all that was noted"
else
	not_ok "nearly all that was noted" "$(value destroyed) of $noted"
fi
same "the VMM runs on" "$(plinth_signatures)" "$(signatures)"
check "and answers" plinthctl log
check "the workload works" workload
same "and runs on" "$(plinth_signatures)" "$(signatures)"
check "the VMM stops" plinthctl stop
run look
back=$(value shown)
if [ "$back" -ge $((noted - OWN_PAGES)) ]; then
	ok "$back of $noted pages are there again, as they were"
else
	not_ok "the VMM's pages are there again, as they were" "$back of $noted"
fi
check "it starts again" plinthctl start
same "and works" "$(plinth_signatures)" "$(signatures)"
check "it stops" plinthctl stop
check "the modules unload" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
