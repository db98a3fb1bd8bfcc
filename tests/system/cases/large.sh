# SPDX-License-Identifier: MIT
# A machine with more CPUs, memory and address bits than any PC with VT-x that can be emulated: the modules load, link and
# keep the rules there, and take no more memory than docs/performance.md says. What is shown ends where a CPU would start.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the CPUs are there" "$WANT_CPUS" "$CPUS"
same "and their addresses as wide" "$CPUS" "$(grep -c "^address sizes.*: $WANT_BITS bits physical" /proc/cpuinfo)"
check "and the memory" [ "$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)" -gt $((WANT_GIB * 1024 * 1000)) ]
check "the driver goes in" driver_in
for options in "" --no-aslr "--without ept"; do
	# shellcheck disable=SC2086 # option words
	check "the modules load $options" plinthctl load --modules "$MODULES" --uart $UART $options
	check "constructors and entry_init() ran" sh -c "plinthctl log | grep -q 'entry: ready: '"
	check "both tables keep the rules" plinthctl maps
	plinthctl maps >/tmp/maps
	same "both tables hold the same" "$(grep -c '^root' /tmp/maps)" "$(grep -c '^launch' /tmp/maps)"
	# On each CPU in turn, if the first did not refuse.
	refuses "start is refused for lack of VT-x" "VT-x|VMX" plinthctl start
	check "the modules unload" plinthctl unload
done
load_and_unload() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}
steady "3 loads and unloads" 3 load_and_unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
