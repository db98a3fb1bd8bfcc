# SPDX-License-Identifier: MIT
# Calls of chance to introspection, on every CPU at once: of processes that may read, that may write, and that may nothing.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh
. /lib/plinth/memory.sh

CALLS=${CALLS:-5000} # of each process
SEED=${SEED:-1}
# shellcheck disable=SC2034 # of memory.sh: the tables that windows have had are kept for the next, one for each that can be
POOL_SLACK=8

INTROSPECT="plinthctl introspect --library /lib/plinth/libplinth-introspect.so"

# fuzz CALLS SEED: three processes on each CPU; what each said is in /tmp/fuzz-HOW-CPU.
fuzz() {
	_processes=
	for _cpu in $(seq 0 $((CPUS - 1))); do
		_seed=$(($2 * 100 + _cpu))
		taskset -c "$_cpu" $INTROSPECT -- /bin/introspect_fuzz "$1" $_seed read >/tmp/fuzz-read-$_cpu 2>&1 &
		_processes="$_processes $!:read-$_cpu"
		taskset -c "$_cpu" $INTROSPECT --allow-write -- /bin/introspect_fuzz "$1" $_seed write >/tmp/fuzz-write-$_cpu 2>&1 &
		_processes="$_processes $!:write-$_cpu"
		taskset -c "$_cpu" /bin/introspect_fuzz "$1" $_seed outside >/tmp/fuzz-outside-$_cpu 2>&1 &
		_processes="$_processes $!:outside-$_cpu"
	done
	for _process in $_processes; do
		wait "${_process%:*}"
		same "calls of chance, ${_process#*:}" "0 $1 calls" "$? $(tail -n 1 /tmp/fuzz-"${_process#*:}")"
	done
}

check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add introspection
check "start" plinthctl start
fuzz 500 99
memory_now >/tmp/before
fuzz $CALLS $SEED
no_leak "memory as before" 1
plinthctl stat
same "no CPU died" 0 "$(cpus_that_are dead)"
same "all CPUs are guests" "$CPUS" "$(cpus_that_are guest)"
same "the log has no error" 0 "$(logged error)"
check "a client works" $INTROSPECT -- /bin/introspect_client read 7
check "all goes down" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
