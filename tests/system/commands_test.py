# SPDX-License-Identifier: MIT
"""Bad arguments to ./run, ./test and ./bench: one clear line, status 2,
before anything is built."""

import os
import subprocess
import sys

sys.dont_write_bytecode = True

import tap  # pylint: disable=wrong-import-position

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                   "..", ".."))

# command line, what the line must say
CASES = (
    ("run --nonsense", "unknown argument '--nonsense'"),
    ("run --cpus", "--cpus wants a value"),
    ("run --cpus 0", "wants a number from 1 to 4"),
    ("run --cpus two", "wants a number from 1 to 4"),
    ("run --cpu-model z80", "unknown CPU model 'z80', known are: corei7_haswell_4770"),
    ("run --memory", "--memory wants a value"),
    ("run --memory 0", "wants MiB from 256 to 8192"),
    ("run --memory 255", "wants MiB from 256 to 8192"),
    ("run --memory 8193", "wants MiB from 256 to 8192"),
    ("run --memory 99999999999999999999", "wants MiB from 256 to 8192"),
    ("run --memory 6G", "--memory 6G: wants MiB from 256 to 8192"),
    ("run --files /nowhere", "/nowhere: not a folder"),
    ("run --script /nowhere", "/nowhere: no such file"),
    ("run --script /", "/: no such file"),
    ("run --replace serial", "wants NAME=FILE"),
    ("run --replace a/b=/bin/sh", "wants NAME=FILE"),
    ("run --replace serial=/nowhere", "no such file"),
    ("run --time-limit 1h", "wants a number of seconds"),
    ("test --nonsense", "unknown option '--nonsense'"),
    ("test system/nonsense", "no such system test"),
    ("test hosts sarge", "no such host: sarge; there are here, bookworm, trixie"),
    ("test hosts --suite", "--suite wants a value"),
    ("bench nonsense", "no such benchmark"),
)


def problem(line, words):
    command, *arguments = line.split()
    result = subprocess.run([os.path.join(TOP, command)] + arguments, text=True,
                            capture_output=True, check=False, timeout=20)
    if result.returncode != 2:
        return f"status {result.returncode}, wanted 2: {result.stderr}"
    if result.stderr.count("\n") != 1 or words not in result.stderr:
        return f"wanted one line with '{words}', found: {result.stderr}"
    return None


sys.exit(tap.report([(line, problem(line, words)) for line, words in CASES]))
