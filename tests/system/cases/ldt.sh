# SPDX-License-Identifier: MIT
# Processes with segments of an LDT on every CPU, while the VMM starts, runs, and stops: with page-table isolation each
# of them has page tables in which the kernel's half is not as in anybody else's.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# spin KIND...: one process of each kind on each CPU; their words are in /tmp/word.*.
spin() {
	rm -f /tmp/word.*
	pids=
	for _cpu in $(seq 0 $((CPUS - 1))); do
		for _kind; do
			taskset -c "$_cpu" ldt "$_kind" /tmp/word.$_cpu.$_kind &
			pids="$pids $!"
		done
	done
	sleep 1
}

words() {
	for _word in /tmp/word.*; do
		hexdump -n 4 -e '/4 "%u\n"' "$_word"
	done
}

# all_go_on: every one of them lives and gets on.
all_go_on() {
	for _pid in $pids; do
		kill -0 "$_pid" || return 1
	done
	words >/tmp/before
	sleep 1
	words >/tmp/after
	paste /tmp/before /tmp/after | awk '$1 == $2 { exit 1 }'
}

end_them() {
	# shellcheck disable=SC2086 # process ids
	kill $pids
	wait
}

native=$(signatures)
check "the driver goes in" driver_in
check "modules are loaded" load_modules
for round in 1 2; do
	spin data code
	check "processes with an LDT spin, round $round" all_go_on
	check "the VMM starts" plinthctl start
	same "it runs" "$(plinth_signatures)" "$(signatures)"
	check "the processes go on" all_go_on
	if [ $round -gt 1 ]; then
		end_them
		spin code data
		check "others take their place" all_go_on
	fi
	check "the VMM stops" plinthctl stop
	same "it is gone" "$native" "$(signatures)"
	check "the processes go on without it" all_go_on
	end_them
done
check "the modules go" plinthctl unload
check "the driver goes" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
