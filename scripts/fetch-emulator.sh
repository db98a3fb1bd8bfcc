#!/bin/bash
# SPDX-License-Identifier: MIT
# Unpacks an emulator of another Debian suite. Quick, and without network, when it is there.
#
#   fetch-emulator.sh NAME CACHE     NAME: of emulators.txt; tests/system/pc/unpacked.py runs what lies in CACHE/NAME
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/suite.sh
. "$top/scripts/suite.sh"
name=$1
root=$2/$name

read -ra wanted < <(awk -v name="$name" '$1 == name { $1 = ""; print }' "$top/scripts/emulators.txt") ||
	die "no emulator '$name' in scripts/emulators.txt"
[ ! -e "$root" ] || exit 0
read_suite "${wanted[0]}"
echo "[emulator] unpacking $name of $suite" >&2
unpack "${wanted[@]:1}"
keep_as "$root"
