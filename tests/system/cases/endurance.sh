# SPDX-License-Identifier: MIT
# Many starts, stops, loads and unloads, some of them under load on all CPUs; then the kernel's
# memory, the VMM's and the kernel's log are as before. How many: CYCLES, LOADS, STRESS seconds.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh
. /lib/plinth/memory.sh

CYCLES=${CYCLES:-60}
LOADS=${LOADS:-10}
STRESS=${STRESS:-10} # seconds of the guest's clock
native=$(signatures)

loads() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}

# many_loads ROUNDS: each succeeds.
many_loads() {
	_round=0
	while [ $_round -lt "$1" ] && loads; do
		_round=$((_round + 1))
	done
	[ $_round -eq "$1" ]
}

# seconds: since the boot, of the guest's clock.
seconds() {
	cut -d. -f1 /proc/uptime
}

# Forks, signals, timers, page faults, CPUID, single steps.
load_once() {
	workload >/dev/null && exitbench 200 >/dev/null && stepping >/dev/null
}

# load CPU: until /tmp/enough. It may wait, the starts may not.
load() {
	while [ ! -e /tmp/enough ]; do
		load_once || touch /tmp/load-failed
		echo "$1" >>/tmp/load-rounds
	done
}

check "the driver goes in" driver_in
check "the modules load" load_modules
check "warming up" cycles 10
memory_now >/tmp/before
cycles "$CYCLES"
same "$CYCLES starts and stops" 0 $?
no_leak "they leave memory as it was" "$CYCLES"
check "the modules unload" plinthctl unload
check "warming up" many_loads $((LOADS / 5 + 4)) # the slabs each CPU keeps
memory_now >/tmp/before
check "$LOADS loads and unloads" many_loads "$LOADS"
no_leak "they leave memory as it was" "$LOADS"

check "the modules load again" load_modules
# Page tables that were needed once stay, and so does what the kernel makes when something is first used.
check "warming up" cycles 10
check "and the load" load_once
memory_now >/tmp/before
for cpu in $(seq "$CPUS"); do
	load "$cpu" &
	renice -n 19 -p $! >/dev/null
done
cycles --for "$STRESS"
same "starts and stops under load, one a second for $STRESS s" 0 $?
touch /tmp/enough
wait
same "the load went well all the time" "" "$(ls /tmp/load-failed 2>/dev/null)"
same "each load had its share" "$CPUS" "$(sort -u /tmp/load-rounds | wc -l)"
echo "   $(wc -l </tmp/load-rounds) rounds of load, $(seconds) s after the boot"
no_leak "they leave memory as it was" "$STRESS"
check "everything unloads" plinthctl unload
check "the driver goes out" driver_out
same "CPUID has its native answer" "$native" "$(signatures)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
