# SPDX-License-Identifier: MIT
# NMIs to every CPU while every CPU makes one VM exit after the other: each arrives once.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

ROUNDS=1500

# storm NAME: NMIs with a CPUID loop on every CPU.
storm() {
	for cpu in $(seq 0 $((CPUS - 1))); do
		(while :; do taskset -c "$cpu" cpuid_probe --count 20000; done) >/dev/null 2>&1 &
		loops="$loops $!"
	done
	check "$1: the storm" insmod /lib/plinth/nmi_storm.ko count=$ROUNDS
	# shellcheck disable=SC2086 # a list
	kill $loops
	wait
	loops=
	here=/sys/module/nmi_storm/parameters
	same "$1: all were sent" $((ROUNDS * CPUS)) "$(cat $here/sent)"
	same "$1: none is lost" 0 "$(cat $here/lost)"
	same "$1: none is invented" 0 "$(cat $here/invented)"
	check "$1: the end" rmmod nmi_storm
}

# NMIs that the VMM passed on, all CPUs.
passed_on() {
	plinthctl stat | awk '$3 == "nmis-passed-on" { n += $4 } END { print n + 0 }'
}

storm natively
check "the VMM starts" plinth_up
storm "under the VMM"
passed=$(passed_on)
if [ "$passed" -gt 10 ]; then
	ok "$passed of them came while the CPU was in the VMM"
else
	not_ok "enough of them came while the CPU was in the VMM" "$passed"
fi
check "the VMM stops" plinthctl stop
storm "after it"
check "the rest goes" plinthctl unload
check "the driver goes out" driver_out
same "no NMI without a sender" "" "$(dmesg | grep -iE 'NMI received for unknown|Dazed')"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
