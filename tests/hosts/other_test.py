# SPDX-License-Identifier: MIT
"""What other.sh says where the other Debian is not to be had, and where it does not build: with programs that fail in the place of
apt-get and unshare."""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))

import tap  # pylint: disable=wrong-import-position

SCRIPT = os.path.join(HERE, "other.sh")
FAILS = "#!/bin/sh\necho 'not today' >&2\nexit 1\n"
FAILS_LATER = "#!/bin/sh\n[ ! -e \"$0.once\" ] || { echo 'does not compile'; exit 1; }\ntouch \"$0.once\"\n"

# name, {program: what it is instead}, is the root there, how the line begins and goes on, status
CASES = (
    ("no network", {"apt-get": FAILS}, False, "ok ", "# SKIP", 0),
    ("no namespaces", {"unshare": FAILS}, True, "ok ", "# SKIP no namespaces, mounts or chroot here: not today", 0),
    ("a build that fails", {"unshare": FAILS_LATER}, True, "not ok ", "builds on Debian", 1),
)


def root_is_there(folder):
    """So that nothing is fetched: a root in which nothing will run."""
    with open(SCRIPT, encoding="utf-8") as file:
        packages = " ".join(re.search(r"^packages=\(([^)]*)\)", file.read(), re.M)[1].split())
    for release in ("bookworm", "trixie"):
        os.makedirs(os.path.join(folder, "other-debian", release))
        with open(os.path.join(folder, "other-debian", release, "packages"), "w", encoding="utf-8") as file:
            file.write(packages + "\n")


def problem(programs, there, begins, words, status):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in programs.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(os.path.join(folder, name), 0o755)
        if there:
            root_is_there(folder)
        os.makedirs(os.path.join(folder, "tests", "toolchains", "other-clang"))     # of an earlier run
        run = subprocess.run([SCRIPT, folder], env=os.environ | {"PATH": folder + ":" + os.environ["PATH"]},
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        with open(os.path.join(folder, "other-debian", "result.txt"), encoding="utf-8") as file:
            line = file.read()
        stale = os.listdir(os.path.join(folder, "tests", "toolchains"))
    if run.returncode != status or not line.startswith(begins) or words not in line or stale:
        return f"status {run.returncode}, {line}, sets left: {stale}, {run.stderr}"
    return None


sys.exit(tap.report([(name, problem(*rest)) for name, *rest in CASES]))
