# SPDX-License-Identifier: MIT
# How many exits five workloads cost in a second, by kind. Nothing but a program's own CPUID,
# XSETBV and MSR accesses may leave the guest: most workloads must not leave it at all.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# All exits of all CPUs so far: KIND COUNT. Starting a program is a row of CPUIDs, so this
# costs some itself: see measure.
exits() {
	plinthctl stat | awk '$1 == "cpu" && $4 ~ /^[0-9]+$/ && $3 !~ /^(nmis|start|log)/ { n[$3] += $4 }
		END { for (kind in n) print kind, n[kind] }'
}

# Prints exits by kind of one second, without what the measuring itself costs: that
# is measured by a second that takes no time.
measure() {
	exits >/tmp/first
	sleep 1
	exits >/tmp/second
	sleep 0
	exits >/tmp/third
	awk '{ n[pass, $1] = $2; kinds[$1] = 1 }
		END { for (kind in kinds) {
			found = 2 * n[2, kind] - n[1, kind] - n[3, kind]
			if (found > 0) print kind, found
		} }' pass=1 /tmp/first pass=2 /tmp/second pass=3 /tmp/third
}

# work NAME COMMAND: runs on each CPU while a second passes; a session each, to end all of it.
work() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		taskset -c "$_cpu" setsid timeout 60 sh -c "$2" >/dev/null 2>&1 &
	done
	sleep 1
	measure >/tmp/rate
	for _pid in $(jobs -p); do
		kill -- "-$_pid"
	done
	wait
	[ -s /tmp/rate ] || echo "none 0" >/tmp/rate
	awk -v name="$1" '{ printf "| %s | %s | %d |\n", name, $1, $2 }' /tmp/rate | tee -a /tmp/rates
}

check "the VMM starts" plinth_up
work "computing" 'while :; do n=$((n + 1)); done'
work "system calls" 'dd if=/dev/zero of=/dev/null bs=1'
work "page faults" 'while :; do x=$(printf %65536d 1); done'
work "context switches" 'while :; do echo x; done | cat'
work "starting programs" 'while :; do /bin/true; done'
for name in computing "system calls" "page faults" "context switches"; do
	same "no exit while $name" "| $name | none | 0 |" "$(grep "| $name |" /tmp/rates)"
done
same "programs that start ask CPUID and nothing else" "cpuid" \
	"$(sed -n 's/^| starting programs | \(.*\) | .*/\1/p' /tmp/rates)"
check "the VMM goes" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
