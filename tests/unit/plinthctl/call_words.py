#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl call without a driver: what it takes for a message, and which it refuses in which words.

    call_words.py PLINTHCTL

Prints TAP. A message that is good gets as far as /dev/plinth.
"""
import os
import subprocess
import sys
import tempfile

TOOL = os.path.abspath(sys.argv[1])
MOST = 4032
DEVICE = "/dev/plinth"
LONG = "x" * 32

# arguments, bytes of standard input, exit status, what the first line says
CASES = (
    (["echo"], 0, 1, DEVICE),
    (["echo", "-"], 0, 1, DEVICE),
    (["echo", "-"], MOST, 1, DEVICE),
    (["echo", "-"], MOST + 1, 1, "call: standard input has more than 4032 bytes: no message can be longer"),
    (["echo", "FILE"], 0, 1, DEVICE),
    (["echo", "LARGE"], 0, 1, "LARGE has more than 4032 bytes: no message can be longer"),
    (["echo", "/nowhere"], 0, 1, "call: /nowhere: cannot be opened: No such file or directory"),
    (["echo", "/"], 0, 1, "call: /: cannot be read: Is a directory"),
    (["echo", "--hex"], 0, 1, DEVICE),
    (["echo", "--hex", "00fF", "7a"], 0, 1, DEVICE),
    (["echo", "--hex", "00" * MOST], 0, 1, DEVICE),
    (["echo", "--hex", "00" * MOST, "00"], 0, 1, "call: the message has more than 4032 bytes"),
    (["echo", "--hex", "000"], 0, 1, 'call: "000": wants two hexadecimal digits for each byte'),
    (["echo", "--hex", "00", "0x"], 0, 1, 'call: "0x": wants two hexadecimal digits for each byte'),
    (["echo", "--json", "--hex", "zz"], 0, 1, '{"error":"call: \\"zz\\": wants two hexadecimal digits for each byte"}'),
    ([], 0, 2, "plinthctl call: which extension?"),
    ([LONG], 0, 2, f'"{LONG}": names have 1 to 31 characters'),
    ([""], 0, 2, '"": names have 1 to 31 characters'),
    (["echo", "one", "two"], 0, 2, 'one file at a time, but there is "two"'),
    (["echo", "--cpu", "first"], 0, 2, 'CPU "first": wants a number'),
    (["echo", "--cpu", "-1"], 0, 2, 'CPU "-1": wants a number'),
)


def problem(arguments, n_bytes, status, words, folder):
    files = {"FILE": MOST, "LARGE": MOST + 1}
    for name, size in files.items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(bytes(size))
    result = subprocess.run([TOOL, "call", *arguments], input=bytes(n_bytes), capture_output=True, check=False, cwd=folder,
                            timeout=20)
    first = (result.stderr.decode().splitlines() or [""])[0]
    if result.returncode != status or words not in first or result.stdout:
        return f"status {result.returncode}, '{first}', {len(result.stdout)} bytes; wanted {status}, '{words}'"
    return None


def main():
    failed = False
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as folder:
            wrong = problem(*case, folder)
        failed = failed or bool(wrong)
        what = " ".join(case[0])[:40]
        print(f"not ok {number} {what}\n# {wrong}" if wrong else f"ok {number} {what}")
    return 1 if failed else 0


sys.exit(main())
