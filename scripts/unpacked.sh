#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program that was unpacked with all it depends on, by its own dynamic linker: this machine's C library may be older than it
# wants. A copy of this file lies at the top of what was unpacked.
#
#   run PROGRAM [ARGUMENT...]     PROGRAM: its path, or gcc-VERSION, whose own programs run the same way
set -eu

root=$(dirname "$(realpath "$0")")
program=$1
shift
libraries=$root/lib/x86_64-linux-gnu:$root/usr/lib/x86_64-linux-gnu
for linker in "$root"/lib/x86_64-linux-gnu/ld-*.so*; do
	[ -L "$linker" ] || break
done

case $program in
gcc-*)
	tools=$root/usr/bin/x86_64-linux-gnu-
	exec "$linker" --library-path "$libraries" "$tools$program" -B "$tools" -wrapper "$linker,--library-path,$libraries" "$@"
	;;
*) exec "$linker" --library-path "$libraries" "$program" "$@" ;;
esac
