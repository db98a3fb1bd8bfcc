#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl load judges a set as plinthctl check does: the same words, the same exit status, before it asks the driver.

    load_check.py PLINTHCTL MODULES

Prints TAP. There is no driver here: a set that is good gets as far as /dev/plinth.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

TOOL, MODULES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
NAMES = ("entry", "ept", "exit_handler", "intrinsics", "memory", "serial", "vcpu", "vcpu_intel")
SECONDS = 20                    # what is no file must not be waited for
DEVICE = "plinthctl: /dev/plinth"


def run(*words):
    return subprocess.run([TOOL, *words], capture_output=True, check=False, timeout=SECONDS)


def change(path, offset, value):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(value)


def text(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n")


def fifo(path):
    os.remove(path)
    os.mkfifo(path)


def folder(path):
    os.remove(path)
    os.mkdir(path)


def dangling(path):
    os.remove(path)
    os.symlink("nowhere", path)


def strange_name(path):
    """Bytes that are no text, of a file that is none."""
    strange = os.fsencode(os.path.dirname(path)) + b"/caf\xe9.so"
    shutil.move(path, strange)
    change(strange, 0, b"nix")


# What is done to the file of the module serial, which others need.
FLAWS = {
    "nothing is wrong": None,
    "missing": os.remove,
    "text": text,
    "empty": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, os.path.getsize(path) // 4),
    "of a terabyte": lambda path: os.truncate(path, 1 << 40),
    "another machine's": lambda path: change(path, 18, b"\xb7\0"),
    "an object": lambda path: change(path, 16, b"\1\0"),
    "twice": lambda path: shutil.copy(path, path[:-3] + "2.so"),
    "a FIFO": fifo,
    "a folder": folder,
    "a link to nowhere": dangling,
    "a strange name": strange_name,
}


def complaints(result):
    return [line for line in result.stderr.splitlines() if not line.startswith(DEVICE.encode())]


def whole(file):
    return os.path.realpath(file) if os.path.exists(file) else file


def compare(where, good, *lazy):
    files = [whole(file) for file in sorted(glob.glob(os.fsencode(where) + b"/*.so"))]
    check, load = run("check", *lazy, *files), run("load", *lazy, "--modules", where)
    assert check.returncode == (0 if good else 1), f"check: {check.returncode}: {check.stderr}"
    assert complaints(load) == complaints(check), (load.stderr, check.stderr)
    assert load.returncode == 1, f"load: {load.returncode}"
    reached = DEVICE.encode() in load.stderr
    assert reached == good, f"the device was {'' if reached else 'not '}asked: {load.stderr}"
    assert not load.stdout, load.stdout


def main():
    failed = False
    print(f"1..{len(FLAWS) + 1}")
    for number, (what, spoil) in enumerate([*FLAWS.items(), ("lazy", None)], 1):
        with tempfile.TemporaryDirectory() as where:
            # load adds the extension itself where it is not there already.
            names = NAMES + (("lazy",) if what == "lazy" else ())
            for name in names:
                shutil.copy(f"{MODULES}/{name}.so", where)
            if spoil:
                spoil(f"{where}/serial.so")
            try:
                compare(where, not spoil, *(["--lazy"] if what == "lazy" else []))
                print(f"ok {number} {what}")
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed = True
                print(f"not ok {number} {what}\n# {error}")
    return 1 if failed else 0


sys.exit(main())
