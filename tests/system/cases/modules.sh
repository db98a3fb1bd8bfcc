# SPDX-License-Identifier: MIT
# Modules that must not be loaded: each is refused by name, nothing remains.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

VICTIM=serial

# fresh_copy: the good modules in /tmp/modules.
fresh_copy() {
	rm -rf /tmp/modules
	cp -r "$MODULES" /tmp/modules
}

# bad_module KIND PATTERN: the set with one module broken is refused; by the driver as well, which nobody can go round.
bad_module() {
	fresh_copy
	break_module "$1" /tmp/modules/$VICTIM.so || abort "cannot break a module" "$1"
	refuses "a module that is $1" "$2" plinthctl load --modules /tmp/modules
	refuses "the driver does not take one that is $1" "$2" driver_load /tmp/modules/*.so
	same "still unloaded after $1" unloaded "$(vmm_status state)"
}

check "the driver goes in" driver_in
bad_module not-elf "$VICTIM.*(ELF|magic)"
bad_module wrong-machine "$VICTIM.*machine"
bad_module wrong-class "$VICTIM.*class"
bad_module truncated "$VICTIM"
bad_module empty "$VICTIM"
bad_module wrong-abi "$VICTIM.* ABI [0-9]+.* [0-9]+"
bad_module undefined-symbol "$VICTIM.*X|X.*$VICTIM"

refuses "a folder that is not there" "/nowhere" plinthctl load --modules /nowhere
mkdir -p /tmp/empty
refuses "a folder without modules" "/tmp/empty" plinthctl load --modules /tmp/empty
fresh_copy
rm /tmp/modules/$VICTIM.so
refuses "a module that others need is missing" "$VICTIM" plinthctl load --modules /tmp/modules
refuses "a replacement that is not there" "/nowhere.so" \
	plinthctl load --modules "$MODULES" --replace $VICTIM=/nowhere.so

fresh_copy
check "a good set loads after all this" plinthctl load --modules /tmp/modules
check "and unloads" plinthctl unload
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
