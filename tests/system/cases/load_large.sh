# SPDX-License-Identifier: MIT
# A load that takes long, because a file wants a quarter of a GiB of memory: CPUs come and go meanwhile, and whoever waits for it
# can be killed.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

online=/sys/devices/system/cpu/cpu1/online

# now: hundredths of a second.
now() {
	awk '{ print int($1 * 100 + 0.5) }' /proc/uptime
}

# CPU 1 goes and comes until /tmp/enough is there; /tmp/longest has the longest time that took.
flap() {
	_longest=0
	while [ ! -e /tmp/enough ]; do
		_begin=$(now)
		echo 0 >$online
		echo 1 >$online
		_took=$(($(now) - _begin))
		[ $_took -le $_longest ] || _longest=$_took
	done
	echo $_longest >/tmp/longest
}

check "the driver goes in" driver_in
cp $MODULES/vcpu_intel.so /tmp/large.so
break_module large /tmp/large.so || abort "cannot make it large"
load_large() {
	plinthctl load --modules $MODULES --replace vcpu_intel=/tmp/large.so
}
check "it loads" load_large
same "it is large" 1 "$(plinthctl modules --json | grep -oE '"bytes": ?[0-9]{9}' | wc -l)"
check "and unloads" plinthctl unload

flap &
sleep 1
begin=$(now)
check "it loads while a CPU comes and goes" load_large
took=$(($(now) - begin))
touch /tmp/enough
wait
longest=$(cat /tmp/longest)
echo "   the load took $took, the longest wait for the CPU $longest hundredths of a second"
check "the CPU waited for none of it" [ "$longest" -lt "$took" ]
check "and unloads" plinthctl unload

# killed_load: 137 if it died of that.
killed_load() {
	plinthctl load --modules $MODULES --replace vcpu_intel=/tmp/large.so &
	sleep 0.2
	kill -9 $!
	wait $!
}

# killed_waiting: whoever waits for a load can be killed, too, while it goes on.
killed_waiting() {
	load_large >/dev/null &
	_load=$!
	sleep 0.2
	plinthctl status >/tmp/waited &
	sleep 0.1
	kill -9 $!
	wait $! 2>/tmp/killed
	[ $? -eq 137 ] && kill -0 $_load && wait $_load
}
check "whoever waits for a load can be killed" killed_waiting
same "and was waiting" 0 "$(wc -c </tmp/waited)"
check "it loaded all the same" plinthctl unload

before=$(free_memory)
killed_load >/dev/null 2>&1
same "whoever loads can be killed in the middle" 137 $?
same "nothing is loaded then" unloaded "$(vmm_status state)"
lost=$((before - $(free_memory)))
check "and its memory is free: $lost KiB less" [ $lost -le $SLACK_KIB ]
check "it loads again" load_large
check "and unloads" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
