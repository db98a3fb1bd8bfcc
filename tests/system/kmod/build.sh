#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds kernel modules beside links to their sources: build.sh KERNEL FOLDER OUTPUT SOURCE...
set -eu

kernel=$1
output=$3
mkdir -p "$2"
folder=$(realpath "$2")
shift 3

for source in "$@"; do
	ln -sf "$(realpath "$source")" "$folder/"
done
env -u MAKEFLAGS -u CFLAGS -u LDFLAGS -u CC -u CPPFLAGS make -s -C "$kernel" M="$folder" modules
cp "$folder"/*.ko "$output"
