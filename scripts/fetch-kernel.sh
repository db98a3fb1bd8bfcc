#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks a kernel of another Debian suite with its headers, by apt in a folder of its own: this machine's set-up
# stays untouched, nothing is installed. Quick, and without network, when it is there.
#
#   fetch-kernel.sh NAME CACHE     NAME: of kernels.txt; CACHE/NAME/headers is for kernel modules, kernel.sh knows the rest
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
name=$1
root=$2/$name
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

die() {
	echo "fetch-kernel.sh: $*" >&2
	exit 1
}

suite=$(awk -v name="$name" '$1 == name { print $2 }' "$top/scripts/kernels.txt")
[ -n "$suite" ] || die "no kernel '$name' in scripts/kernels.txt"
[ ! -e "$root/headers" ] || exit 0

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The mirror this machine has its own Debian from.
mirror() {
	local own
	# shellcheck source=/dev/null
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# As the sources name it, whether their lists were ever read or not.
	apt-get update --print-uris | sed -n "s,^'\\(.*/\\)dists/$own/InRelease'.*,\\1,p" | awk '!n++'
}

apt() {
	command apt-"$1" -qq -o "Dir::Etc::sourcelist=$scratch/suite.sources" -o Dir::Etc::sourceparts=- \
		-o "Dir::State::lists=$scratch/lists" -o "Dir::State::status=$scratch/status" -o "Dir::Cache=$scratch/cache" \
		-o APT::Sandbox::User= "${@:2}"
}

# depends PACKAGE PATTERN: the first it depends on whose name matches.
depends() {
	local found
	found=$(apt cache depends --no-recommends --no-suggests "$1" |
		awk -v pattern="^$2" '$1 ~ /Depends:$/ && $2 ~ pattern && !n++ { print $2 }')
	[ -n "$found" ] || die "$suite: $1 depends on nothing like $2"
	echo "$found"
}

uri=$(mirror)
[ -n "$uri" ] || die "apt has no source for this machine's own Debian"
mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/root"
: >"$scratch/status"
printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suite" "$keyring" >"$scratch/suite.sources"
apt get update >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; die "cannot read the suite $suite (no network?)"; }

headers=$(depends linux-headers-amd64 linux-headers-)
release=${headers#linux-headers-}
common=$(depends "$headers" 'linux-headers-.*-common')
tools=$(depends "$headers" linux-kbuild-)
echo "[kernel] unpacking $release of $suite" >&2
(cd "$scratch" && apt get download "linux-image-$release" "$headers" "$common" "$tools" >"$scratch/log" 2>&1) ||
	{ cat "$scratch/log" >&2; die "cannot download the kernel $release of $suite"; }
for package in "$scratch"/*.deb; do
	dpkg -x "$package" "$scratch/root"
done
# What is unpacked lies nowhere in particular.
sed -i 's,^include /usr/src/,include ../,' "$scratch/root/usr/src/$headers/Makefile"
# With its type information beside them the headers want pahole, to make the modules' own; nobody here reads that.
rm -f "$scratch/root/usr/src/$headers/vmlinux"
/sbin/depmod -b "$scratch/root" "$release"
ln -s "usr/src/$headers" "$scratch/root/headers"
rm -rf "$root"
mkdir -p "$(dirname "$root")"
mv "$scratch/root" "$root"
