# SPDX-License-Identifier: MIT
"""What passed on which host: the memory of ./test hosts, which may be run in pieces.

    results.py FOLDER...      the table for docs/testing.md, in Markdown, of these hosts' folders

A host's folder has `about.txt`, what the host is, and `results.txt`, a line for each suite and each row of the emulated PC: its
name, how many of its tests passed, failed and were skipped when they last ran there.
"""

import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
import summary  # pylint: disable=wrong-import-position

OUTCOMES = ("passed", "failed", "skipped")
# A test's name in Meson's record, and a check's in that of the system tests.
SUITE = re.compile(r"^(?:[^/]*[:+])?([\w-]+) / |^(system/[^:]+): ")


def records(build):
    """Files that ./test leaves behind: Meson's, the system tests'."""
    return os.path.join(build, "meson-logs", "testlog.json"), os.path.join(build, "system", "results.txt")


def forget(build):
    for path in records(build):
        if os.path.exists(path):
            os.remove(path)


def of_last_run(build):
    """{suite or row: [passed, failed, skipped]} of the last ./test."""
    found = {}
    for read, path in zip((summary.meson_results, summary.check_results), records(build)):
        for name, outcome in read(path) if os.path.exists(path) else ():
            match = SUITE.match(name)
            found.setdefault(match[1] or match[2] if match else "others", [0, 0, 0])[OUTCOMES.index(outcome)] += 1
    return found


def read(folder):
    try:
        with open(os.path.join(folder, "results.txt"), encoding="utf-8") as file:
            return {name: [int(n) for n in counts] for name, *counts in map(str.split, file)}
    except FileNotFoundError:
        return {}


def keep(folder, found):
    """What ran replaces what is remembered of it, the rest stays."""
    known = read(folder) | found
    with open(os.path.join(folder, "results.txt"), "w", encoding="utf-8") as file:
        file.writelines(" ".join([name, *map(str, counts)]) + "\n" for name, counts in sorted(known.items()))


def about(folder):
    """[(what, version)]"""
    with open(os.path.join(folder, "about.txt"), encoding="utf-8") as file:
        return [tuple(line.rstrip("\n").split(": ", 1)) for line in file]


def cell(counts):
    """All well is a number."""
    passed, failed, skipped = counts
    words = [str(passed)] * bool(passed) + [f"**{failed} failed**"] * bool(failed) + [f"{skipped} skipped"] * bool(skipped)
    return ", ".join(words)


def table(folders):
    """A column for each host; `-` is what did not run there."""
    hosts = [(dict(about(folder)), {f"`{name}`": cell(counts) for name, counts in read(folder).items()}) for folder in folders]
    lines = [[""] + [words["host"] for words, _ in hosts]]
    lines.append(["---"] * len(lines[0]))
    for part in (0, 1):
        names = sorted({name for host in hosts for name in host[part]} - {"host"}, key=lambda name: ("system/" in name, name))
        lines += [[name] + [host[part].get(name, "-") for host in hosts] for name in names]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    print(table(sys.argv[1:]))
