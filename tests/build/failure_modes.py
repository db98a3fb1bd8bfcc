#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is every test that docs/failure-modes.md and docs/cpu-features.md name there, and does every row name one?

    failure_modes.py TOP
"""

import glob
import os
import re
import sys

TOP = sys.argv[1]
LEAST = 35
ROW = re.compile(r"^\| (\d+) \|.*\|(.*)\|$")
FEATURE = re.compile(r"^\| (?!feature |kernel )([^|]+) \|.*\|(.*)\|$")


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


def tests():
    """Names as the page has them: of the emulated PC, of Criterion, of the checks of the build."""
    cases = {"system/" + line.split()[0] for line in read("tests", "system", "cases.txt").splitlines()
             if line.strip() and line[0] != "#"}
    for file in glob.glob(os.path.join(TOP, "tests", "**", "*.c"), recursive=True):
        with open(file, encoding="utf-8") as text:
            cases.update("/".join(pair) for pair in re.findall(r"^Test\((\w+), (\w+)", text.read(), re.M))
    for folder in ("build", "install", "mocks", os.path.join("unit", "plinthctl")):
        cases.update(re.findall(r"^test\('([\w-]+)'", read("tests", folder, "meson.build"), re.M))
    return cases


def rows(page, pattern):
    """(first column, tests that the last one names) of each row."""
    found = map(pattern.match, read("docs", page).splitlines())
    return [(row[1], re.findall(r"`([^`]+)`", row[2])) for row in found if row]


def main():
    known, bad = tests(), []
    modes, features = rows("failure-modes.md", ROW), rows("cpu-features.md", FEATURE)
    for name, named in modes + features:
        if not named:
            bad.append(f"row {name} names no test")
        bad += [f"row {name}: no such test: {test}" for test in named if test not in known]
    numbers = [int(name) for name, _ in modes]
    if not features:
        bad.append("no row of cpu-features.md was found")
    if len(numbers) < LEAST or numbers != list(range(1, len(numbers) + 1)):
        bad.append(f"rows {numbers}, wanted 1 to {LEAST} or more")
    print("\n".join(bad))
    return 1 if bad else 0


sys.exit(main())
