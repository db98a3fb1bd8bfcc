#!/bin/sh
# SPDX-License-Identifier: MIT
# What this machine, or the root around us, is to Plinth: about.sh prints lines of "what: version".
cd "$(dirname "$0")/../.." || exit
export PATH="$PATH:/usr/sbin"

# line WHAT COMMAND...: the first number with a dot in what the command says.
line() {
	what=$1
	shift
	echo "$what: $("$@" 2>&1 | grep -oE '[0-9]+\.[0-9][^ ,)]*' | head -n 1)"
}

# shellcheck source=/dev/null
echo "host: $(. /etc/os-release && echo "Debian $VERSION_ID")"
line "Linux" scripts/kernel.sh release
line "clang" clang --version
line "lld" ld.lld --version
line "gcc" gcc -dumpfullversion
line "GNU ld" ld --version
line "Meson" meson --version
line "Bochs" dpkg-query -W -f "\${Version}" bochs
line "QEMU" qemu-system-x86_64 --version
