# SPDX-License-Identifier: MIT
# Accesses of a page are listened to: none is missed on any CPU, and nothing stays watched, however that ends.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

WRITES=40
MSR=432 # 1b0h, IA32_ENERGY_PERF_BIAS: whether the CPU has it or refuses the write is no matter

# page_of_own: somebody with a page, who writes to it when told so: $writer, who says where it is in /tmp/address.
page_of_own() {
	: >/tmp/address
	watched_page $WRITES >/tmp/address 2>/dev/null &
	writer=$!
}

# listen ACCESS: in the background: $listener, who says in /tmp/words when the page is watched.
listen() {
	: >/tmp/words
	plinthctl events --json --pid $writer --watch-page "$(cat /tmp/address):$1" >/tmp/events 2>/tmp/words &
	listener=$!
}

# it_writes: all it is to write, and keeps the page.
it_writes() {
	kill -USR1 $writer
	wait_for done /tmp/address
}

# values CPU: how many different values its writes have left, as the events say. A write that an interrupt overtakes is told
# once more, with what was there before: of the first one that is 0, which none leaves.
values() {
	grep "\"cpu\": *$1,.*\"after\"" /tmp/events | grep "\"cpl\": *3" | sed 's/.*"after": *"\([^"]*\)".*/\1/' | sort -u | grep -cv '^0x0*$'
}

check "the driver goes in" driver_in
check "the modules load, without the one for this" load_modules
check "start" plinthctl start
refuses "no module serves it" "answers" plinthctl events --watch-page 0x1000
check "stop" plinthctl stop
check "unload" plinthctl unload
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add events
refuses "the VMM does not run" "start it first" plinthctl events --watch-page 0x1000000
plinthctl events --json --watch-msr $MSR >/tmp/events 2>/tmp/words &
listener=$!
check "an MSR is watched" wait_for watching /tmp/words
check "start" plinthctl start
modprobe msr
dd if=/dev/zero of=/dev/cpu/1/msr bs=8 count=1 seek=$((MSR / 8)) 2>/dev/null
check "a write of it is told" wait_for '"cpu": *1, *"kind": *"msr"' /tmp/events
kill -INT $listener
wait $listener
same "the listener ends as it is told" "0" "$?"
refuses "a page of the VMM's, or of a device" "no ordinary memory" plinthctl events --watch-page 0xfee00000
refuses "a process that is not there" "no process" plinthctl events --pid 99999 --watch-page 0x1000
refuses "an address that is not mapped" "nothing is mapped" plinthctl events --pid $$ --watch-page 0x1000

page_of_own
check "somebody has a page" wait_for 0x /tmp/address
listen w
check "it is watched" wait_for watching /tmp/words
check "it writes on all CPUs at once" it_writes
sleep 1
kill -INT $listener
wait $listener
same "the listener ends as it is told" "0" "$?"
for cpu in $(seq 0 $((CPUS - 1))); do
	same "CPU $cpu: each write is there, and what it left" $WRITES "$(values "$cpu")"
done
same "none was lost" "" "$(grep lost /tmp/words)"
kill $writer

page_of_own
check "somebody has a page" wait_for 0x /tmp/address
listen rw
check "it is watched" wait_for watching /tmp/words
refuses "a second listener" "one listener at a time" plinthctl events --watch-page 0x1000000
kill -9 $listener
wait $listener 2>/dev/null
sleep 6
check "its listener died: it writes on as if nothing were" it_writes
kill $writer

check "all goes down" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
