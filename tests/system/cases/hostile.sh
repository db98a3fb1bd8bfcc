# SPDX-License-Identifier: MIT
# A kernel module reads and writes all physical memory while the VMM runs: it finds
# nothing of the VMM and breaks nothing. Without second-level translation it would.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

here=/sys/module/hostile/parameters
# What is not hidden: the driver's own notes of where the VMM is. The core itself and its list of destructors have a page each,
# its list of modules, some 540 bytes each, has two.
OWN_PAGES=4

run() {
	echo "$1" >$here/run
}

value() {
	cat $here/"$1"
}

field() {
	vmm_status "$1"
}

# Each CPU keeps the stacks of a few threads that ended for new ones, and clears them only then.
use_up_stacks() {
	for cpu in $(seq 0 $((CPUS - 1))); do
		taskset -c "$cpu" sh -c 'for _ in 1 2 3 4 5 6 7 8; do sleep 0.2 & done; wait'
	done
}

# Not in this shell: its own stack would show the address.
hide() {
	printf '%#x\n' $((-$1))
}

native=$(signatures)
check "the hostile module goes in" insmod /lib/plinth/hostile.ko
check "the driver goes in" driver_in
check "the modules load" load_modules
minus_first=$(hide "$(field base_va)")
echo "$minus_first" >$here/minus_first
echo $(($(field end_va) + minus_first)) >$here/span
taskset -c 0 sh -c "echo note >$here/run"
# What was a stack's or a buffer's is something else a little later.
still=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	noted=$(value noted)
	use_up_stacks
	run settle
	[ "$(value noted)" -eq "$noted" ] && still=$((still + 1)) || still=0
	[ $still -lt 3 ] || break
done
noted=$(value noted)
echo "$(value pages) pages of RAM, $noted of them hold addresses of the VMM"
run look
same "without the VMM running they are there" "$noted" "$(value shown)"

check "the VMM starts" plinthctl start
run look
shown=$(value shown)
check "they are more than the driver's" [ "$noted" -gt 15 ]
same "with the VMM running the driver's are left" $OWN_PAGES "$shown"
[ "$shown" -eq $OWN_PAGES ] || cat $here/others
# The VMM's memory stays where it is. What the start left on a stack does not.
for _ in 1 2 3 4 5; do
	run scan
	others=$(value others)
	[ -n "$others" ] || break
	echo "$others"
	use_up_stacks
	workload >/dev/null
done
same "they are there" $OWN_PAGES "$(value shown)"
same "and no others are in all RAM" "" "$others"
run holes
echo "$(value pages) pages without RAM below 4 GiB and above RAM, $(value unread) cannot be mapped"
check "where there is no RAM is a look" [ "$(value pages)" -gt 500000 ]
check "nearly everywhere" [ "$(value unread)" -lt 100 ]
same "and nothing of the VMM there" 0 "$(value shown)"

# The kernel does not even let root read RAM there; who gets round that sees what the module sees.
readable=0
for page in $(cat $here/notes); do
	dd if=/dev/mem of=/dev/null bs=4096 skip=$((0x$page)) count=1 2>/tmp/dd && readable=$((readable + 1))
done
same "/dev/mem shows none of them" 0 $readable
same "because the kernel says so" 1 "$(grep -c 'Operation not permitted' /tmp/dd)"
check "every page of RAM is written" run touch
# The log and the counters can be read but not written.
same "but for the shared region" $(($(field shared_bytes) / 4096)) "$(value refused)"
check "the others are destroyed" run destroy
echo "$(value destroyed) pages overwritten"
same "all that was noted but the driver's" $((noted - OWN_PAGES)) "$(value destroyed)"
check "an intruder goes in" insmod /lib/plinth/intruder.ko
refuses "a local APIC over one of them is refused" "Input/output" \
	sh -c "echo $(sed -n 5p $here/notes) >/sys/module/intruder/parameters/apic"
check "the intruder goes out" rmmod intruder
same "the VMM runs on" "$(plinth_signatures)" "$(signatures)"
check "and answers" plinthctl log
check "the workload works" workload
same "and runs on" "$(plinth_signatures)" "$(signatures)"
check "the VMM stops" plinthctl stop
run look
# The VMM may have used some of them for something else meanwhile, as for tables.
check "the VMM's pages are there again" [ "$(value shown)" -gt $((noted / 2)) ]
same "none of them is what was written there" 0 "$(value spoiled)"
check "it starts again" plinthctl start
same "and works" "$(plinth_signatures)" "$(signatures)"
check "it stops" plinthctl stop
check "the modules unload" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
