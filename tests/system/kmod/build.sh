#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds kernel modules beside links to their sources: build.sh KERNEL FOLDER OUTPUT SOURCE...
set -eu

top=$(cd "$(dirname "$0")/../../.." && pwd)
kernel=$1
output=$3
mkdir -p "$2"
folder=$(realpath "$2")
shift 3

for source in "$@"; do
	ln -sf "$(realpath "$source")" "$folder/"
done
"$top/scripts/kbuild.sh" "$kernel" "$folder" PLINTH_TOP="$top"
cp "$folder"/*.ko "$output"
