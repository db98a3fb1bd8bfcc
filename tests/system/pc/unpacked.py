# SPDX-License-Identifier: MIT
"""Where Bochs and what it needs lie: on this machine, or where scripts/fetch-emulator.sh has unpacked another."""

import os
from collections import namedtuple

from errors import PcError
from products import TOP

TABLE = os.path.join(TOP, "scripts", "emulators.txt")

# `program` begins a command; its firmware is in `share`.
Place = namedtuple("Place", "program share")
INSTALLED = Place(["bochs-bin"], "/usr/share/bochs")


def names():
    """What --emulator takes beside those of this machine."""
    with open(TABLE, encoding="utf-8") as file:
        return [line.split()[0] for line in file if line.strip() and line[0] != "#"]


def find(build, name):
    """Runs by its own dynamic linker, with its own libraries before this machine's: nothing is installed."""
    cache = os.path.join(os.path.abspath(build), "emulators")
    root = os.path.join(cache, name)
    if not os.path.isdir(root):
        raise PcError(f"the emulator {name} is not there: scripts/fetch-emulator.sh {name} {cache}")
    libraries = os.path.join(root, "usr/lib/x86_64-linux-gnu")
    # It knows its plugins and the firmware's folder by where they would be installed.
    return Place(["env", f"LTDL_LIBRARY_PATH={libraries}/bochs/plugins", f"BXSHARE={root}/usr/share/bochs",
                  os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries, os.path.join(root, "usr/bin/bochs-bin")],
                 os.path.join(root, "usr/share/bochs"))
