# SPDX-License-Identifier: MIT
# The demonstration of ./run, and the first of the system tests: the running
# kernel becomes a guest on every CPU, works on, and gets its machine back.
# WANT_FLAG: of /proc/cpuinfo, what the kernel has to use; WANT_RETBLEED: how it has to answer Retbleed.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

STARTS=20
LOADS=5

start_stop() {
	plinthctl start >/dev/null && [ "$(signatures)" = "$(plinth_signatures)" ] &&
		plinthctl stop >/dev/null && [ "$(signatures)" = "$native" ]
}

load_unload() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}

echo "== Plinth on $(uname -r), $CPUS CPUs, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"

[ -z "$WANT_FLAG" ] || same "the kernel uses $WANT_FLAG" "$CPUS" "$(grep -cw "$WANT_FLAG" /proc/cpuinfo)"
[ -z "$WANT_RETBLEED" ] || check "Retbleed: $WANT_RETBLEED" grep -q "$WANT_RETBLEED" /sys/devices/system/cpu/vulnerabilities/retbleed

echo "== 1. natively"
native=$(signatures)
echo "$native"
workload >/tmp/native || abort "the workload fails natively" workload

echo "== 2. load and start"
check "the driver goes in" driver_in
check "the modules load" load_modules
plinthctl modules
check "the VMM starts on all CPUs" plinthctl start
plinthctl status
under=$(signatures)
echo "$under"
same "user space sees Plinth on every CPU" "$(plinth_signatures)" "$under"

echo "== 3. work under the VMM"
before=$(for cpu in $(seq 0 $((CPUS - 1))); do exit_count "$cpu" cpuid; done)
cpuid_probe --count 100 >/dev/null
if workload >/tmp/under; then
	cat /tmp/under
	same "the workload has the same results" "$(cat /tmp/native)" "$(cat /tmp/under)"
else
	not_ok "the workload has the same results" "it failed"
fi
plinthctl stat
echo "The VMM's log:"
plinthctl log | tail -n 8
cpu=0
for count in $before; do
	after=$(exit_count $cpu cpuid)
	if [ "$after" -ge $((count + 100)) ]; then
		ok "CPU $cpu counts its exits: cpuid $count, then $after"
	else
		not_ok "CPU $cpu counts its exits" "cpuid $count, then $after after 100 more"
	fi
	cpu=$((cpu + 1))
done

echo "== 4. stop, and again"
check "the VMM stops" plinthctl stop
same "CPUID has its native answer again" "$native" "$(signatures)"

steady "$STARTS starts and stops" $STARTS start_stop

echo "== 5. unload, and again"
check "the modules unload" plinthctl unload
steady "$LOADS loads and unloads" $LOADS load_unload
check "the driver goes out" driver_out
if workload >/tmp/after; then
	same "the workload goes on natively" "$(cat /tmp/native)" "$(cat /tmp/after)"
else
	not_ok "the workload goes on natively" "it failed"
fi
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
