# SPDX-License-Identifier: MIT
"""Tests scripts/summary.py, the judge of ./test: what counts as what?"""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import tap  # pylint: disable=wrong-import-position

SUMMARY = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "..", "..", "scripts", "summary.py")

# what, (Meson's word, standard output) of each test, last line, status
CASES = (
    ("all good", [("OK", ""), ("OK", "1..2\nok 1 - a\nok 2 - b\n")],
     "3 passed, 0 failed, 0 skipped", 0),
    ("names without numbers", [("OK", "ok - suite::a\nok - suite::b\n")],
     "2 passed, 0 failed, 0 skipped", 0),
    ("a line that fails", [("FAIL", "1..2\nok 1 - a\nnot ok 2 - b\n")],
     "1 passed, 1 failed, 0 skipped", 1),
    ("a program that dies after good lines", [("ERROR", "1..2\nok 1 - a\n")],
     "1 passed, 1 failed, 0 skipped", 1),
    ("a program that takes too long", [("TIMEOUT", "")],
     "0 passed, 1 failed, 0 skipped", 1),
    ("skipped is not passed", [("SKIP", ""), ("OK", "ok 1 - a # SKIP no\n")],
     "0 passed, 0 failed, 2 skipped", 1),
    ("nothing ran", [], "0 passed, 0 failed, 0 skipped", 1),
    ("a word Meson may invent", [("STRANGE", "")], "0 passed, 1 failed, 0 skipped", 1),
)


def run_summary(arguments):
    result = subprocess.run([sys.executable, SUMMARY] + arguments,
                            capture_output=True, text=True, check=False)
    lines = result.stdout.splitlines()
    return (lines[-1] if lines else result.stderr), result.returncode


def meson_case(folder, tests):
    path = os.path.join(folder, "testlog.json")
    with open(path, "w", encoding="utf-8") as file:
        for number, (word, output) in enumerate(tests):
            record = {"name": f"t{number}", "result": word, "stdout": output}
            file.write(json.dumps(record) + "\n")
    return run_summary(["--meson", path])


def main():
    with tempfile.TemporaryDirectory() as folder:
        results = [(name, tap.difference((line, status), meson_case(folder, tests)))
                   for name, tests, line, status in CASES]
        missing = run_summary(["--checks", os.path.join(folder, "none")])
    results.append(("a record that is missing",
                    tap.difference(("0 passed, 1 failed, 0 skipped", 1), missing)))
    return tap.report(results)


sys.exit(main())
