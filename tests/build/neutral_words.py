#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Neutral places carry no vendor's words: each line of theirs that has one is printed.

    neutral_words.py TOP

Titles of a manual's sections, which are there to be found, are not looked at: (SDM, "...").
"""

import glob
import os
import re
import sys

# Paths and patterns of paths; a folder is all that is in it.
NEUTRAL = """
    include/plinth/abi.h include/plinth/boot.h include/plinth/call.h include/plinth/control.h include/plinth/debug_slat.h
    include/plinth/entry.h include/plinth/events.h include/plinth/error.def include/plinth/error.h include/plinth/exit_handler.h include/plinth/guest_memory.h
    include/plinth/exit_kinds.def include/plinth/footprint.h include/plinth/introspection.h include/plinth/lazy.h
    include/plinth/log.h include/plinth/memory.h include/plinth/peek.h include/plinth/serial.h include/plinth/shared.h include/plinth/slat.h include/plinth/vcpu.h include/plinth/vcpu_state.h
    include/plinth/vendor.h
    modules/entry modules/events modules/exit_handler modules/introspection modules/lazy modules/memory modules/serial modules/vcpu
    drivers/common lib rtld tools/plinthctl examples tests/mocks/model
""".split()
# The first makes a hypercall itself, by the vendor's instruction; the second looks for what Linux' log says of any vendor.
EXEMPT = {"tools/plinthctl/cmd_debug.c", "tools/plinthctl/cmd_report.c"}
# Vendors' own places in neutral folders: what the model CPU has of each, and where that stands side by side.
VENDORS = ("tests/mocks/model/vmx/", "tests/mocks/model/kind.h")
WORDS = re.compile(r"""vt-x\b|vmx|vmcs|vmcall|vmlaunch|vmresume|vmread|vmwrite|vmclear|vmptrld|vpid|invept
                       |\bept|_ept|\bintel\b|intel_|_intel\b
                       |\bsvm|_svm|vmcb|vmmcall|vmrun|vmsave|vmload|\bnpt\b|\basids?\b|\bamd\b|amd_|_amd\b|qualification""", re.I | re.X)
TITLE = re.compile(r'\((?:SDM|APM),\s+"[^"]*"')
MUST_BE_FOUND = ['read the VMCS', 'CR4.VMXE is set', 'an ept_entry', 'vcpu_intel', 'needs VT-x', 'AMD has it', '(SDM, "x") by VMX']
MUST_PASS = ['(SDM, "VMX Non-Root\n Operation")', 'kept', 'accepted', 'aside', 'a vcpu', 'except']


def found(text):
    """(line number, word) of each."""
    blank = TITLE.sub(lambda title: re.sub(r"[^\n]", " ", title[0]), text)
    return [(blank.count("\n", 0, word.start()) + 1, word[0]) for word in WORDS.finditer(blank)]


def files(top):
    for place in NEUTRAL:
        path = os.path.join(top, place)
        inside = glob.glob(os.path.join(path, "**", "*.[chS]"), recursive=True) if os.path.isdir(path) else [path]
        names = {name: os.path.relpath(name, top) for name in sorted(inside)}
        yield from (name for name, short in names.items() if short not in EXEMPT and not short.startswith(VENDORS))


def main():
    top, bad, looked_at = sys.argv[1], 0, 0
    for text in [t for t in MUST_BE_FOUND if not found(t)] + [t for t in MUST_PASS if found(t)]:
        print(f"this check is wrong about '{text}'")
        bad += 1
    for name in files(top):
        looked_at += 1
        with open(name, encoding="utf-8") as file:
            for line, word in found(file.read()):
                print(f"{os.path.relpath(name, top)}:{line}: '{word}' is a vendor's word in a neutral place")
                bad += 1
    print(f"{looked_at} files")
    return 1 if bad or looked_at < len(NEUTRAL) else 0


sys.exit(main())
