# SPDX-License-Identifier: MIT
"""Does what HACKING.md says under "A module out of tree", block by block, and compares with what it says comes out.

    hacking_test.py BUILD

Blocks marked sh are run in order, each by a shell of its own, in one folder that is empty at first; an output block is
the end of what the block before it prints, N standing for any number.
"""

import os
import re
import subprocess
import sys
import tempfile

from docs_test import BLOCK, pattern, read
from run_test import TOP, install

SECTION = "## A module out of tree\n"


def fail(text):
    print(f"not ok: {text}")
    sys.exit(1)


def section():
    page = read(os.path.join(TOP, "HACKING.md"))
    if SECTION not in page:
        fail(f"HACKING.md has no section {SECTION.strip()}")
    return page.split(SECTION)[1].split("\n## ")[0]


def run_block(text, folder, environment):
    """What it prints on standard output."""
    result = subprocess.run(["sh", "-e", "-c", text], cwd=folder, env=environment, text=True, check=False,
                            errors="replace", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode:
        fail(f"status {result.returncode} of\n{text}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}")
    return result.stdout.replace("\r", "")


def compare(text, wanted, printed):
    end = "".join(line + "\n" for line in printed.splitlines()[-len(wanted.splitlines()):])
    if not re.fullmatch("".join(map(pattern, wanted.splitlines())), end):
        fail(f"{text}prints\n{end}instead of\n{wanted}")


def main():
    build = os.path.abspath(sys.argv[1])
    blocks = BLOCK.findall(section())
    if [kind for kind, _ in blocks].count("output") < 2:
        fail("HACKING.md: too few blocks: is the page's form another one?")
    with tempfile.TemporaryDirectory() as folder:
        prefix = install(build, os.path.join(folder, "root"))
        work = os.path.join(folder, "work")
        os.mkdir(work)
        environment = dict(os.environ, PLINTH=os.path.abspath(TOP), PLINTH_BUILD=build,
                           PKG_CONFIG_PATH=os.path.join(prefix, "lib", "pkgconfig"),
                           PATH=f"{prefix}/bin:{prefix}/sbin:{os.environ['PATH']}")
        # The installed ones, not those of a build.
        environment.pop("PLINTH_MODULES", None)
        environment.pop("PLINTH_MOCKS", None)
        last = printed = ""
        for kind, text in blocks:
            if kind == "sh":
                last, printed = text, run_block(text, work, environment)
            elif kind == "output":
                compare(last, text, printed)
            else:
                fail(f"HACKING.md: a block of kind '{kind}'")
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
