# SPDX-License-Identifier: MIT
# What is mapped where, with and without random addresses, and loads without a module.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# places: a number that tells what is where.
places() {
	plinthctl maps | grep '^root' | cksum
}

base() {
	vmm_status base_va
}

check "the driver goes in" driver_in
refuses "maps without modules" "load" plinthctl maps
check "the modules load" load_modules
plinthctl maps
plinthctl maps >/tmp/maps
same "both tables hold the same" "$(grep -c '^root' /tmp/maps)" "$(grep -c '^launch' /tmp/maps)"
same "nothing is writable and executable" "" "$(awk '$3 ~ /wx/' /tmp/maps)"
same "nothing is the user's" "" "$(awk '$3 ~ /u/' /tmp/maps)"
same "nothing is global" "" "$(awk '$3 ~ /g/' /tmp/maps)"
for module in entry vcpu vcpu_intel intrinsics; do
	same "$module has text" 2 "$(grep -cE "r-x-- .* $module\$" /tmp/maps)"
done
first=$(base)
check "start" plinthctl start
# It hides its tables now, and says itself what is in them.
check "maps while it runs" plinthctl maps
plinthctl maps >/tmp/running
same "all that was mapped is mapped" "" "$(grep -vxF -f /tmp/running /tmp/maps)"
grep -vxF -f /tmp/maps /tmp/running
# Root, fault, NMI and machine-check stack of each CPU, and nothing of the kernel's.
same "each CPU has its stacks" $((4 * CPUS)) "$(grep -vxF -f /tmp/maps /tmp/running | grep -c '^root .* rw--- .* VMM$')"
same "both tables hold the same" "$(grep -c '^root' /tmp/running)" "$(grep -c '^launch' /tmp/running)"
same "nothing is writable and executable" "" "$(awk '$3 ~ /wx/' /tmp/running)"
same "nothing is the user's, nothing global" "" "$(awk '$3 ~ /[ug]/' /tmp/running)"
same "nothing is the kernel's" "" "$(grep ' 0x[89a-f].............. ' /tmp/running)"
check "stop" plinthctl stop
check "unload" plinthctl unload

check "another load" load_modules
if [ "$(base)" = "$first" ]; then
	not_ok "is elsewhere" "again at $first"
else
	ok "is elsewhere: $(base), not $first"
fi
check "unload it" plinthctl unload

check "a load at fixed addresses" plinthctl load --modules "$MODULES" --no-aslr
fixed=$(places)
check "it starts" plinthctl start
check "it stops" plinthctl stop
check "it unloads" plinthctl unload
check "another one" plinthctl load --modules "$MODULES" --no-aslr
same "is where the first was" "$fixed" "$(places)"
check "it unloads too" plinthctl unload

check "a load without second-level translation" plinthctl load --modules "$MODULES" --without ept
same "there is no such module" 0 "$(plinthctl modules --json | grep -c '"name": *"ept"')"
check "it starts without" plinthctl start
same "and runs" "$(plinth_signatures)" "$(signatures)"
check "and stops" plinthctl stop
check "and unloads" plinthctl unload
refuses "without a module that others need" "memory" plinthctl load --modules "$MODULES" --without memory
refuses "without one that is not there" "nonsense" plinthctl load --modules "$MODULES" --without nonsense
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
