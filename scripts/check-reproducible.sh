#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the modules twice, from two folders of different depth, once inside the source tree and once
# outside: the bytes must be equal. Usage: check-reproducible.sh [SOURCE [CROSS-FILE]]
set -euo pipefail

source=$(realpath "${1:-$(dirname "$0")/..}")
cross=${2:-x86_64-clang.ini}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

copy_tree() {	# to: what git tracks or would track, and the tarballs Meson may not be able to fetch
	mkdir -p "$1/subprojects"
	(cd "$source" && git ls-files -z --cached --others --exclude-standard --deduplicate |
		while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
		tar --null --files-from=- -cf -) | tar -C "$1" -xf -
	cp -r "$source/subprojects/packagecache" "$1/subprojects/"
}

build() {	# source build
	if ! meson setup "$2" "$1" --cross-file "$1/cross/$cross" --wrap-mode=nodownload >"$scratch/log" 2>&1 ||
		! ninja -C "$2" plinth-modules >"$scratch/log" 2>&1; then
		tail -n 20 "$scratch/log"
		echo "check-reproducible: the build in $1 failed" >&2
		exit 2
	fi
}

copy_tree "$scratch/one"
copy_tree "$scratch/another/folder/deeper"
build "$scratch/one" "$scratch/one/build"
build "$scratch/another/folder/deeper" "$scratch/out"

modules=$(cd "$scratch/out/modules" && ls ./*.so)
differ=0
for module in $modules; do
	cmp "$scratch/one/build/modules/$module" "$scratch/out/modules/$module" || differ=$((differ + 1))
done
echo "$(wc -w <<<"$modules") modules built twice, $differ differ"
[ "$differ" -eq 0 ]
