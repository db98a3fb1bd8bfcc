#!/bin/bash
# SPDX-License-Identifier: MIT
# Prints where a Debian suite is to be had, and its updates: at the mirrors that this machine has its own Debian from, as the source
# lists name them, whether they were ever read or not. A line each: address, suite.
#
#   mirror.sh SUITE
set -euo pipefail

# shellcheck source=/dev/null
own=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
listed=$(apt-get update --print-uris)
sed -nE "s,^'([^' ]*/)dists/$own(|-updates|-security)/InRelease'.*,\\1 $1\\2,p" <<<"$listed" | sort -u | grep . || {
	echo "mirror.sh: the source lists in /etc/apt name no mirror of this machine's own Debian" >&2
	exit 1
}
