#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the Linux module with the kernel's own build system, in a folder of its own: kbuild
# writes beside the sources, so they are linked there first, folders and all.
#
#   build.sh KERNEL FOLDER SOURCE_ROOT OUTPUT DEPFILE SOURCE...
#
# KERNEL is the folder of the kernel's headers. The SOURCEs, of other folders than this one,
# become part of the module. DEPFILE receives the names of all files that matter.
set -eu

kernel=$1
mkdir -p "$2"
folder=$(realpath "$2")
root=$(realpath "$3")
output=$4
depfile=$5
shift 5

shared=$(for source in "$@"; do realpath --relative-to="$root" "$source"; done)
own=$(cd "$root" && ls drivers/linux/*.c drivers/linux/*.S drivers/linux/probe.sh drivers/linux/Kbuild)
headers=$(cd "$root" && find include lib rtld drivers -name '*.h' -o -name '*.def')

for file in $shared $own $headers; do
	mkdir -p "$folder/$(dirname "$file")"
	ln -sf "$root/$file" "$folder/$file"
done
ln -sf "$root/drivers/linux/Kbuild" "$folder/Kbuild"

"$root/scripts/kbuild.sh" "$kernel" "$folder" PLINTH_SHARED_SOURCES="$(echo $shared)"
cp "$folder/plinth.ko" "$output"
{
	printf '%s:' "$output"
	for file in $shared $own $headers; do printf ' %s' "$root/$file"; done
	echo
} >"$depfile"
