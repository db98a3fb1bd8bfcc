# SPDX-License-Identifier: MIT
"""What ./test hosts remembers of several runs, and the table that it prints."""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

import results  # pylint: disable=wrong-import-position
import tap  # pylint: disable=wrong-import-position

TABLE = """\
|  | Debian 13 |
| --- | --- |
| gcc | 14.2.0 |
| `threads` | 1 skipped |
| `unit` | 3 |
| `system/demo-1` | 2 |
| `system/pti` | 1, **1 failed** |
"""


def record(build, tests, checks):
    """As ./test leaves it behind."""
    paths = results.records(build)
    for path, lines in zip(paths, ([json.dumps(dict(zip(("name", "result", "stdout"), test))) for test in tests], checks)):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)


def remembered():
    """Three runs, of which the last tried something once more."""
    runs = (([("plinth:unit / lib: a", "OK", "ok a\nok b\n"), ("plinth:unit / c", "OK", ""), ("plinth:mocks+threads / d", "SKIP", "")], []),
            ([], ["ok system/demo-1: up", "not ok system/demo-1: down", "ok system/pti: on", "not ok system/pti: off"]),
            ([], ["ok system/demo-1: up", "ok system/demo-1: down"]))
    with tempfile.TemporaryDirectory() as folder:
        for tests, checks in runs:
            results.forget(folder)
            record(folder, tests, checks)
            results.keep(folder, results.of_last_run(folder))
        with open(os.path.join(folder, "about.txt"), "w", encoding="utf-8") as file:
            file.write("host: Debian 13\ngcc: 14.2.0\n")
        return subprocess.run([sys.executable, os.path.join(HERE, "results.py"), folder], capture_output=True, text=True, check=True).stdout


def about():
    """Every line has a name and a version."""
    lines = subprocess.run([os.path.join(HERE, "about.sh")], capture_output=True, text=True, check=True).stdout.splitlines()
    return next((line for line in lines if not line.partition(": ")[2]), None if len(lines) > 5 else f"{len(lines)} lines")


sys.exit(tap.report([("three runs are remembered as one table", tap.difference(TABLE, remembered())), ("what this host is", about())]))
