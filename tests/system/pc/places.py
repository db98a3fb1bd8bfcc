# SPDX-License-Identifier: MIT
"""Names of places in the VMM: of addresses, by the load map in its log, and of MODULE+OFFSET."""

import bisect
import os
import re
import subprocess

# modules/entry/init.c: one line a module, at the end of a load.
LOADED = re.compile(r"entry: (\w+) 0x([0-9a-f]+), (\d+) KiB")
# What the VMM itself could not name: a function that is not exported.
BARE = re.compile(r"\b(\w+)\+0x([0-9a-f]+)(?! \()(?![0-9a-f])")


def functions(path):
    """[(offset, bytes, name)] of a module's file, ascending."""
    listing = subprocess.run(["nm", "--defined-only", "--print-size", path], check=True,
                             capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return sorted((int(row[0], 16), int(row[1], 16), row[3])
                  for row in rows if len(row) == 4 and row[2] in "tT")


class Places:
    """The modules of one run: their files, and where its log says they are."""

    def __init__(self, build, log_lines):
        self._folder = os.path.join(build, "modules")
        self._functions = {}
        self._bases = {}        # of the last load: a name comes again
        for match in map(LOADED.search, log_lines):
            if match:
                self._bases[match[1]] = (int(match[2], 16), int(match[3]) * 1024)

    def _of(self, module):
        if module not in self._functions:
            path = os.path.join(self._folder, module + ".so")
            self._functions[module] = functions(path) if os.path.exists(path) else []
        return self._functions[module]

    def function(self, module, offset):
        """ "dispatch+0x12", or None."""
        rows = self._of(module)
        i = bisect.bisect_right(rows, (offset, float("inf"), "")) - 1
        if i < 0 or offset - rows[i][0] >= max(rows[i][1], 1):
            return None
        return f"{rows[i][2]}+{offset - rows[i][0]:#x}"

    def name(self, address):
        """ "vcpu_intel+0x41fa (dispatch+0x12)" of an address in a module, or None."""
        for module, (base, size) in self._bases.items():
            if 0 <= address - base < size:
                function = self.function(module, address - base)
                return f"{module}+{address - base:#x}" + (f" ({function})" if function else "")
        return None

    def complete(self, line):
        """The line, with a function after every MODULE+OFFSET that lacks one."""
        def with_name(match):
            function = self.function(match[1], int(match[2], 16))
            return match[0] + (f" ({function})" if function else "")
        return BARE.sub(with_name, line)
