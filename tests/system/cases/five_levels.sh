# SPDX-License-Identifier: MIT
# A kernel with 5-level page tables (LA57): the VMM's own have as many, and its code runs on
# them. No emulator has both these and VT-x, so what is shown ends where a CPU would start.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

same "the kernel uses five levels" "$CPUS" "$(grep -cw la57 /proc/cpuinfo)"
check "the driver goes in" driver_in
for options in "" --no-aslr "--without ept"; do
	# shellcheck disable=SC2086 # option words
	check "the modules load $options" plinthctl load --modules "$MODULES" --uart $UART $options
	check "constructors and entry_init() ran on these tables" sh -c "plinthctl log | grep -q 'entry: ready: '"
	check "both tables keep the rules" plinthctl maps
	plinthctl maps >/tmp/maps
	same "both tables hold the same" "$(grep -c '^root' /tmp/maps)" "$(grep -c '^launch' /tmp/maps)"
	check "and they are the modules and what they need" [ "$(grep -c '^root' /tmp/maps)" -gt 30 ]
	# On each CPU in turn, if the first did not refuse.
	refuses "start is refused for lack of VT-x" "VT-x|VMX" plinthctl start
	check "the modules unload" plinthctl unload
done
load_and_unload() {
	load_modules >/dev/null && plinthctl unload >/dev/null
}
steady "5 loads and unloads" 5 load_and_unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
