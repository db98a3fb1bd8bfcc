#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl peek, poke, v2p and regs, with a device that is played.

    peek.py PLINTHCTL FAKE_DEVICE

Prints TAP.
"""
import json
import os
import subprocess
import sys

TOOL, FAKE = map(os.path.abspath, sys.argv[1:3])
MANY = "00" * 2048
NOT_MAPPED = "plinthctl: peek: 0x200000: is not mapped\n"
REGISTERS = ("cr0 cr2 cr3 cr4 rax rbx rcx rdx rbp rsi rdi rsp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags efer").split()

# words, environment, exit status, standard output, standard error: all of it, or how it begins if it ends with "..."
CASES = (
    ("peek 0x1000 3", {}, 0, "0000000000001000  00 01 02                                          |...|\n", ""),
    ("peek 0x1041 17", {}, 0,
     "0000000000001041  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|\n"
     "0000000000001051  51                                                |Q|\n", ""),
    ("peek --json 0x1ffe 4", {}, 0, '{"address":"0x1ffe","bytes":"feff0001"}\n', ""),
    ("peek -r --pid 17 0x1041 3", {}, 0, "ABC", "space 1, process 17\n"),
    ("peek -rP 0x1041 3", {}, 0, "ABC", "space 2, process 0\n"),
    ("peek 0x1ffffe 4", {}, 1, "", NOT_MAPPED),
    ("peek --json 0x1ffffe 4", {}, 1, "", '{"error":"peek: 0x200000: is not mapped"}\n'),
    ("peek 0x1000 8", {"FAKE_REFUSES": "peek refused: not today"}, 1, "", "plinthctl: peek refused: not today\n"),
    ("peek 0x1000", {}, 2, "", "plinthctl peek: wants ADDR and LEN..."),
    ("peek", {}, 2, "", "plinthctl peek: where, and how much?..."),
    ("peek 0x1000 0", {}, 2, "", 'plinthctl peek: "0": LEN is 1 to 1073741824 bytes...'),
    ("peek 0x1000 2G", {}, 2, "", 'plinthctl peek: "2G": LEN is 1 to...'),
    ("peek ffff 1", {}, 2, "", 'plinthctl peek: "ffff": ADDR is a number...'),
    ("peek 0xffffffffffffffff 2", {}, 2, "", "plinthctl peek: so many bytes go beyond the last address..."),
    ("peek --raw --json 0x1000 2", {}, 2, "", "plinthctl peek: --raw and --json do not go together..."),
    ("peek --pid 0 0x1000 2", {}, 2, "", "plinthctl peek: --pid 0: wants the number of a process..."),
    ("peek --pid self 0x1000 2", {}, 2, "", "plinthctl peek: --pid self: wants the number of a process..."),
    ("peek --physical --pid 1 0x1000 2", {}, 2, "", "plinthctl peek: --pid 1: physical addresses are nobody's..."),
    ("peek --pid 1 --physical 0x1000 2", {}, 2, "", "plinthctl peek: --physical : physical addresses are nobody's..."),
    ("poke 0x1001 00fF 7a", {}, 0, "", "00ff7a to 0x1001\n"),
    ("poke --pid 5 4096 01", {}, 0, "", "space 1, process 5\n01 to 0x1000\n"),
    ("poke 0x1000 " + MANY, {}, 0, "", MANY + " to 0x1000\n"),
    ("poke 0x1000 " + MANY + " 00", {}, 2, "", "plinthctl poke: wants 1 to 2048 BYTES..."),
    ("poke 0x1000", {}, 2, "", "plinthctl poke: wants 1 to 2048 BYTES..."),
    ("poke 0x1000 0x00", {}, 2, "", 'plinthctl poke: "0x00": wants two hexadecimal digits for each byte...'),
    ("poke 0x1000 123", {}, 2, "", 'plinthctl poke: "123": wants two hexadecimal digits for each byte...'),
    ("poke 0x1000 12", {"FAKE_REFUSES": "poke refused: not today"}, 1, "", "plinthctl: poke refused: not today\n"),
    ("v2p 0x1234", {}, 0, "0x1001234\n", ""),
    ("v2p --pid 9 --json 0x1234", {}, 0, '{"address":"0x1234","physical":"0x1001234"}\n', "space 1, process 9\n"),
    ("v2p 1 2", {}, 2, "", 'plinthctl v2p: one address at a time, but there is "2"...'),
    ("v2p", {}, 2, "", "plinthctl v2p: which address?..."),
    ("v2p --physical 1", {}, 2, "", "plinthctl v2p: unrecognized option '--physical'..."),
    ("regs --cpu 1", {}, 0, "".join(f"{name:7} 0x{i:016x}\n" for i, name in enumerate(REGISTERS, 1)), ""),
    ("regs --cpu 2", {}, 1, "", "plinthctl: CPU 2 is not online\n"),
    ("regs", {}, 2, "", "plinthctl regs: of which CPU (--cpu N)?..."),
    ("regs --cpu all", {}, 2, "", "plinthctl regs: --cpu all: wants the number of a CPU..."),
)


def run(words, environment):
    return subprocess.run(["env", f"LD_PRELOAD={FAKE}", *(f"{k}={v}" for k, v in environment.items()), TOOL, *words.split()],
                          capture_output=True, check=False, timeout=60)


def differs(wanted, got):
    return not got.startswith(wanted[:-3]) if wanted.endswith("...") else got != wanted


def problem(words, environment, status, out, err):
    result = run(words, environment)
    said = result.stderr.decode()
    shown = result.stdout.decode()
    if out[:1] == "{" and shown[:1] == "{":
        out, shown = json.loads(out), json.loads(shown)
    if result.returncode == status and shown == out and not differs(err, said):
        return ""
    return f"status {result.returncode}, wanted {status}; {shown!r}, wanted {out!r}; said {said!r}, wanted {err!r}"


def long_one():
    """Over many pages, in pieces that the device takes."""
    result = run("peek --raw 0x1003 1M", {})
    wanted = bytes((0x1003 + i) % 256 for i in range(1 << 20))
    return "" if result.returncode == 0 and result.stdout == wanted else f"{result.returncode}, {len(result.stdout)} bytes"


def main():
    failed = False
    print(f"1..{len(CASES) + 1}")
    for i, case in enumerate(CASES + (None,), 1):
        why = problem(*case) if case else long_one()
        failed = failed or bool(why)
        print(f"{'not ' if why else ''}ok {i} {case[0][:40] if case else 'a megabyte'}")
        if why:
            print(f"# {why}")
    return 1 if failed else 0


sys.exit(main())
