#!/bin/sh
# SPDX-License-Identifier: MIT
# Every toolchain's set of modules links, and so does each mixture in which they alternate: check.sh PLINTHCTL FOLDER...
set -eu

plinthctl=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# links NAME FILE...
links() {
	name=$1
	shift
	"$plinthctl" check "$@" >"$scratch/out" 2>&1 || { cat "$scratch/out"; echo "$name: does not link"; exit 1; }
	echo "$name: $# modules"
}

for set in "$@"; do
	links "$(basename "$set")" "$set"/*.so
done

# mixture ONE OTHER: every second module of each, of those that both have.
mixture() {
	rm -rf "$scratch/mixed"
	mkdir "$scratch/mixed"
	turn=$1 next=$2
	for file in "$1"/*.so; do
		[ -e "$2/$(basename "$file")" ] || continue
		cp "$turn/$(basename "$file")" "$scratch/mixed/"
		last=$turn turn=$next next=$last
	done
	links "$(basename "$1") and $(basename "$2")" "$scratch"/mixed/*.so
}

for one in "$@"; do
	for other in "$@"; do
		[ "$one" = "$other" ] || mixture "$one" "$other"
	done
done
