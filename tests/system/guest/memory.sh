# SPDX-License-Identifier: MIT
# Shell library of the guest scripts that look for leaks; needs report.sh and
# plinth.sh.

# let_go: the kernel frees what it keeps in stock: cached files, address ranges no longer
# mapped (changing a module's memory makes it look), each CPU's slabs.
let_go() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	insmod /lib/plinth/exit_probe.ko
	rmmod exit_probe
	shrink_slabs
}

# memory_now: what is in use then, a line each: "KIND NUMBER SLACK". KiB of the kernel's, bytes
# and pages of the VMM's, objects of each slab cache; SLACK is what a kind may differ by
# although nobody lost anything.
memory_now() {
	let_go
	echo 1 >/proc/sys/vm/stat_refresh
	awk -v cpus="$(nproc)" '
		$1 == "SUnreclaim:" { print "slab", $2, 128 * cpus }
		$1 == "VmallocUsed:" { print "vmalloc", $2, 64 * cpus }
		$1 == "PageTables:" { print "page-tables", $2, 48 * cpus }' /proc/meminfo
	awk -v cpus="$(nproc)" '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print "not-free", 1048576 - pages * 4, 64 * cpus }' /proc/zoneinfo
	plinthctl stat 2>/dev/null | awk -v slack="${POOL_SLACK:-0}" '
		$1 == "heap" || $1 == "pool" { print "vmm-" $1, $5, $1 == "pool" ? slack : 0 }'
	# A CPU holds a slab at hand and a half empty one or more; all of their objects count as used.
	awk -v cpus="$(nproc)" 'NR > 2 { print "cache-" $1, $2, $5 * 2 * cpus }' /proc/slabinfo
}

# growth ROUNDS BEFORE AFTER: what grew from one such file to the other by half a unit a round
# (half a KiB, half an object) or more, a line each; what the VMM has of its own may not change
# at all, but for POOL_SLACK pages. In /tmp/shown is how much everything changed.
growth() {
	awk -v rounds="$1" '
		NR == FNR { before[$1] = $2; next }
		{
			grown = $2 - before[$1]
			limit = $1 ~ /^vmm-/ ? $3 : $3 + rounds / 2
			if ($1 !~ /^cache-/)
				shown = shown " " $1 " " (grown < 0 ? "" : "+") grown
			if (grown > limit)
				print $1 " grew by " grown ", limit " limit
		}
		END { print shown >"/tmp/shown" }' "$2" "$3"
}

# no_leak NAME ROUNDS: nothing grew since memory_now >/tmp/before. The kernel frees some of what
# ended only seconds later; what is lost stays lost.
no_leak() {
	for _attempt in 1 2 3 4 5; do
		memory_now >/tmp/after
		_grown=$(growth "$2" /tmp/before /tmp/after)
		echo "   after $2:$(cat /tmp/shown)"
		[ -n "$_grown" ] || break
		sleep 2
	done
	same "$1" "" "$_grown"
}
