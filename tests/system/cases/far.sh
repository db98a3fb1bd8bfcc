# SPDX-License-Identifier: MIT
# A driver reads words all over the physical addresses, far more than there are pages for second-level tables: each read
# is answered as it is natively, the VMM takes no memory for it that it does not give back, and stays hidden.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

here=/sys/module/far/parameters
GIB=1024
END=$((1024 * GIB)) # the address width of the emulated PC

# wander: a word in each GiB, then one in each 2 MiB of eight of them, then in each GiB again. The number of answers.
wander() {
	for words in "$((64 * GIB)) $END $GIB" "$((512 * GIB)) $((520 * GIB)) 2" "$((64 * GIB)) $END $GIB"; do
		echo "$words" >$here/run
		cat $here/answers $here/unmapped
	done
}

pool() {
	plinthctl stat | awk '$1 == "pool"'
}

check "a driver with large BARs goes in" insmod /lib/plinth/far.ko
wander >/tmp/native
same "natively each word has an answer" "960 0 4096 0 960 0" "$(tr '\n' ' ' </tmp/native | sed 's/ $//')"
check "the VMM starts" plinth_up
pool
for round in 1 2; do
	wander >/tmp/under
	same "under the VMM as well, round $round" "$(cat /tmp/native)" "$(cat /tmp/under)"
	same "no CPU died" 0 "$(cpus_that_are dead)"
	same "the VMM runs on" "$(plinth_signatures)" "$(signatures)"
	pool
done
same "the log has no error" "" "$(plinthctl log --level error)"
check "the workload works" workload
check "the VMM stops" plinthctl stop
check "and starts again" plinthctl start
wander >/tmp/under
same "and answers again" "$(cat /tmp/native)" "$(cat /tmp/under)"
check "everything goes" plinth_down
wander >/tmp/after
same "after it each word has an answer" "$(cat /tmp/native)" "$(cat /tmp/after)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
