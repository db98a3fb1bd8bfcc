#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds kernel modules by the kernel's own build system, and takes no warning: not of the compiler, not of objtool, not of modpost.
#
#   kbuild.sh HEADERS FOLDER [NAME=VALUE...]     FOLDER has a Kbuild file; the modules are there afterwards
set -eu

headers=$1
folder=$2
shift 2
[ -e "$headers/Makefile" ] || {
	echo "$headers: no kernel headers there; install linux-headers-amd64" >&2
	exit 1
}

log=$folder/kbuild.log
status=0
# Flags meant for other compilers must not reach this one. Type information of a module nobody reads, and to make it takes pahole
# where the headers hold the kernel's.
env -u MAKEFLAGS -u CFLAGS -u LDFLAGS -u CC -u CPPFLAGS LC_ALL=C \
	make -s -j "$(nproc)" -C "$headers" M="$folder" CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules >"$log" 2>&1 || status=$?
cat "$log" >&2
[ "$status" -eq 0 ] || exit "$status"
# That the compiler, or pahole, is not the one the kernel was built by is of another kind: Debian's own change between two updates.
! grep -i 'warning' "$log" | grep -qvE '(compiler|pahole version) differs from the one used to build the kernel' || {
	echo "$folder: a kernel module that compiles with warnings is not taken" >&2
	exit 1
}
