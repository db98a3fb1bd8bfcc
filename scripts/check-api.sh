#!/bin/sh
# SPDX-License-Identifier: MIT
# Generate the API reference; any warning is an error, and so is a public header that is not in it, or a function
# that no comment explains.
#
#   check-api.sh SOURCE_ROOT FOLDER
set -eu

cd "$1"
python3 scripts/check-documented.py include/plinth/*.h rtld/rtld.h rtld/format.h drivers/common/os.h drivers/common/core.h
mkdir -p "$2"
{
	cat docs/Doxyfile
	echo "OUTPUT_DIRECTORY = $2"
} | doxygen - >"$2/doxygen.log" 2>&1 || {
	cat "$2/doxygen.log"
	exit 1
}
for header in include/plinth/*.h; do
	page=$2/html/$(basename "$header" .h | sed "s/_/__/g")_8h.html
	[ -s "$page" ] || {
		echo "$header is not in the reference ($page)"
		exit 1
	}
done
