#!/bin/sh
# SPDX-License-Identifier: MIT
# The driver and the tests' kernel modules for a kernel that fetch-kernel.sh unpacked: build.sh KERNEL FOLDER SOURCES
# OUTPUT_FOLDER STAMP DEPFILE SHARED_SOURCE...
set -eu

headers=$1/headers folder=$2 sources=$3 output=$4 stamp=$5 depfile=$6
tests=$sources/tests/system
shift 6
mkdir -p "$folder" "$output"

"$sources/drivers/linux/build.sh" "$headers" "$folder/driver" "$sources" "$output/plinth.ko" "$folder/driver.d" "$@"
"$tests/kmod/build.sh" "$headers" "$folder/kmod" "$output" "$tests/kmod/Kbuild" "$tests"/kmod/*.c
"$tests/probe/build.sh" "$headers" "$folder/probe" "$tests/probe" "$output/exit_probe.ko"
touch "$stamp"
# When another release is unpacked there, what was built is stale.
echo "$stamp:$(cut -d : -f 2 "$folder/driver.d") $(realpath "$headers")/Module.symvers" "$tests"/kmod/* "$tests"/probe/* >"$depfile"
