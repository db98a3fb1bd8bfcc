# SPDX-License-Identifier: MIT
"""Real sets: a shared library of this machine with everything it needs, found by DT_NEEDED as the system's loader would."""
import pathlib
import re
import subprocess

# Where Debian has them; what else ldconfig knows is looked for after that.
FOLDERS = ('/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib')
ROOTS = (('libssl and libcrypto', 'libssl.so.3', 'libssl3'), ('libgtk-3', 'libgtk-3.so.0', 'libgtk-3-0'))


def find(name):
    for folder in FOLDERS:
        path = pathlib.Path(folder) / name
        if path.exists():
            return str(path.resolve())
    return None


def needed(path):
    out = subprocess.run(['readelf', '-dW', path], capture_output=True, text=True, check=True).stdout
    return re.findall(r'\(NEEDED\).*\[(.+)\]', out)


def closure(root):
    """Paths, the root first, breadth first: the order in which the system's loader searches them."""
    paths = []
    wanted = [root]
    for name in wanted:
        path = find(name)
        if path:
            paths.append(path)
            wanted += [n for n in needed(path) if n not in wanted]
    return paths
