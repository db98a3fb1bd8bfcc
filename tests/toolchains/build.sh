#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the modules once more, by another toolchain: build.sh SOURCES FOLDER OUTPUT_FOLDER STAMP CROSS_FILE...
# Not our build's configuration, its sources: what they unpacked is there.
set -eu

sources=$1 folder=$2 output=$3 stamp=$4
shift 4
for file in "$@"; do
	set -- "$@" "--cross-file=$file"
	shift
done

[ -e "$folder/build.ninja" ] ||
	meson setup "$folder" "$sources" "$@" --wrap-mode=nodownload -Dtests=false >"$folder.log"
ninja -C "$folder" plinth-modules >>"$folder.log"
mkdir -p "$output"
cp "$folder"/modules/*.so "$output/"
touch "$stamp"
