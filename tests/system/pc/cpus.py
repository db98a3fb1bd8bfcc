# SPDX-License-Identifier: MIT
"""The emulator's own words about a CPU, readable: which rule was broken, where it was."""

import re

# Its log: time, level, which CPU, then what it has to say.
CPU = r"\[CPU(\d+)\s*\]\s*"
COMPLAINTS = (
    (re.compile(CPU + r"VMENTER FAIL: (.*)"), "the VM entry was refused: {}"),
    (re.compile(CPU + r"VMFAIL: (.*)"), "the VMX instruction failed: {}"),
    (re.compile(CPU + r"(?:VMABORT|VMX abort):? ?(.*)"), "the VM exit was aborted: {}"),
    (re.compile(CPU + r"(?:>>PANIC<< )?exception\(\): 3rd \((\d+)\) exception"),
     "triple fault: exception {} while two others could not be delivered"),
)
PLACE = re.compile(CPU + r"\| RIP=([0-9a-f]{8})_?([0-9a-f]{8})")
KERNEL = 0xffff_8000_0000_0000


def complaints(lines):
    """ "CPU 1: the VM entry was refused: ...", one a line that says such a thing."""
    found = []
    for line in lines:
        for pattern, text in COMPLAINTS:
            match = pattern.search(line)
            if match:
                found.append(f"CPU {match[1]}: " + text.format(match[2]))
    return found


def positions(lines, places):
    """Where each CPU was when the emulator gave up: its last register dump."""
    last = {match[1]: int(match[2] + match[3], 16)
            for match in map(PLACE.search, lines) if match}
    return [f"CPU {cpu}: RIP {rip:#x}, {places.name(rip) or _whose(rip)}"
            for cpu, rip in sorted(last.items())]


def _whose(rip):
    return "the kernel's" if rip >= KERNEL else "a program's, or nobody's"
