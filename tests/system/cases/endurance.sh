# SPDX-License-Identifier: MIT
# Many starts, stops, loads and unloads, some of them under load on all CPUs; then memory,
# slabs and kernel log as before. How many: CYCLES starts, LOADS loads, SECONDS of stress.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

CYCLES=${CYCLES:-60}
LOADS=${LOADS:-10}
STRESS=${STRESS:-10} # seconds of the guest's clock
native=$(signatures)

cycle() {
	plinthctl start >/dev/null && plinthctl stop >/dev/null
}

loads() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}

# repeat NAME ROUNDS COMMAND: it succeeds every time.
repeat() {
	_round=0
	while [ $_round -lt "$2" ] && $3; do
		_round=$((_round + 1))
	done
	same "$1" "$2" "$_round"
}

# Kernel memory that a driver can leak, in KiB: slabs that cannot be reclaimed, vmalloc, page tables.
kernel_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "PageTables:" { n += $2 } END { print n }' /proc/meminfo
}

# grown NAME BEFORE AFTER: by less than a page every hundred rounds could tell.
grown() {
	if [ $(($3 - $2)) -le 512 ]; then
		ok "$1 ($(($3 - $2)) KiB)"
	else
		not_ok "$1" "$(($3 - $2)) KiB more"
	fi
}

# Load on every CPU: forks, signals, timers, page faults, CPUID.
load() {
	while [ ! -e /tmp/enough ]; do
		workload >/dev/null || touch /tmp/workload-failed
		exitbench 200 >/dev/null || touch /tmp/workload-failed
		stepping >/dev/null || touch /tmp/workload-failed
	done
}

check "the driver goes in" driver_in
check "the modules load" load_modules
repeat "warming up" 5 cycle
free_before=$(free_memory)
kernel_before=$(kernel_memory)
repeat "$CYCLES starts and stops" "$CYCLES" cycle
grown "they leave the kernel's memory as it was" "$kernel_before" "$(kernel_memory)"
grown "they leave free memory as it was" "$(free_memory)" "$free_before"
check "the modules unload" plinthctl unload
repeat "warming up" 2 loads
kernel_before=$(kernel_memory)
free_before=$(free_memory)
repeat "$LOADS loads and unloads" "$LOADS" loads
grown "they leave the kernel's memory as it was" "$kernel_before" "$(kernel_memory)"
grown "they leave free memory as it was" "$(free_memory)" "$free_before"

check "the modules load again" load_modules
for _ in $(seq "$CPUS"); do
	load &
done
end=$(($(cut -d. -f1 /proc/uptime) + STRESS))
rounds=0
failed=0
while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
	plinthctl start >/dev/null || failed=$((failed + 1))
	sleep 1
	plinthctl stop >/dev/null || failed=$((failed + 1))
	rounds=$((rounds + 1))
done
touch /tmp/enough
wait
same "$rounds starts and stops under load, every second, in $STRESS s" 0 $failed
same "the load went well all the time" "" "$(ls /tmp/workload-failed 2>/dev/null)"
check "everything unloads" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
