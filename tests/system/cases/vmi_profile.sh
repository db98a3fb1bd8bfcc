# SPDX-License-Identifier: MIT
# plinthctl vmi-profile of the running kernel: addresses are those of /proc/kallsyms, and what lies at the offsets, read
# through /proc/kcore, is what LibVMI takes it for. It needs neither the driver nor VT-x.
. /lib/plinth/report.sh

OUT=/tmp/vmi

# Of each piece of the kernel's memory: where it is in /proc/kcore, its address, and its size.
pieces() {
	od -A n -v -t x8 -w56 -j 64 -N $((56 * $(od -A n -t u2 -j 56 -N 2 /proc/kcore))) /proc/kcore | awk '{ print $2, $3, $6 }'
}

# words ADDRESS BYTES [TYPE]: what the kernel has there; numbers, or TYPE of od. Addresses are negative, all of them.
words() {
	while read -r _at _address _size; do
		[ $((0x$_address)) -le $(($1)) ] && [ $(($1)) -lt $((0x$_address + 0x$_size)) ] || continue
		dd if=/proc/kcore bs=1 skip=$((0x$_at + $1 - 0x$_address)) count="$2" 2>/dev/null | od -A n -t "${3:-d$2}" | tr -d ' \n'
		return
	done </tmp/pieces
}

# text ADDRESS: up to the first NUL.
text() {
	words "$1" 16 c | sed 's/\\0.*//'
}

# value KEY: what the configuration says.
value() {
	sed -n "s/^[[:space:]]*$1 = \([^;]*\);/\1/p" $OUT/libvmi.conf
}

# next TASK: the one behind it in the list of all processes.
next() {
	echo $(($(words $(($1 + $(value linux_tasks))) 8) - $(value linux_tasks)))
}

# task NAME TASK PID COMM: a process is that one, as LibVMI finds it out.
task() {
	same "$1: its number" "$3" "$(words $(($2 + $(value linux_pid))) 4)"
	same "$1: its name" "$4" "$(text $(($2 + $(value linux_name))))"
}

mkdir $OUT
check "it writes" plinthctl vmi-profile --output $OUT
cat $OUT/libvmi.conf
same "nothing else is there" "libvmi.conf libvmi.json libvmi.sysmap" "$(ls $OUT | xargs)"
grep -E ' (init_task|linux_banner|modules)$' /proc/kallsyms | sort -k 3 >/tmp/wanted
same "three symbols are in the list" 3 "$(wc -l <$OUT/libvmi.sysmap)"
check "as in /proc/kallsyms" cmp /tmp/wanted $OUT/libvmi.sysmap
same "and in the profile" "$(printf '%u' "0x$(sed -n 's/ . init_task$//p' $OUT/libvmi.sysmap)")" \
	"$(sed -n '/"init_task"/,/}/s/.*"address"://p' $OUT/libvmi.json)"
for _member in tasks:tasks mm:mm pid:pid name:comm pgd:pgd; do
	same "${_member#*:} in both" "$(($(value linux_${_member%:*})))" \
		"$(sed -n "/\"${_member#*:}\"/,/}/s/.*\"offset\"://p" $OUT/libvmi.json)"
done

pieces >/tmp/pieces
init_task=0x$(sed -n 's/ . init_task$//p' $OUT/libvmi.sysmap)
init=$(next $init_task)
kthreadd=$(next $init)
task "the first task" $init_task 0 swapper/0
same "which has no memory of its own" 0 "$(words $((init_task + $(value linux_mm))) 8)"
task "the next" "$init" 1 "$(cat /proc/1/comm)"
task "and the one behind it" "$kthreadd" 2 kthreadd
same "which has no memory either" 0 "$(words $((kthreadd + $(value linux_mm))) 8)"
pgd=$(words $(($(words $((init + $(value linux_mm))) 8) + $(value linux_pgd))) 8)
same "the page tables of init: a page" 0 $((pgd & 0xfff))
same "that has the kernel in its last entry" 3 $(($(words $((pgd + 0xff8)) 8) & 3))

rm -r $OUT
mkdir -m 777 $OUT
refuses "addresses that are hidden" "init_task is at address 0: addresses are hidden" \
	su nobody -s /bin/sh -c "plinthctl vmi-profile --output $OUT"
echo 2 >/proc/sys/kernel/kptr_restrict
refuses "also from root" "kernel.kptr_restrict at 0 or 1" plinthctl vmi-profile --output $OUT
echo 1 >/proc/sys/kernel/kptr_restrict
refuses "a symbol that is not there" "has no symbol none_such of the kernel itself" plinthctl vmi-profile --output $OUT none_such
same "nothing is written" "" "$(ls $OUT)"
check "one that is" plinthctl vmi-profile --output $OUT jiffies
check "is in the list" grep -q ' jiffies$' $OUT/libvmi.sysmap
finish
