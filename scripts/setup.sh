#!/bin/bash
# SPDX-License-Identifier: MIT
# Gets what Plinth needs onto this machine: Debian packages, the C library's
# source, a stock kernel to boot. Quick, and without network or root, when
# nothing is missing.
#
#   setup.sh [BUILD]      BUILD: build folder, where the kernel is kept
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build}
kernels=$build/kernel
cache=$top/subprojects/packagecache
wraps=("$top"/subprojects/musl-*.wrap)
export PATH=$PATH:/usr/sbin:/sbin
export DEBIAN_FRONTEND=noninteractive

say() {
	echo "[setup] $*" >&2
}

die() {
	say "$*"
	exit 1
}

# Names in packages.txt that are not installed.
missing_packages() {
	local wanted
	wanted=$(sed 's/#.*//' "$top/scripts/packages.txt")
	# shellcheck disable=SC2086 # one word each
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null |
		awk '$2 == "installed" { print $1 }' | sort >"$scratch/installed"
	# shellcheck disable=SC2086
	printf '%s\n' $wanted | sort | comm -23 - "$scratch/installed"
}

install_packages() {
	local missing
	command -v dpkg-query >/dev/null ||
		die "this set-up knows Debian only; scripts/packages.txt lists what is needed"
	missing=$(missing_packages | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	[ "$(id -u)" -eq 0 ] ||
		die "packages are missing; as root: apt-get install --no-install-recommends $missing"
	say "installing: $missing"
	apt-get -qq update || die "apt-get update failed (no network?)"
	# shellcheck disable=SC2086
	apt-get -qq install -y --no-install-recommends $missing </dev/null >"$scratch/apt.log" 2>&1 ||
		{ tail -n 20 "$scratch/apt.log" >&2; die "apt-get install failed"; }
}

# The kernel image of the release the driver is built for, if it is not
# installed: unpacked, not installed, so this machine goes on booting what it did.
fetch_kernel() {
	local release image
	release=$("$top/scripts/kernel.sh" release)
	image=$("$top/scripts/kernel.sh" image "$kernels")
	[ ! -r "$image" ] || return 0
	say "unpacking the package linux-image-$release"
	mkdir -p "$kernels/$release"
	(cd "$scratch" && apt_get_download "linux-image-$release") ||
		die "cannot download linux-image-$release (it must match the headers; try apt-get update and apt-get upgrade)"
	dpkg -x "$scratch/linux-image-$release"_*.deb "$scratch/kernel"
	depmod -b "$scratch/kernel" "$release"
	rm -rf "${kernels:?}/$release"
	mkdir -p "$kernels"
	mv "$scratch/kernel" "$kernels/$release"
}

# apt-get download, with one more try after an update of the lists.
apt_get_download() {
	apt-get -qq download "$1" 2>/dev/null && return 0
	[ "$(id -u)" -eq 0 ] && apt-get -qq update && apt-get -qq download "$1"
}

# wrap_value WRAP KEY
wrap_value() {
	sed -n "s/^$2 *= *//p" "$1"
}

# matches_hash WRAP FILE
matches_hash() {
	[ -f "$2" ] && echo "$(wrap_value "$1" source_hash)  $2" | sha256sum --quiet -c - >/dev/null 2>&1
}

# The C library's source goes where Meson looks before it asks the network: of the releases that do, any.
fetch_musl() {
	local wrap
	for wrap in "${wraps[@]}"; do
		! matches_hash "$wrap" "$cache/$(wrap_value "$wrap" source_filename)" || return 0
	done
	mkdir -p "$cache"
	rm -f "$cache"/musl-*.tar.gz # damaged
	say "fetching the source of musl"
	musl_from_debian && return 0
	for wrap in "${wraps[@]}"; do
		musl_from_upstream "$wrap" && return 0
	done
	die "cannot fetch musl: put a tarball that one of subprojects/musl-*.wrap names into subprojects/packagecache/ by hand"
}

# keep_musl FILE: is it the source of a release that does?
keep_musl() {
	local wrap
	for wrap in "${wraps[@]}"; do
		matches_hash "$wrap" "$1" || continue
		mv "$1" "$cache/$(wrap_value "$wrap" source_filename)"
		return 0
	done
	say "$(basename "$1") has the SHA-256 of no release that subprojects/musl-*.wrap name"
	return 1
}

# Debian keeps upstream's archive unchanged. The source lists are made from
# this machine's own, in a folder of their own: its set-up stays untouched.
musl_from_debian() {
	local apt=$scratch/apt options archive
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources"
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb /deb-src /p' >"$apt/sources/own.list" || true
	for file in /etc/apt/sources.list.d/*.sources; do
		[ ! -e "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" >"$apt/sources/$(basename "$file")"
	done
	options=(-qq -o "Dir::Etc::sourcelist=-" -o "Dir::Etc::sourceparts=$apt/sources"
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
		-o APT::Sandbox::User= -o APT::Get::List-Cleanup=0)
	apt-get "${options[@]}" update >"$apt/log" 2>&1 || true # a foreign list may have no sources
	(cd "$apt" && apt-get "${options[@]}" source --download-only musl >>"$apt/log" 2>&1) ||
		return 1
	for archive in "$apt"/musl_*.orig.tar.gz; do
		keep_musl "$archive" && return 0
	done
	return 1
}

musl_from_upstream() {
	local archive
	archive=$scratch/$(wrap_value "$1" source_filename)
	python3 - "$(wrap_value "$1" source_url)" "$archive" <<-'END' 2>/dev/null && keep_musl "$archive"
		import shutil, sys, urllib.request
		with urllib.request.urlopen(sys.argv[1], timeout=30) as reply, open(sys.argv[2], "wb") as file:
		    shutil.copyfileobj(reply, file)
	END
}

# Meson copies our overlay into the unpacked source once and never looks
# again: when the overlay has changed, the unpacked source has to go.
drop_stale_musl() {
	local overlay=$top/subprojects/packagefiles/musl wrap unpacked file
	for wrap in "${wraps[@]}"; do
		unpacked=$top/subprojects/$(wrap_value "$wrap" directory)
		[ -d "$unpacked" ] || continue
		while IFS= read -r file; do
			cmp -s "$overlay/$file" "$unpacked/$file" && continue
			say "the musl overlay has changed ($file): unpacking again"
			rm -rf "$unpacked"
			break
		done < <(cd "$overlay" && find . -type f)
	done
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
install_packages
fetch_kernel
fetch_musl
drop_stale_musl
