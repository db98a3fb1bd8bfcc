# SPDX-License-Identifier: MIT
# More CPUs than there are tables for reach far memory at once: each word is answered on each of them as it is natively. For one
# instruction a CPU is lent what others keep, and it comes back behind it by the monitor trap flag.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

here=/sys/module/far/parameters
GIB=1024
WORDS=$((8 * CPUS))

# wander: all CPUs read a word in each of so many GiB, each of them begins elsewhere.
wander() {
	echo "$((64 * GIB)) $(((64 + WORDS) * GIB)) $GIB" >$here/crowd
	echo "$(cat $here/answers) answers, $(cat $here/unmapped) unmapped"
}

# steps: how many CPUs came back behind one instruction, and how often all of them.
steps() {
	plinthctl stat | awk '$3 == "step" { n += $4; cpus += $4 > 0 } END { print cpus + 0 " CPUs, " n + 0 " times" }'
}

check "a driver with large BARs goes in" insmod /lib/plinth/far.ko
same "natively each word has an answer on each CPU" "$((WORDS * CPUS)) answers, 0 unmapped" "$(wander)"
check "the VMM starts" plinth_up
for round in 1 2; do
	same "under the VMM as well, round $round" "$((WORDS * CPUS)) answers, 0 unmapped" "$(wander)"
	same "the VMM runs on" "$(plinth_signatures)" "$(signatures)"
done
plinthctl stat
same "no access was refused" 0 "$(logged warn '"tag":"ept"')"
same "the log has no error" "" "$(plinthctl log --level error)"
lent=$(steps)
[ "${lent%% *}" -gt 1 ] && ok "what is lent comes back: $lent" || not_ok "what is lent comes back" "nobody borrowed: $lent"
check "the workload works" workload
check "everything goes" plinth_down
same "after it each word has an answer" "$((WORDS * CPUS)) answers, 0 unmapped" "$(wander)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
