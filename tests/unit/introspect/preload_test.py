#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl introspect, and the library that it preloads, with a device that is played.

    preload_test.py PLINTHCTL LIBRARY FAKE_DEVICE CLIENT

Prints TAP. The client's words to the fake device go the same way as with a driver.
"""
import os
import signal
import subprocess
import sys
import tempfile

TOOL, LIBRARY, FAKE, CLIENT = map(os.path.abspath, sys.argv[1:5])
ONCE = "registered, flags 0\n"   # by plinthctl, which tries it, and by each program
TWICE = ONCE + ONCE

# options, the program and its arguments; environment; exit status, or the signal; all of what is said, FILE for its name
CASES = (
    ([], [CLIENT, "pages"], {}, 0, TWICE),
    (["--allow-write"], [CLIENT, "pages"], {}, 0, TWICE.replace("0", "1")),
    ([], ["sh", "-c", f"{CLIENT} pages && {CLIENT} fork"], {}, 0, ONCE * 4),
    ([], [CLIENT, "fork"], {}, 0, TWICE),
    ([], [CLIENT, "twice"], {}, 1, TWICE + "plinth: client: free() of a page that is free\n"),
    ([], [CLIENT, "vmcall"], {}, 1, TWICE + "plinth: client: the hypercall is refused: the VMM was stopped, or has died: "
     "\"plinthctl status\" says which; start it, and this program once more\n"),
    ([], [CLIENT, "gone"], {}, 1, TWICE + "plinth: client: the VMM was stopped, or has died, and there is nothing to see any more: "
     "\"plinthctl status\" says which; start it, and this program once more\n"),
    ([], [CLIENT, "write"], {}, 1, TWICE + "plinth: client: it wrote to memory that it may only read: "
     "plinthctl introspect --allow-write\n"),
    # what is the program's own is as without the library
    (["-w"], [CLIENT, "write"], {}, -signal.SIGSEGV, TWICE.replace("0", "1")),
    ([], [CLIENT, "ud2"], {}, -signal.SIGILL, TWICE),
    ([], [CLIENT, "null"], {}, -signal.SIGSEGV, TWICE),
    ([], [CLIENT, "raise"], {}, -signal.SIGSEGV, TWICE),
    ([], [CLIENT, "unknown"], {}, 99, TWICE),
    # what the driver refuses is told before the program begins
    ([], [CLIENT, "pages"], {"FAKE_REFUSES": "introspect refused: not today"}, 1, "plinthctl: introspect refused: not today\n"),
    ([], [CLIENT, "pages"], {"FAKE_MISSING": "1"}, 1, None),
    # or of what only the program meets, by the library
    (None, [CLIENT, "pages"], {}, 0, ONCE),
    (None, [CLIENT, "pages"], {"PLINTH_INTROSPECT": "write"}, 0, ONCE.replace("0", "1")),
    (None, [CLIENT, "pages"], {"FAKE_REFUSES": "introspect refused: not today\nnor tomorrow"}, 1,
     "plinth: client: introspect refused: not today\n"),
    (None, [CLIENT, "pages"], {"FAKE_MISSING": "1"}, 1, "plinth: client: /dev/plinth is not there: load the driver first\n"),
    # programs that it cannot be preloaded into
    ([], ["nothing-of-this-name"], {}, 1, 'plinthctl: introspect: "nothing-of-this-name": there is no such program\n'),
    ([], ["FILE"], {}, 1, 'plinthctl: introspect: "FILE": there is no such program\n'),
    ([], ["TEXT"], {}, 1, "plinthctl: introspect: TEXT: it is neither a program nor a script\n"),
    ([], ["EMPTY"], {}, 1, "plinthctl: introspect: EMPTY: it is neither a program nor a script\n"),
    ([], ["SHORT"], {}, 1, "plinthctl: introspect: SHORT: it is cut off\n"),
    ([], ["SCRIPT"], {}, 0, ONCE * 3),
    ([], ["LOST"], {}, 1, "plinthctl: introspect: /nowhere: No such file or directory\n"),
    ([], ["OTHER"], {}, 1, "plinthctl: introspect: OTHER: it is no 64-bit program of this machine: "
     "the library that registers it cannot be preloaded\n"),
    ([], ["STATIC"], {}, 1, "plinthctl: introspect: STATIC: it is linked statically: the library that registers it cannot be "
     "preloaded; link it dynamically\n"),
    (["--library", "/nowhere"], [CLIENT, "pages"], {}, 1, "plinthctl: introspect: /nowhere: No such file or directory\n"),
)


def programs(folder):
    """Files that are executable, and what their names in CASES stand for."""
    with open(CLIENT, "rb") as file:
        whole = file.read()
    # The program headers' count, and the class, of an ELF header.
    static = whole[:56] + b"\0\0" + whole[58:]
    contents = {"TEXT": b"no program\n" * 10, "EMPTY": b"", "SHORT": whole[:64], "OTHER": whole[:4] + b"\1" + whole[5:],
                "STATIC": static, "SCRIPT": f"#!/bin/sh\nexec {CLIENT} fork\n".encode(), "LOST": b"#!/nowhere -x\n"}
    names = {"FILE": f"{folder}/file"}
    with open(names["FILE"], "wb"):
        pass
    for name, content in contents.items():
        names[name] = f"{folder}/{name.lower()}"
        with open(names[name], "wb") as file:
            file.write(content)
        os.chmod(names[name], 0o755)
    return names


def problem(options, words, environment, status, said, names):
    words = [names.get(word, word) for word in words]
    for name, path in names.items():
        said = said and said.replace(f" {name}:", f" {path}:").replace(f'"{name}"', f'"{path}"')
    preload = f"{LIBRARY}:{FAKE}" if options is None else FAKE
    if options is not None:
        library = [] if "--library" in options else ["--library", LIBRARY]
        words = [TOOL, "introspect", *options, *library, "--", *words]
    result = subprocess.run(["env", f"LD_PRELOAD={preload}", *(f"{k}={v}" for k, v in environment.items()), *words],
                            capture_output=True, text=True, check=False, timeout=60)
    # Of five levels of page tables, or of CPU 0, it says what it finds here.
    lines = "".join(line for line in result.stderr.splitlines(True) if not line.startswith("note: "))
    if result.returncode == status and (said is None or lines == said) and not result.stdout:
        return ""
    return f"status {result.returncode}, wanted {status}; said {lines!r} {result.stdout!r}, wanted {said!r}"


def main():
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory() as folder:
        names = programs(folder)
        for i, (options, words, environment, status, said) in enumerate(CASES, 1):
            why = problem(options, words, environment, status, said, names)
            print(f"{'not ' if why else ''}ok {i} - {' '.join([*(options or ['preloaded']), *words, *environment])}")
            if why:
                print(f"# {why}")


main()
