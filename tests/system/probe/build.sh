#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the tests' kernel module: build.sh KERNEL FOLDER SOURCES OUTPUT
set -eu
mkdir -p "$2"
folder=$(realpath "$2")
for file in "$3"/*.c "$3"/*.def "$3"/Kbuild; do
	ln -sf "$(realpath "$file")" "$folder/"
done
"$(dirname "$0")/../../../scripts/kbuild.sh" "$1" "$folder"
cp "$folder/exit_probe.ko" "$4"
