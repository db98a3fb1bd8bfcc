# SPDX-License-Identifier: MIT
# LibVMI itself, as its authors ship it, sees the running kernel: what its examples say is what the kernel says. Its programs come
# from the folder that PLINTH_LIBVMI names on the machine that runs the tests.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

LISTS=${LISTS:-15}
OUT=/tmp/vmi

INTROSPECT="plinthctl introspect --library /lib/plinth/libplinth-introspect.so"

# In /proc alone, names of kernel threads are longer than 15 characters, and have what they work for behind them.
short_names() {
	sed -e 's/^\([0-9]* kworker[^-+]*\)[-+].*/\1/' -e 's/^\([0-9]* .\{15\}\).*/\1/' | sort -n
}

processes() {
	for _folder in /proc/[0-9]*; do
		read -r _comm 2>/dev/null <"$_folder/comm" && echo "${_folder#/proc/} $_comm"
	done | short_names
}

# as_listed COMMAND...: the same as LibVMI has it; number 0 is no process in /proc.
as_listed() {
	$INTROSPECT -- vmi-process-list "$@" >/tmp/said 2>&1 || cat /tmp/said >&2
	sed -n 's/^\[ *\([0-9]*\)\] \(.*\) (struct addr:.*)$/\1 \2/p' /tmp/said | grep -v '^0 swapper/0$' | short_names
}

# compare_lists NAME WORD...: who is there before and after is listed, and who is listed is there before, or after, or is that program.
compare_lists() {
	_name=$1
	shift
	processes >/tmp/before
	as_listed "$@" >/tmp/listed
	processes >/tmp/after
	grep -xF -f /tmp/before /tmp/after >/tmp/both
	same "$_name: all are listed" "" "$(grep -vxF -f /tmp/listed /tmp/both)"
	same "$_name: and nobody else" "vmi-process-lis" "$(cat /tmp/before /tmp/after | grep -vxF -f - /tmp/listed | cut -d ' ' -f 2 | sort -u)"
	check "$_name: which are many" [ "$(wc -l </tmp/listed)" -gt 30 ]
}

# The bytes that an example shows, as digits.
shown_bytes() {
	sed -n 's/^[0-9a-f]*|\(.\{51\}\).*/\1/p' | tr -d ' \n'
}

# compare_banner NAME COMMAND...: what it shows begins as /proc/version.
compare_banner() {
	_name=$1
	shift
	same "$_name" "$banner" "$("$@" 2>/dev/null | head -n 30 | shown_bytes | cut -c 1-${#banner})"
}

hypercalls() {
	plinthctl stat | awk '$3 == "hypercall" { n += $4 } END { print n + 0 }'
}

pool() {
	plinthctl stat | awk '$1 == "pool" { print $5 }'
}

list() {
	$INTROSPECT -- vmi-process-list dom0 >/dev/null 2>&1
}

native=$(introspect_client leaf)
mkdir $OUT
check "the profile is written" plinthctl vmi-profile --output $OUT
cd $OUT || exit 1
banner=$(od -A n -v -t x1 /proc/version | tr -d ' \n')
refuses "no VMM: LibVMI fails, and well" "Could not find a live guest" vmi-process-list dom0
check "the driver goes in" driver_in
check "the modules load, without the one for this" load_modules
check "start" plinthctl start
refuses "no module: it fails in the same way" "Could not find a live guest" vmi-process-list dom0
check "stop" plinthctl stop
check "unload" plinthctl unload
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add introspection
check "start" plinthctl start
refuses "who is not registered: it fails in the same way" "Could not find a live guest" vmi-process-list dom0

compare_lists "by the configuration" dom0
compare_lists "by the profile" -n dom0 -j libvmi.json
same "the module list" "$(cut -d ' ' -f 1 /proc/modules | sort)" "$($INTROSPECT -- vmi-module-list dom0 | sort)"
compare_banner "a symbol" $INTROSPECT -- map-symbol dom0 linux_banner
compare_banner "an address" $INTROSPECT -- map-addr dom0 "$(sed -n 's/ . linux_banner$//p' libvmi.sysmap)"
refuses "what LibVMI cannot, it refuses" "Invalid id" $INTROSPECT -- vmi-process-list -d 0

# Those end with pages shown.
for _ in 1 2 3 4 5; do
	$INTROSPECT -- map-symbol dom0 linux_banner 2>/dev/null | head -n 1 >/dev/null
done
compare_lists "after some that a closed pipe has ended" dom0

mkdir wrong
sed 's/^[0-9a-f]* \(. init_task\)$/0000000000000000 \1/' libvmi.sysmap >wrong/libvmi.sysmap
sed "s,$OUT/libvmi.sysmap,$OUT/wrong/libvmi.sysmap," libvmi.conf >wrong/libvmi.conf
same "a profile that is wrong has an init_task at 0" 1 "$(grep -c '^0* . init_task' wrong/libvmi.sysmap)"
cd wrong || exit 1
same "LibVMI looks through all memory, and fails" 1 "$($INTROSPECT -- vmi-process-list dom0 >/dev/null 2>&1; echo $?)"
cd ..
compare_lists "after it" dom0

used=$(pool)
before=$(hypercalls)
lists=0
while [ $lists -lt $LISTS ] && list; do
	lists=$((lists + 1))
done
same "lists" $LISTS $lists
each=$((($(hypercalls) - before) / LISTS))
echo "$each exits of hypercalls a list, $(((each + CPUS - 1) / CPUS)) a CPU"
check "a list is no more than 400 a CPU" [ $each -lt $((400 * CPUS)) ]
check "the pool is as before, but for a table or two that are kept" [ "$(pool)" -le $((used + 2)) ]
same "no CPU died" 0 "$(cpus_that_are dead)"
same "the log has no error" 0 "$(logged error)"
check "all goes down" plinth_down
refuses "and LibVMI fails, and well" "Could not find a live guest" vmi-process-list dom0
same "the leaf is as before" "$native" "$(introspect_client leaf)"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
