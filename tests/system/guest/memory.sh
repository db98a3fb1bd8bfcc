# SPDX-License-Identifier: MIT
# Shell library of the guest scripts that look for leaks; needs report.sh.

# memory_now: what is in use after the kernel has let go of what it can, a line each: "KIND
# NUMBER SLACK". KiB of the kernel's, bytes and pages of the VMM's, objects of each slab
# cache; SLACK is what a kind may differ by although nobody lost anything.
memory_now() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/stat_refresh
	awk -v cpus="$(nproc)" '
		$1 == "SUnreclaim:" { print "slab", $2, 128 }
		$1 == "VmallocUsed:" { print "vmalloc", $2, 64 * cpus }
		$1 == "PageTables:" { print "page-tables", $2, 128 }' /proc/meminfo
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print "not-free", 1048576 - pages * 4, 128 }' /proc/zoneinfo
	plinthctl stat 2>/dev/null | awk '$1 == "heap" || $1 == "pool" { print "vmm-" $1, $5, 0 }'
	# The CPUs hold slabs in stock, and all of their objects count as used.
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
