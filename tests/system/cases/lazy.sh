# SPDX-License-Identifier: MIT
# A module whose jump slots are filled at the first call, on all CPUs: filled, sealed, stopped, loaded again.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

SLOTS=5 # of the tracer: functions of other modules that it calls

# load_lazy OPTION...: the usual modules, and the tracer that was built for it.
load_lazy() {
	plinthctl load --modules "$MODULES" --uart $UART --add exit_tracer_lazy "$@"
}

# lazy_slots: all, filled, their pages, sealed ones; of each module that has any.
lazy_slots() {
	plinthctl modules --json | tr -d ' \n' | grep -o '"slots":[1-9][^}]*' | tr -dc '0-9,\n'
}

# slots: access of the tracer's pages of slots, in both tables.
slots() {
	plinthctl maps | awk '$6 == "slots" { print $1, $3 }' | tr '\n' ' '
}

# on_all: a CPUID on each CPU, at the same time.
on_all() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		taskset -c "$_cpu" cpuid_probe --signature >/dev/null &
	done
	wait
}

check "the driver goes in" driver_in
refuses "the binder must be there" "lazy" env -i "PATH=$PATH" PLINTH_MODULES=/nowhere plinthctl load --modules "$MODULES" --lazy

check "a lazy load" load_lazy --lazy
plinthctl modules | grep -A5 '^exit_tracer'
same "the constructor has filled one slot" "$SLOTS,1,1,0" "$(lazy_slots)"
same "the page of slots can be written" "root rw--- launch rw--- " "$(slots)"
same "nothing is writable and executable" "" "$(plinthctl maps | awk '$3 ~ /wx/')"
check "start" plinthctl start
check "exits on all CPUs" on_all
same "now all are filled, and the page is sealed" "$SLOTS,$SLOTS,1,1" "$(lazy_slots)"
same "read-only in both tables of the running VMM" "root r---- launch r---- " "$(slots)"
same "CPUs that are guests" "$(plinth_signatures)" "$(signatures)"
traced=$(plinthctl trace | grep -c cpuid)
[ "$traced" -gt "$CPUS" ] && ok "the tracer works: $traced records of CPUID" || not_ok "the tracer works" "$traced records"
check "stop" plinthctl stop
same "the page of slots is read-only in both tables" "root r---- launch r---- " "$(slots)"
check "start with everything filled" plinthctl start
check "exits again" on_all
check "stop again" plinthctl stop
check "unload" plinthctl unload

check "the same without --lazy" load_lazy
same "has no such slots" "" "$(lazy_slots)"
check "starts" plinthctl start
check "stops" plinthctl stop
check "unloads" plinthctl unload

lazy_round() {
	load_lazy --lazy >/dev/null && plinthctl start && on_all && plinthctl stop && plinthctl unload
}
steady "five lazy loads" 5 lazy_round
plinthctl load --modules "$MODULES" --lazy >/tmp/load
same "the usual modules have nothing for it" "" "$(lazy_slots)"
same "which the load tells" 1 "$(grep -c '^lazy' /tmp/load)"
check "and unload" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
