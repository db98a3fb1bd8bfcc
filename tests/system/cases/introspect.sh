# SPDX-License-Identifier: MIT
# A process that introspects, from its registration to its end, however that comes; and everybody else.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

client=/bin/introspect_client

INTROSPECT="plinthctl introspect --library /lib/plinth/libplinth-introspect.so"

introspect() {
	$INTROSPECT "$@"
}

# ended_by NUMBER COMMAND...: what the shell sees of a process that this signal ends.
ended_by() {
	_signal=$1
	shift
	"$@" >/dev/null 2>&1
	[ $? -eq $((128 + _signal)) ]
}

native=$($client leaf)
check "the driver goes in" driver_in
refuses "nothing is loaded" "VMM is not running" introspect -- $client leaf
check "the modules load, without the one for this" load_modules
check "start" plinthctl start
refuses "no module serves it" "load --add introspection" introspect -- $client leaf
check "stop" plinthctl stop
check "unload" plinthctl unload
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add introspection
refuses "the VMM does not run" "VMM is not running" introspect -- $client leaf
check "start" plinthctl start

same "the leaf, to who is registered" "42 42 42 42" "$(introspect -- $client leaf)"
same "the leaf, to everybody else" "$native" "$($client leaf)"
check "a hypercall of everybody else is SIGILL" ended_by 4 $client acknowledge
check "a hypercall" introspect -- $client acknowledge
check "registers" introspect -- $client registers
check "a page, and back" introspect -- $client read 5
check "what is refused" introspect -- $client refusals
check "all pages, and no more" introspect -- $client clean
check "a child is nobody" introspect -- $client fork
refuses "a write, by who may read" "may only read: plinthctl introspect --allow-write" introspect -- $client write
check "a write, by who may" introspect --allow-write -- $client write
check "what it executes is registered, too" introspect -- $client execute
refuses "a static program" "linked statically" introspect -- sh -c true
refuses "who is not root" "ermission" su nobody -s /bin/sh -c "$INTROSPECT -- $client leaf"
refuses "messages to the driver's names" "answered to the driver alone" plinthctl call driver:introspection

for round in 1 2 3; do
	: >/tmp/holds
	# No function: the shell's child is to be the client itself.
	$INTROSPECT -- $client hold 512 >/tmp/holds &
	check "it holds its pages, round $round" wait_for holds /tmp/holds
	kill -9 $!
	wait $! 2>/dev/null
	check "the next finds all its pages empty, round $round" introspect -- $client clean
done

$INTROSPECT -- $client look 9 >/tmp/looks 2>&1 &
looks=$!
check "it looks" wait_for looks /tmp/looks
check "the VMM stops meanwhile" plinthctl stop
wait $looks
same "who looks is told" "1" "$?"
check "in words" grep -q "VMM was stopped, or has died" /tmp/looks
check "start" plinthctl start
check "it goes on after that" introspect -- $client read 6
check "all goes down" plinth_down
same "the leaf is as before" "$native" "$($client leaf)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
