# SPDX-License-Identifier: MIT
# What windows show while the machine is at work: every CPU sees the same, whatever Linux does with its memory and its
# CPUs meanwhile; nothing of it is left when a process ends, and no more of the VMM's memory is in use each time.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

ROUNDS=${ROUNDS:-300}
views=/bin/introspect_views

INTROSPECT="plinthctl introspect --library /lib/plinth/libplinth-introspect.so"

trial() {
	$INTROSPECT -- $views "$@"
}

# looks FILE: a process shows 512 pages of the kernel's constants, says their sum, and waits for that file.
looks() {
	: >/tmp/looks
	# No function: the shell's child is to be the client itself.
	$INTROSPECT -- $views stay "$1" "$constants" >/tmp/looks 2>&1 &
	looks=$!
	wait_for looks /tmp/looks
}

pool() {
	plinthctl stat | awk '$1 == "pool" { print $5 }'
}

# Linux moves pages, makes large ones of small ones, merges those that are alike, and takes what it can get.
stir_memory() {
	echo always >/sys/kernel/mm/transparent_hugepage/enabled
	echo 1 >/sys/kernel/mm/ksm/run
	dd if=/dev/zero of=/tmp/fill bs=1M count=100 2>/dev/null
	echo 1 >/proc/sys/vm/compact_memory
	echo 3 >/proc/sys/vm/drop_caches
	rm /tmp/fill
	echo 1 >/proc/sys/vm/compact_memory
}

constants=0x$(sed -n 's/ *\([0-9a-f]*\)-.* : Kernel rodata$/\1/p' /proc/iomem)
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add introspection
check "start" plinthctl start

check "no CPU sees what was there before" trial flush $ROUNDS
check "CPUs that change one window at once" trial together $ROUNDS
check "600 pages in 600 frames" trial frames
used=$(pool)
for _ in 1 2 3 4 5 6 7 8; do
	trial frames || break
done
check "which takes nothing for good, but for a table or two that are kept" [ "$(pool)" -le $((used + 2)) ]
check "who unmaps the window is nobody" trial unmap

looks /tmp/end
sum=$(cat /tmp/looks)
check "it looks" [ "${sum#looks }" != "$sum" ]
stir_memory
if [ "$CPUS" -gt 1 ]; then
	check "a CPU goes meanwhile" sh -c "echo 0 >/sys/devices/system/cpu/cpu1/online"
	check "and comes" sh -c "echo 1 >/sys/devices/system/cpu/cpu1/online"
fi
refuses "the modules do not go meanwhile" "stop" plinthctl unload
touch /tmp/end
wait $looks
same "it has seen the same all the time" 0 $?

for signal in 9 13 11; do
	looks /tmp/never
	kill -$signal $looks
	wait $looks 2>/dev/null
	stir_memory
	looks /tmp/end
	wait $looks
	same "whom signal $signal ends leaves nothing: the next is well" 0 $?
	same "and sees the same" "$sum" "$(cat /tmp/looks)"
done

same "no CPU died" 0 "$(cpus_that_are dead)"
check "nothing of the pool is lost" [ "$(pool)" -le $((used + 2)) ]
check "all goes down" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
