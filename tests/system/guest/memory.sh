# SPDX-License-Identifier: MIT
# Shell library of the guest scripts that look for leaks; needs report.sh.

# let_go: the kernel frees what it keeps in stock: cached files, address ranges no longer
# mapped (changing a module's memory makes it look), each CPU's slabs.
let_go() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	insmod /lib/plinth/exit_probe.ko
	rmmod exit_probe
	for _cache in /sys/kernel/slab/*; do
		[ -L "$_cache" ] || echo 1 >"$_cache/shrink"
	done
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
	plinthctl stat 2>/dev/null | awk '$1 == "heap" || $1 == "pool" { print "vmm-" $1, $5, 0 }'
	# A CPU holds a slab at hand, and all of its objects count as used.
	awk -v cpus="$(nproc)" 'NR > 2 { print "cache-" $1, $2, $5 * cpus }' /proc/slabinfo
}

# no_leak NAME ROUNDS BEFORE AFTER: of two such files. A loss of half a unit a round (half a
# KiB, half an object) or more is told; what the VMM has of its own may not change at all.
no_leak() {
	_grown=$(awk -v rounds="$2" '
		NR == FNR { before[$1] = $2; next }
		{
			grown = $2 - before[$1]
			limit = $1 ~ /^vmm-/ ? 0 : $3 + rounds / 2
			if ($1 !~ /^cache-/)
				shown = shown " " $1 " " (grown < 0 ? "" : "+") grown
			if (grown > limit)
				print $1 " grew by " grown ", limit " limit
		}
		END { print shown >"/tmp/shown" }' "$3" "$4")
	echo "   after $2:$(cat /tmp/shown)"
	same "$1" "" "$_grown"
}
