# SPDX-License-Identifier: MIT
"""Adds up test results and prints the last line of ./test.

    summary.py [--meson FILE] [--checks FILE]...

--meson is Meson's testlog.json: a test that prints TAP counts line by line,
any other as one; one that dies or takes too long is a failure besides its
lines. --checks is a record of the system tests, TAP lines too. Names what
failed; the exit status is 1 if anything did, or if nothing ran.
"""

import argparse
import json
import os
import re
import sys

TAP = re.compile(r"^(not ok|ok)\b[\s\d]*(?:- )?(.*)$", re.MULTILINE)
SKIPPED = re.compile(r"#\s*SKIP", re.IGNORECASE)

# Meson's word for a test -> ours; all other words are failures.
OUTCOMES = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def tap_results(text, prefix):
    """Yields (name, outcome) of each TAP line in the text."""
    for word, name in TAP.findall(text):
        outcome = "passed" if word == "ok" else "failed"
        yield prefix + name.strip(), "skipped" if SKIPPED.search(name) else outcome


def meson_results(path):
    """Yields (name, outcome) of every test of Meson's record."""
    if not os.path.exists(path):
        yield f"no record of Meson's tests ({path})", "failed"
        return
    with open(path, encoding="utf-8") as file:
        for line in file:
            test = json.loads(line)
            lines = list(tap_results(test.get("stdout") or "", test["name"] + ": "))
            outcome = OUTCOMES.get(test["result"], "failed")
            yield from lines
            seen = {result for _, result in lines}
            if not lines or (outcome == "failed" and "failed" not in seen):
                yield f"{test['name']} ({test['result']})", outcome


def check_results(path):
    if not os.path.exists(path):
        yield f"no record of the system tests ({path})", "failed"
        return
    with open(path, encoding="utf-8") as file:
        yield from tap_results(file.read(), "")


def main():
    parser = argparse.ArgumentParser(prog="summary.py")
    parser.add_argument("--meson")
    parser.add_argument("--checks", action="append", default=[])
    args = parser.parse_args()
    results = list(meson_results(args.meson)) if args.meson else []
    for path in args.checks:
        results += check_results(path)
    count = {outcome: sum(1 for _, o in results if o == outcome)
             for outcome in ("passed", "failed", "skipped")}
    for name, outcome in results:
        if outcome == "failed":
            print(f"FAILED  {name}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 0 if count["passed"] and not count["failed"] else 1


if __name__ == "__main__":
    sys.exit(main())
