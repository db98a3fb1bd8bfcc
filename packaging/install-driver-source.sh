#!/bin/sh
# SPDX-License-Identifier: MIT
# Install the driver's source as kbuild wants it: one folder, one Kbuild at its top.
#
#   install-driver-source.sh SOURCE_ROOT FOLDER SOURCE...
#
# FOLDER is below the prefix. The SOURCEs are those of other folders than drivers/linux.
set -eu

root=$(realpath "$1")
to=$MESON_INSTALL_DESTDIR_PREFIX/$2
shift 2

shared=$(for source in "$@"; do realpath --relative-to="$root" "$source"; done)
own=$(cd "$root" && ls drivers/linux/*.c drivers/linux/*.S drivers/linux/probe.sh drivers/linux/Kbuild)
headers=$(cd "$root" && find include lib rtld drivers -name '*.h' -o -name '*.def')

for file in $shared $own $headers LICENSE; do
	install -D -m 644 "$root/$file" "$to/$file"
done
{
	echo "# SPDX-License-Identifier: MIT OR GPL-2.0-only"
	# shellcheck disable=SC2086 # words
	echo "PLINTH_SHARED_SOURCES :=" $shared
	# shellcheck disable=SC2016 # kbuild's variable
	echo 'include $(src)/drivers/linux/Kbuild'
} >"$to/Kbuild"
