#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the release of the stock kernel that Plinth is built for and that the
# emulated PC boots: the newest one with build files (linux-headers) on this
# machine, among those whose image is installed if there is any such.
#
#   kernel.sh [release | image | modules] [CACHE [NAME]]
#
# image and modules print the path of vmlinuz and of the module folder; CACHE
# is where setup.sh unpacks an image that is not installed. NAME is another
# kernel, of kernels.txt, that fetch-kernel.sh has unpacked there.
set -eu

what=${1:-release}
cache=${2:-}
name=${3:-}

# answer RELEASE ROOT: what was asked for, of the kernel in ROOT.
answer() {
	case $what in
	release) echo "$1" ;;
	image) echo "$2/boot/vmlinuz-$1" ;;
	modules) echo "$2/lib/modules/$1" ;;
	*)
		echo "usage: kernel.sh [release | image | modules] [CACHE [NAME]]" >&2
		exit 2
		;;
	esac
}

if [ -n "$name" ]; then
	[ -e "$cache/$name/headers" ] || {
		echo "kernel.sh: the kernel $name is not there: scripts/fetch-kernel.sh $name $cache" >&2
		exit 1
	}
	headers=$(basename "$(readlink "$cache/$name/headers")")
	answer "${headers#linux-headers-}" "$cache/$name"
	exit
fi

# The plain flavour only: rt and cloud kernels lack parts the PC needs.
releases=$(for build in /lib/modules/*-amd64/build; do
	[ -e "$build/Makefile" ] || continue
	release=$(basename "$(dirname "$build")")
	case $release in
	*-cloud-amd64 | *-rt-amd64) ;;
	*) echo "$release" ;;
	esac
done | sort -rV)
if [ -z "$releases" ]; then
	echo "kernel.sh: no kernel build files in /lib/modules: install linux-headers-amd64" >&2
	exit 1
fi

release=$(echo "$releases" | head -n 1)
for candidate in $releases; do
	if [ -r "/boot/vmlinuz-$candidate" ] && [ -e "/lib/modules/$candidate/modules.dep" ]; then
		release=$candidate
		break
	fi
done

root=
if [ ! -r "/boot/vmlinuz-$release" ] || [ ! -e "/lib/modules/$release/modules.dep" ]; then
	root=$cache/$release
fi
answer "$release" "$root"
