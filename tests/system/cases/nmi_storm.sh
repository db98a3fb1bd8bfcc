# SPDX-License-Identifier: MIT
# NMIs rain on CPUs that execute CPUID, so most of them arrive in root mode: every one must
# reach the kernel, natively, under the VMM and while it starts and stops.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

COUNT=${NMI_COUNT:-1000}

# storm CPU COUNT: what /proc tells after it.
storm() {
	echo "$1 $2" >/proc/exit_probe_nmi
	cat /proc/exit_probe_nmi
}

all_arrive() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		same "$1: CPU $_cpu gets all its NMIs" "sent $COUNT arrived $COUNT" "$(storm "$_cpu" "$COUNT")"
	done
}

# in_root: NMIs that arrived in root mode so far, all CPUs.
in_root() {
	plinthctl stat | awk '$3 == "nmis-passed-on" { n += $4 } END { print n + 0 }'
}

check "the tests' module goes in" insmod /lib/plinth/exit_probe.ko
all_arrive "natively"
check "the VMM starts" plinth_up
all_arrive "under the VMM"
plinthctl stat
seen=$(in_root)
if [ "$seen" -gt 0 ]; then
	ok "some arrived in root mode ($seen)"
else
	not_ok "some arrived in root mode" "none did"
fi

# While the VMM comes and goes beneath.
(
	for _ in 1 2 3 4 5 6; do
		plinthctl stop && plinthctl start || echo failed
	done >/tmp/cycles 2>&1
) &
all_arrive "while the VMM starts and stops"
wait
same "it started and stopped" "" "$(grep failed /tmp/cycles)"
check "the VMM goes" plinth_down
all_arrive "after the VMM"
check "the tests' module goes out" rmmod exit_probe
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
