#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian 13 where this is 12, and 12 where it is 13, in every run of ./test: its compilers, Meson, Ninja, libraries and kernel
# headers are unpacked, not installed, and build there, in a root of their own, all that is no test. Its modules are the sets
# other-clang and other-gcc then, for the emulated PC (--module-sets in tests/system/cases.txt).
#
#   other.sh BUILD      BUILD/other-debian/result.txt gets one TAP line; without the other Debian (no network, no namespaces), why
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=scripts/suite.sh
. "$top/scripts/suite.sh"
build=$1
folder=$build/other-debian
sets=$build/tests/toolchains
packages=(clang lld llvm gcc libc6-dev binutils make meson ninja-build python3 libjson-c-dev libbpf-dev nettle-dev pkg-config
	dash bash coreutils sed grep mawk findutils diffutils libelf1) # the last nine: kbuild's, which are not essential to apt here

# result WORDS: what becomes of all this.
result() {
	echo "$*" | tee "$folder/result.txt"
}

skip() {
	result "ok hosts/other: builds on $debian # SKIP $*"
	exit 0
}

other_debian() {
	# shellcheck source=/dev/null
	case $(. /etc/os-release && echo "${VERSION_CODENAME-}") in
	bookworm) echo trixie "Debian 13" ;;
	trixie) echo bookworm "Debian 12" ;;
	*) echo - "another Debian" ;;
	esac
}

make_root() {
	local headers link
	read_suite "$release"
	for link in bin lib lib64 sbin; do
		mkdir -p "$scratch/root/usr/$link"
		ln -s "usr/$link" "$scratch/root/$link"
	done
	mkdir -p "$scratch/root"/{build,dev,plinth,proc,tmp}
	headers=$(depends linux-headers-amd64 linux-headers-)
	# Not with what they depend on, which is the kernel.
	fetch download "$headers" "$(depends "$headers" 'linux-headers-.*-common')" "$(depends "$headers" linux-kbuild-)"
	extract "$scratch"
	unpack_all "${packages[@]}"
	ln -s mawk "$scratch/root/usr/bin/awk"
	echo "${packages[*]}" >"$scratch/root/packages"
	keep_as "$root"
}

# inside COMMANDS: in the root; the sources are there to be read.
inside() {
	local who=()
	[ "$(id -u)" -eq 0 ] || who=(--map-root-user)
	# shellcheck disable=SC2016 # expanded there
	unshare ${who[@]+"${who[@]}"} --mount sh -euc '
		mount --bind "$1" "$2/plinth"
		mount --rbind /proc "$2/proc"
		mount --rbind /dev "$2/dev"
		exec env -i PATH=/usr/sbin:/usr/bin HOME=/tmp LANG=C.UTF-8 chroot "$2" sh -euc "$3"' sh "$top" "$root" "$1"
}

read -r release debian <<<"$(other_debian)"
root=$folder/$release
mkdir -p "$folder"
rm -rf "$folder/result.txt" "$sets"/other-*
[ "$release" != - ] || skip "this is neither Debian 12 nor 13"
if [ "$(cat "$root/packages" 2>/dev/null)" != "${packages[*]}" ]; then
	set +e # as a condition it would go on behind what fails
	words=$(set -e; make_root 2>&1)
	made=$?
	set -e
	[ "$made" -eq 0 ] || skip "$(tail -n 1 <<<"$words")"
fi
words=$(inside true 2>&1) || skip "no namespaces, mounts or chroot here: $(tail -n 1 <<<"$words")"

# Twice the modules, once the rest.
# shellcheck disable=SC2016 # expanded there
if inside 'for compiler in clang gcc; do
		[ -e /build/$compiler/build.ninja ] || meson setup /build/$compiler /plinth \
			--cross-file /plinth/cross/x86_64-$compiler.ini --wrap-mode=nodownload -Dtests=false
	done
	ninja -C /build/clang
	ninja -C /build/gcc plinth-modules'; then
	for compiler in clang gcc; do
		mkdir -p "$sets/other-$compiler"
		cp "$root/build/$compiler"/modules/*.so "$sets/other-$compiler/"
	done
	result "ok hosts/other: builds on $debian"
else
	result "not ok hosts/other: builds on $debian"
	exit 1
fi
