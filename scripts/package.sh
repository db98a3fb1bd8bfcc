#!/bin/sh
# SPDX-License-Identifier: MIT
# Build plinth_*.deb from this tree, in a folder of its own.
#
#   scripts/package.sh [FOLDER]	the package goes there (default: build/package)
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
to=${1:-$top/build/package}
mkdir -p "$to"
to=$(cd "$to" && pwd)
tree=$to/plinth
rm -rf "$tree"
mkdir "$tree"

# What git knows, as it is in the tree now, and the C library's source that ./test has fetched.
(cd "$top" && git ls-files -z && find subprojects -path '*/musl-*' -prune -print0 -o -path '*/packagecache/*' -print0) |
	(cd "$top" && xargs -0 tar -cf - --no-recursion --ignore-failed-read --) | tar -xf - -C "$tree"
for folder in "$top"/subprojects/musl-*/; do
	[ ! -d "$folder" ] || cp -r "$folder" "$tree/subprojects/"
done
cd "$tree"
dpkg-buildpackage -us -uc -b --no-check-builddeps >"$to/package.log" 2>&1 || {
	echo "package.sh: dpkg-buildpackage failed, last lines of $to/package.log:" >&2
	tail -n 20 "$to/package.log" >&2
	exit 1
}
rm -rf "$tree"
ls "$to"/plinth_*.deb
