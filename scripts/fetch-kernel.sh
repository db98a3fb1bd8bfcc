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

wanted=$(awk -v name="$name" '$1 == name { print $2 }' "$top/scripts/kernels.txt")
[ -n "$wanted" ] || die "no kernel '$name' in scripts/kernels.txt"
[ ! -e "$root/headers" ] || exit 0
read_suite "$wanted"

headers=$(depends linux-headers-amd64 linux-headers-)
release=${headers#linux-headers-}
common=$(depends "$headers" 'linux-headers-.*-common')
tools=$(depends "$headers" linux-kbuild-)
echo "[kernel] unpacking $release of $suite" >&2
unpack "linux-image-$release" "$headers" "$common" "$tools"
# What is unpacked lies nowhere in particular.
sed -i 's,^include /usr/src/,include ../,' "$scratch/root/usr/src/$headers/Makefile"
# With its type information beside them the headers want pahole, to make the modules' own; nobody here reads that.
rm -f "$scratch/root/usr/src/$headers/vmlinux"
/sbin/depmod -b "$scratch/root" "$release"
ln -s "usr/src/$headers" "$scratch/root/headers"
keep_as "$root"
