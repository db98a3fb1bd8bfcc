#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl without a driver: what it takes, what it refuses, and in which words.

    command_line.py PLINTHCTL

Prints TAP. What is good gets as far as /dev/plinth.
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
    (["call", "echo"], 0, 1, DEVICE),
    (["call", "echo", "-"], 0, 1, DEVICE),
    (["call", "echo", "-"], MOST, 1, DEVICE),
    (["call", "echo", "-"], MOST + 1, 1, "call: standard input has more than 4032 bytes: no message can be longer"),
    (["call", "echo", "FILE"], 0, 1, DEVICE),
    (["call", "echo", "LARGE"], 0, 1, "LARGE has more than 4032 bytes: no message can be longer"),
    (["call", "echo", "/nowhere"], 0, 1, "call: /nowhere: cannot be opened: No such file or directory"),
    (["call", "echo", "/"], 0, 1, "call: /: cannot be read: Is a directory"),
    (["call", "echo", "--hex"], 0, 1, DEVICE),
    (["call", "echo", "--hex", "00fF", "7a"], 0, 1, DEVICE),
    (["call", "echo", "--hex", "00" * MOST], 0, 1, DEVICE),
    (["call", "echo", "--hex", "00" * MOST, "00"], 0, 1, "call: the message has more than 4032 bytes"),
    (["call", "echo", "--hex", "000"], 0, 1, 'call: "000": wants two hexadecimal digits for each byte'),
    (["call", "echo", "--hex", "00", "0x"], 0, 1, 'call: "0x": wants two hexadecimal digits for each byte'),
    (["call", "echo", "--json", "--hex", "zz"], 0, 1, '{"error":"call: \\"zz\\": wants two hexadecimal digits for each byte"}'),
    (["call"], 0, 2, "plinthctl call: which extension?"),
    (["call", LONG], 0, 2, f'"{LONG}": names have 1 to 31 characters'),
    (["call", ""], 0, 2, '"": names have 1 to 31 characters'),
    (["call", "echo", "one", "two"], 0, 2, 'one file at a time, but there is "two"'),
    (["call", "echo", "--cpu", "first"], 0, 2, "plinthctl call: --cpu first: wants the number of a CPU"),
    (["call", "echo", "--cpu", "-1"], 0, 2, "--cpu -1: wants the number of a CPU"),
    (["introspect", "--library", "/nowhere", "--", "env"], 0, 1, "introspect: /nowhere: No such file or directory"),
    (["introspect", "--library", "FILE", "--", "env"], 0, 1, DEVICE),
    (["introspect", "--library", "one two", "--", "env"], 0, 1, "one two: No such file or directory"),
    (["introspect", "--library", "", "--", "env"], 0, 2, "--library : the name is empty"),
    (["introspect", "--", "nothing-of-this-name"], 0, 1, '"nothing-of-this-name": there is no such program'),
    (["introspect", "--allow-write"], 0, 2, "plinthctl introspect: which program?"),
    (["peek", "0x1000", "1K"], 0, 1, DEVICE),
    (["peek", "--json", "0x1000", "1"], 0, 1, "/dev/plinth is not there"),
    (["poke", "--physical", "0x1000", "00"], 0, 1, DEVICE),
    (["v2p", "--pid", "1", "0x1000"], 0, 1, DEVICE),
    (["regs", "--cpu", "0"], 0, 1, DEVICE),
    # numbers are decimal, or hexadecimal behind 0x; nothing else counts as one
    (["log", "--cpu", "010"], 0, 1, DEVICE),
    (["log", "--cpu", "0x1"], 0, 1, DEVICE),
    (["log", "--cpu", "8192"], 0, 2, "--cpu 8192: wants the number of a CPU"),
    (["log", "--cpu", " 1"], 0, 2, "--cpu  1: wants the number of a CPU"),
    (["log", "--cpu", "0x"], 0, 2, "--cpu 0x: wants the number of a CPU"),
    (["trace", "--last", "0"], 0, 2, "--last 0: wants a number from 1"),
    (["load", "--heap", "12Q"], 0, 2, "--heap 12Q: wants a number of bytes, or one with K, M or G"),
    (["load", "--heap", "1KK"], 0, 2, "--heap 1KK: wants a number of bytes, or one with K, M or G"),
    (["load", "--heap", "17179869184G"], 0, 2, "--heap 17179869184G: wants a number of bytes, or one with K, M or G"),
    (["link", "--base", "0x10000000000000000", "x.so"], 0, 2, "wants a multiple of 4096 below 2^64"),
    (["stat", "--watch=nan"], 0, 2, "--watch nan: wants 0.1 to 3600 seconds"),
    (["stat", "--watch=5x"], 0, 2, "--watch 5x: wants 0.1 to 3600 seconds"),
    (["log", "--since", "inf"], 0, 2, "--since inf: wants 0.001 to 1000000000 seconds"),
    # wrong usage is told in plain words, with the command's name, wherever it is found
    (["log", "--json", "--set", "loud"], 0, 2, "plinthctl log: --set loud: wants LEVEL or TAG=LEVEL"),
    (["log", "--level", "loud"], 0, 2, "plinthctl log: --level loud: wants error, warn, info or debug"),
    (["trace", "--record", "cpuid,loud"], 0, 2, '--record cpuid,loud: no kind is called "loud"'),
    (["load", "--uart", "com5"], 0, 2, '--uart com5: "com5" is neither com1 to com4'),
    (["load", "--replace", "serial"], 0, 2, "--replace serial: wants NAME=FILE"),
    (["report", "--output", ""], 0, 2, "--output : the name is empty"),
    (["debug", "fault", "none"], 0, 2, 'plinthctl debug: no fault "none"; there are: page-fault stack'),
    (["start", "it"], 0, 2, 'plinthctl start: no argument is wanted, but there is "it"'),
    (["check"], 0, 2, "plinthctl check: which modules?"),
    (["link", "--loud", "x.so"], 0, 2, "plinthctl link: unrecognized option '--loud'"),
    (["start", "\33[2J"], 0, 2, 'there is "\\x1b[2J"'),
    (["vmi-profile", "--btf", "/nowhere"], 0, 1, "plinthctl: /nowhere: no type information (BTF) to be had: No such file"),
    (["events"], 0, 2, "plinthctl events: what is to be watched? --watch-page ADDR, --watch-msr N"),
    (["events", "--watch-page", "here"], 0, 2, "--watch-page here: wants an address, e.g. 0x1234000:rw"),
    (["events", "--watch-page", "0x1000:q"], 0, 2, "--watch-page 0x1000:q: wants letters out of rwx behind the colon"),
    (["events", *["--watch-page=0"] * 17], 0, 2, "at most 16 pages can be watched at a time"),
    (["events", "--watch-msr", "0x100000000"], 0, 2, "--watch-msr 0x100000000: wants the number of an MSR, e.g. 0x1a0"),
    (["events", "--pid", "0", "--watch-page", "0"], 0, 2, "--pid 0: wants the number of a process"),
    (["begin"], 0, 2, 'plinthctl: no command "begin"; plinthctl --help lists them'),
)


def problem(arguments, n_bytes, status, words, folder):
    files = {"FILE": MOST, "LARGE": MOST + 1}
    for name, size in files.items():
        with open(f"{folder}/{name}", "wb") as file:
            file.write(bytes(size))
    result = subprocess.run([TOOL, *arguments], input=bytes(n_bytes), capture_output=True, check=False, cwd=folder,
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
        what = " ".join(case[0]).encode("unicode_escape").decode()[:40]
        print(f"not ok {number} {what}\n# {wrong}" if wrong else f"ok {number} {what}")
    return 1 if failed else 0


sys.exit(main())
