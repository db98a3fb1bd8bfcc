# SPDX-License-Identifier: MIT
"""Tests how the emulator's and the VMM's words are made readable, with lines as they come.

    words_test.py BUILD     (prints TAP)
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pc"))

# pylint: disable=wrong-import-position
import cpus
import tap
from places import Places, functions

BASE = 0x123456789000
EMULATOR = """\
00512345678i[CPU0  ] WARNING: something else
00512345678e[CPU0  ] VMENTER FAIL: VMCS guest activity state 7
00512345679e[CPU1  ] VMFAIL: VMCS invalid host TR selector
00512345680p[CPU1  ] >>PANIC<< exception(): 3rd (13) exception with no resolution
00512345680i[CPU0  ] | RSP=ffffc90000003f58  RBP=ffffc90000003f58
00512345680i[CPU0  ] | RIP=ffffffff81000010 (ffffffff81000010)
00512345680i[CPU1  ] | RIP={vmm:016x} ({vmm:016x})
00512345680i[CPU2  ] | RIP=0000560516138e31 (0000560516138e31)
"""


def main():
    build = os.path.abspath(sys.argv[1])
    name = "vm_exit"
    offset, size = next((at, size) for at, size, function in
                        functions(os.path.join(build, "modules", "intrinsics.so")) if function == name)
    at = offset + 0x60
    uart = ["plinth I cpu0 1 entry: intrinsics 0x1000, 16 KiB",
            f"plinth I cpu0 2 entry: intrinsics {BASE:#x}, 16 KiB",
            "plinth I cpu0 3 entry: nonsense 0x200000, 4 KiB"]
    places = Places(build, uart)
    words = EMULATOR.format(vmm=BASE + at).splitlines()
    line = f"plinth E cpu1 9 vcpu:   intrinsics+{at:#x}"
    named = f"intrinsics+{at:#x} ({name}+0x60)"
    return tap.report([
        ("complaints in words", tap.difference([
            "CPU 0: the VM entry was refused: VMCS guest activity state 7",
            "CPU 1: the VMX instruction failed: VMCS invalid host TR selector",
            "CPU 1: triple fault: exception 13 while two others could not be delivered"],
            cpus.complaints(words))),
        ("where each CPU was", tap.difference([
            "CPU 0: RIP 0xffffffff81000010, the kernel's",
            f"CPU 1: RIP {BASE + at:#x}, {named}",
            "CPU 2: RIP 0x560516138e31, a program's, or nobody's"], cpus.positions(words, places))),
        ("the last load counts", tap.difference((None, named), (places.name(0x1000 + at), places.name(BASE + at)))),
        ("a module without a file", tap.difference("nonsense+0x10", places.name(0x200010))),
        ("beyond a function's end", tap.difference(True, places.function("intrinsics", offset + size - 1) is not None
                                                   and not (places.function("intrinsics", offset + size) or "")
                                                   .startswith(name + "+"))),
        ("a function for what lacks one", tap.difference(line.replace(f"intrinsics+{at:#x}", named), places.complete(line))),
        ("nothing for what has one", tap.difference(line + " (known+0x1)", places.complete(line + " (known+0x1)"))),
        ("nothing for what is none", tap.difference("other+0x10 intrinsics", places.complete("other+0x10 intrinsics"))),
    ])


sys.exit(main())
