# SPDX-License-Identifier: MIT
# Shell library of the guest scripts that use Plinth; needs report.sh.

DRIVER=/lib/plinth/plinth.ko
MODULES=/lib/plinth/modules
DEBUG_MODULE=/lib/plinth/debug/debug_fault.so
UART=0x2f8,115200 # COM2 is the VMM's, see vmm-uart.txt; COM1 is the kernel's
SIGNATURE=PlinthPlinth
CPUS=$(nproc)

driver_in() {
	insmod $DRIVER
}

driver_out() {
	rmmod plinth
}

# plinth_up, plinth_down: the whole way, from no driver to running, and back.
load_modules() {
	# shellcheck disable=SC2086 # option words
	plinthctl load --modules $MODULES --uart $UART $PLINTH_REPLACE
}

plinth_up() {
	driver_in && load_modules && plinthctl start
}

plinth_down() {
	plinthctl stop && plinthctl unload && driver_out
}

# What CPUID leaf 40000000h says, one line a CPU.
signatures() {
	cpuid_probe --signature
}

# The same with the VMM on every CPU.
plinth_signatures() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		echo "cpu $_cpu: $SIGNATURE"
	done
}

# vmm_status FIELD: of the driver's status; state is unloaded, loaded, running or corrupt.
vmm_status() {
	plinthctl status --json | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p"
}

# cpus_that_are STATE: how many; guest, dead, halted, reset, ...
cpus_that_are() {
	plinthctl stat --json | grep -c "\"state\": *\"$1\""
}

# logged LEVEL FACT...: how many lines of the VMM's log, of that level or a more urgent one, hold all of these. A fact is a name or a
# number, as a word of its own; '"tag":"vcpu"' is a component. How a sentence is put is no fact.
logged() {
	_lines=$(plinthctl log --json --level "$1" | sed 's/.*\("tag":.*\),"truncated":.*/\1/')
	shift
	for _fact in "$@"; do
		_lines=$(printf '%s\n' "$_lines" | grep -wF -e "$_fact")
	done
	printf '%s\n' "$_lines" | grep -c .
}

# The VMM has died, and the driver has noticed; in 10 s, or what follows will say that it has not.
wait_until_corrupt() {
	_tries=0
	until [ "$(vmm_status state)" = corrupt ] || [ $_tries -eq 10 ]; do
		sleep 1
		_tries=$((_tries + 1))
	done
}

# KiB of memory nobody uses: exact, with the pages each CPU holds ready, and
# after the kernel has let go of what it can.
free_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/stat_refresh
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 } END { print pages * 4 }' /proc/zoneinfo
}

# Each CPU's slabs that are not full, and those that are empty.
shrink_slabs() {
	for _cache in /sys/kernel/slab/*; do
		[ -L "$_cache" ] || echo 1 >"$_cache/shrink"
	done
}

# What the kernel itself may take or keep meanwhile, slabs above all.
SLACK_KIB=64

# steady NAME ROUNDS COMMAND...: the command succeeds ROUNDS times and memory
# is then as it was. What the kernel does at the same time can hide a loss or
# look like one, but it does not look like one three times in a row, or ten times with more than two CPUs. With many
# CPUs there is always one that has had no process of ours yet, and takes slabs
# for it: so they are given back from the second time on, which takes a while.
steady() {
	_name=$1
	_rounds=$2
	_slabs=true
	_attempts=$((CPUS > 2 ? 10 : 3))
	shift 2
	for _attempt in $(seq $_attempts); do
		$_slabs
		_before=$(free_memory)
		_round=1
		while [ $_round -le "$_rounds" ]; do
			"$@" || { not_ok "$_name" "round $_round of $_rounds failed"; return; }
			_round=$((_round + 1))
		done
		$_slabs
		_lost=$((_before - $(free_memory)))
		[ $_lost -gt $SLACK_KIB ] || { ok "$_name, memory as before ($_lost KiB less)"; return; }
		echo "   $_lost KiB less after $_rounds rounds"
		_slabs=shrink_slabs
	done
	not_ok "$_name" "$_lost KiB of memory less after $_rounds rounds, $_attempts times"
}

# exit_count CPU KIND: VM exits of that kind on that CPU since the start.
exit_count() {
	plinthctl stat | awk -v cpu="$1" -v kind="$2" '
		$1 == "cpu" && $2 + 0 == cpu && $3 == kind { n = $4 }
		END { print n + 0 }'
}

_load_and_unload() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}

# loads_up_to_the_start ROUNDS: on a machine without VT-x everything is shown that comes before a CPU's first step.
loads_up_to_the_start() {
	for _options in "" --no-aslr "--without ept"; do
		# shellcheck disable=SC2086 # option words
		check "the modules load $_options" plinthctl load --modules $MODULES --uart $UART $_options
		check "constructors and entry_init() ran" [ "$(logged info '"tag":"entry"' "$CPUS CPUs")" -gt 0 ]
		check "both tables keep the rules" plinthctl maps
		plinthctl maps >/tmp/maps
		same "both tables hold the same" "$(grep -c '^root' /tmp/maps)" "$(grep -c '^launch' /tmp/maps)"
		check "and they are the modules and what they need" [ "$(grep -c '^root' /tmp/maps)" -gt 30 ]
		# On each CPU in turn, if the first did not refuse.
		refuses "start is refused for lack of VT-x" "VT-x|VMX" plinthctl start
		check "the modules unload" plinthctl unload
	done
	steady "$1 loads and unloads" "$1" _load_and_unload
}

# wait_for WORD FILE: until the word is in it, ten seconds at the most.
wait_for() {
	_tries=0
	until grep -q "$1" "$2" || [ $_tries -eq 100 ]; do
		sleep 0.1
		_tries=$((_tries + 1))
	done
	grep -q "$1" "$2"
}
