# SPDX-License-Identifier: MIT
"""Which rows of cases.txt suite.py takes, and what becomes of sets of modules, and of others' programs, that are not there."""

import os
import sys
import tempfile

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import suite
import tap

CASES = [suite.Case(name, "demo.sh", "qemu", "1", "-", "9", "-", []) for name in ("demo", "demo-far", "host-demo", "long-demo")]

# names given, rows taken
CHOSEN = (
    ([], ["demo", "demo-far"]),
    (["demo-far"], ["demo-far"]),
    (["demo*"], ["demo", "demo-far"]),
    (["host-*", "long-demo"], ["host-demo", "long-demo"]),
)

# option, what it is where only the set other-gcc could be made
OPTIONS = (
    ("--kaslr=1", "--kaslr=1"),
    ("--module-sets=gcc,own", "--module-sets=gcc,own"),
    ("--module-sets=gcc,other-clang,other-gcc", "--module-sets=gcc,other-gcc"),
    ("--module-sets=other-clang", "--module-sets=own"),
)


WANTS = suite.Case("libvmi", "demo.sh", "qemu", "1", "-", "9", "-", ["--kernel-option=memmap=1G$4G", "--program=$PLINTH_A/x", "--put=y=$PLINTH_B/y"])


def others():
    """A row that wants others' programs: where they are not, and where they are."""
    os.environ.pop("PLINTH_A", None)
    os.environ["PLINTH_B"] = "/b"
    yield "what is not there", tap.difference(["PLINTH_A"], suite.not_set(WANTS))
    yield "the row is skipped", tap.difference([(True, "not run # SKIP PLINTH_A not set")], suite.run_case(WANTS, "nowhere").checks)
    os.environ["PLINTH_A"] = "/a"
    yield "all is there", tap.difference([], suite.not_set(WANTS))
    yield "its options", tap.difference(["--kernel-option=memmap=1G$4G", "--program=/a/x", "--put=y=/b/y"], suite.command(WANTS, "b", "f")[-3:])


def refused(names):
    try:
        suite.choose(CASES, names)
    except SystemExit as end:
        return str(end)
    return ""


def main():
    found = [(f"rows {' '.join(names) or 'of every run'}", tap.difference(rows, [case.name for case in suite.choose(CASES, names)]))
             for names, rows in CHOSEN]
    found.append(("a pattern of nothing", tap.difference("suite.py: no such system test: far-*", refused(["demo", "far-*"]))))
    found += others()
    with tempfile.TemporaryDirectory() as build:
        os.makedirs(os.path.join(build, "tests", "toolchains", "other-gcc"))
        found += [(option, tap.difference(wanted, suite.sets_there(option, build))) for option, wanted in OPTIONS]
    return tap.report(found)


sys.exit(main())
