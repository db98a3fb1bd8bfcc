# SPDX-License-Identifier: MIT
"""Where Bochs and what it needs lie: on this machine, or where scripts/fetch-emulator.sh has unpacked another."""

import os
import platform
from collections import namedtuple

from errors import PcError
from products import TOP

TABLE = os.path.join(TOP, "scripts", "emulators.txt")

# `program` begins a command; its firmware is in `share`.
Place = namedtuple("Place", "program share")
INSTALLED = Place(["bochs-bin"], "/usr/share/bochs")


def own_suite():
    return platform.freedesktop_os_release().get("VERSION_CODENAME")


def suites():
    """{name: suite} of what --emulator takes beside bochs and qemu."""
    with open(TABLE, encoding="utf-8") as file:
        return dict(line.split()[:2] for line in file if line.strip() and line[0] != "#")


def to_unpack():
    """Those of another Debian than this; this one's own is the one that is installed."""
    return {name for name, suite in suites().items() if suite != own_suite()}


def find(build, name):
    """Runs by its own dynamic linker, with its own libraries before this machine's: nothing is installed."""
    if name not in to_unpack():
        return INSTALLED
    cache = os.path.join(os.path.abspath(build), "emulators")
    root = os.path.join(cache, name)
    if not os.path.isdir(root):
        raise PcError(f"the emulator {name} is not there: scripts/fetch-emulator.sh {name} {cache}")
    libraries = os.path.join(root, "usr/lib/x86_64-linux-gnu")
    # It knows its plugins and the firmware's folder by where they would be installed.
    return Place(["env", f"LTDL_LIBRARY_PATH={libraries}/bochs/plugins", f"BXSHARE={root}/usr/share/bochs",
                  os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries, os.path.join(root, "usr/bin/bochs-bin")],
                 os.path.join(root, "usr/share/bochs"))
