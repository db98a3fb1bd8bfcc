# SPDX-License-Identifier: MIT
# plinthctl peek, poke, v2p and regs, against what the kernel says of the same memory: /proc/PID/mem and pagemap, /proc/kcore.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# address WORD: of the process that is looked at.
address() {
	sed -n "s/^$1 //p" /tmp/target
}

# physical ADDRESS: as /proc/PID/pagemap has it.
physical() {
	_entry=0x$(dd if=/proc/$pid/pagemap bs=8 skip=$(($1 / 4096)) count=1 2>/dev/null | od -A n -t x8 | tr -d ' ')
	printf '0x%x\n' $(((_entry & 0x7fffffffffffff) * 4096 + ($1 & 4095)))
}

# kernel ADDRESS BYTES: as /proc/kcore has it.
kernel() {
	od -A n -v -t x8 -w56 -j 64 -N $((56 * $(od -A n -t u2 -j 56 -N 2 /proc/kcore))) /proc/kcore | while read -r _ _at _va _ _ _size _; do
		[ $((0x$_va)) -le $(($1)) ] && [ $(($1)) -lt $((0x$_va + 0x$_size)) ] || continue
		dd if=/proc/kcore bs=1 skip=$((0x$_at + $1 - 0x$_va)) count="$2" 2>/dev/null
		return
	done
}

# To find one takes the kernel as long as to list all.
grep -m 2 -E ' (linux_banner|_text)$' /proc/kallsyms >/tmp/symbols

symbol() {
	echo 0x"$(sed -n "s/ . $1$//p" /tmp/symbols)"
}

register() {
	plinthctl regs --cpu "$1" | sed -n "s/^$2 *//p"
}

peek_target >/tmp/target &
pid=$!
check "a process is there" wait_for ready /tmp/target
data=$(address data)
check "the driver goes in" driver_in
refuses "nothing is loaded" "VMM is not running" plinthctl peek --pid $pid "$data" 8
check "the modules load, without the one for this" load_modules
check "start" plinthctl start
refuses "no module serves it" "load --add introspection" plinthctl peek --pid $pid "$data" 8
check "stop" plinthctl stop
check "unload" plinthctl unload
check "the modules load" plinthctl load --modules $MODULES --uart $UART --add introspection
check "start" plinthctl start

dd if=/proc/$pid/mem of=/tmp/mem bs=4096 skip=$((data / 4096)) count=2 2>/dev/null
check "a process's memory" sh -c "plinthctl peek --raw --pid $pid $data 8K | cmp - /tmp/mem"
same "as a dump" "$(printf '%016x' $data)" "$(plinthctl peek --pid $pid $data 16 | cut -d ' ' -f 1)"
same "within a word" "$(od -A n -t x1 -j 5 -N 3 /tmp/mem | tr -d ' ')" "$(plinthctl peek -r --pid $pid $((data + 5)) 3 | od -A n -t x1 | tr -d ' ')"
for _cpu in $(seq 0 $((CPUS - 1))); do
	check "from CPU $_cpu" sh -c "taskset -c $_cpu plinthctl peek --raw --pid $pid $data 4K | cmp -n 4096 - /tmp/mem"
	check "this command's own page tables, on CPU $_cpu" test $(($(taskset -c $_cpu plinthctl regs --cpu $_cpu | sed -n 's/^cr3 *//p') >> 12)) -gt 0
	same "64-bit mode, CPU $_cpu" $((0x500)) $(($(register $_cpu efer) & 0x500))
	same "paging, CPU $_cpu" $((0x80000001)) $(($(register $_cpu cr0) & 0x80000001))
	top=$(($(register $_cpu cr3) & 0xffffffffff000))
	same "the top level has the kernel, CPU $_cpu" 1 "$(($(plinthctl peek -rP $((top + 4088)) 1 | od -A n -t u1) & 1))"
done
for _offset in 0 4096 8191; do
	same "the physical address, $_offset on" "$(physical $((data + _offset)))" "$(plinthctl v2p --pid $pid $((data + _offset)))"
done
check "which has the same" sh -c "plinthctl peek --raw --physical $(physical "$data") 4K | cmp -n 4096 - /tmp/mem"
for _symbol in linux_banner _text; do
	kernel "$(symbol $_symbol)" 64 >/tmp/kernel
	same "there are 64 bytes of $_symbol" 64 "$(wc -c </tmp/kernel)"
	check "the kernel's $_symbol" sh -c "plinthctl peek --raw $(symbol $_symbol) 64 | cmp - /tmp/kernel"
	check "which a process has, too" sh -c "plinthctl peek --raw --pid $pid $(symbol $_symbol) 64 | cmp - /tmp/kernel"
	check "by its physical address" sh -c "plinthctl peek -rP $(plinthctl v2p "$(symbol $_symbol)") 64 | cmp - /tmp/kernel"
done

check "a change" plinthctl poke --pid $pid "$data" efbe adde 01000000
check "is seen by the process" wait_for "sees 0x1deadbeef" /tmp/target
check "a change of its physical page" plinthctl poke --physical "$(physical "$data")" 0200
check "is seen, too" wait_for "sees 0x1dead0002" /tmp/target

refuses "what nobody touched" "$(address absent): is not mapped" plinthctl peek --pid $pid "$(address absent)" 8
refuses "nor its address" "is not mapped" plinthctl v2p --pid $pid "$(address absent)"
same "the page of zeros" 0000 "$(plinthctl peek -r --pid $pid "$(address zero)" 2 | od -A n -t x1 | tr -d ' ')"
refuses "which is everybody's" "shared until it is written" plinthctl poke --pid $pid "$(address zero)" 01
refuses "what begins where something is" "$(address absent): is not mapped" plinthctl peek --pid $pid $((data + 8190)) 4
refuses "all of it or nothing" "$(address absent): is not mapped" plinthctl poke --pid $pid $((data + 8190)) 01020304
same "nothing" 0000 "$(plinthctl peek -r --pid $pid $((data + 8190)) 2 | od -A n -t x1 | tr -d ' ')"
refuses "the kernel's text is read-only" "is not to be written" plinthctl poke "$(symbol _text)" 00
refuses "null" "is not mapped" plinthctl peek --pid $pid 0 1
refuses "no address at all" "is no address" plinthctl peek --pid $pid 0x800000000000 1
refuses "a process's address, and no process" "whose is it" plinthctl peek "$data" 1
refuses "the local APIC" "no memory of the machine" plinthctl peek --physical 0xfee00020 4
refuses "above all memory" "no memory of the machine" plinthctl peek --physical 0x8000000000 4
refuses "above all addresses" "no memory of the machine" plinthctl peek --physical 0xffffffffffffffff 1
refuses "nobody" "no process of this number" plinthctl peek --pid 4194303 "$data" 8
refuses "the kernel's own process" "no memory of its own" plinthctl peek --pid 2 "$data" 8
refuses "no such CPU" "CPU $CPUS is not online" plinthctl regs --cpu "$CPUS"
refuses "root without CAP_SYS_RAWIO" "wants CAP_SYS_RAWIO" /bin/setpriv --bounding-set -sys_rawio plinthctl peek --pid $pid "$data" 8
refuses "who is not root" "[Pp]ermission" su nobody -s /bin/sh -c "plinthctl peek --pid $pid $data 8"

# Whoever is looked at ends meanwhile: each look is all of it or a line.
for _round in 1 2 3; do
	peek_target >/tmp/target &
	ends=$!
	check "another one, round $_round" wait_for ready /tmp/target
	(sleep 0.2; kill -9 $ends) &
	_failed=0
	while plinthctl peek -r --pid $ends "$(address data)" 4K >/tmp/look 2>/tmp/why; do
		[ "$(wc -c </tmp/look)" -eq 4096 ] || _failed=1
	done
	same "its end is told in a line, round $_round" "0 1" "$_failed $(wc -l </tmp/why)"
	wait $! $ends 2>/dev/null
done

check "stop" plinthctl stop
refuses "the VMM stopped" "VMM is not running" plinthctl peek --pid $pid "$data" 8
check "start" plinthctl start
check "it goes on after that" plinthctl peek --pid $pid "$data" 8
kill -9 $pid
check "all goes down" plinth_down
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
