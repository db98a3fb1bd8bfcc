#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks a kernel of another Debian suite with its headers. Quick, and without network, when it is there.
#
#   fetch-kernel.sh NAME CACHE     NAME: of kernels.txt; CACHE/NAME/headers is for kernel modules, kernel.sh knows the rest
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/suite.sh
. "$top/scripts/suite.sh"
name=$1
root=$2/$name

# parts RELEASE: packages that the image's is made of; Debian splits it from 7.x on.
parts() {
	apt cache depends --no-recommends --no-suggests "linux-image-$1" |
		awk -v end="-$1" '$1 == "Depends:" && /linux-/ && substr($2, length($2) - length(end) + 1) == end { print $2 }'
}

# The compiler that the kernel was built by: others know other options. Where this machine has not got it, it is unpacked,
# too, with its assembler, and runs by its own dynamic linker with its own libraries.
own_compiler() {
	local compiler
	compiler=$(grep -o 'gcc-[0-9]*' "$1")
	! command -v "$compiler" >/dev/null || return 0
	unpack_all "$compiler" "$tools"
	install -m 755 "$top/scripts/unpacked.sh" "$scratch/root/run"
	# shellcheck disable=SC2016 # make's variables
	sed -i "s,^CC = .*,CC := \$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST)))../../..)/run $compiler," "$1"
	find "$scratch/root/usr/lib/$tools" -type f -perm /1 | while read -r tool; do
		! ldd "$tool" 2>&1 | grep -q 'not found' || run_unpacked "$tool"
	done
}

# run_unpacked TOOL: one of the kernel's that wants a newer C library than this machine's.
run_unpacked() {
	mv "$1" "$1.elf"
	cat >"$1" <<-'END'
		#!/bin/sh
		own=$(realpath "$0")
		exec "${own%/usr/lib/linux-kbuild-*}/run" "$own.elf" "$@"
	END
	chmod +x "$1"
}

read -r wanted compiler < <(awk -v name="$name" '$1 == name { print $2, $3 }' "$top/scripts/kernels.txt") || true
[ -n "$wanted" ] || die "no kernel '$name' in scripts/kernels.txt"
[ ! -e "$root/headers" ] || exit 0
[ -z "$compiler" ] || exec "$top/scripts/build-kernel.sh" "$name" "$2" "$wanted" "$compiler"
read_suite "$wanted"

headers=$(depends linux-headers-amd64 linux-headers-)
release=${headers#linux-headers-}
common=$(depends "$headers" 'linux-headers-.*-common')
tools=$(depends "$headers" linux-kbuild-)
echo "[kernel] unpacking $release of $suite" >&2
# shellcheck disable=SC2046 # words
unpack "linux-image-$release" $(parts "$release") "$headers" "$common" "$tools"
# A suite whose packages know /usr/lib alone leaves the way there to the system, and the kernel's image beside its modules.
[ -e "$scratch/root/lib" ] || ln -s usr/lib "$scratch/root/lib"
image=$scratch/root/boot/vmlinuz-$release
[ -e "$image" ] || install -D "$scratch/root/lib/modules/$release/vmlinuz" "$image"
# What is unpacked lies nowhere in particular.
sed -i "s,=/usr/src/$headers\$,=., ; s,^include /usr/src/,include ../," "$scratch/root/usr/src/$headers/Makefile"
own_compiler "$scratch/root/usr/src/$headers/.kernelvariables"
/sbin/depmod -b "$scratch/root" "$release"
ln -s "usr/src/$headers" "$scratch/root/headers"
keep_as "$root"
