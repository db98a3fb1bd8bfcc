# SPDX-License-Identifier: MIT
"""Does what the documentation says, and compares with what it says comes out.

    docs_test.py BUILD

* docs/first-module.md: blocks marked sh are run in order against an installation made for the purpose, an output
  block has what the one before it prints; the guest block runs in the emulated PC with VT-x.
* A block after <!-- transcript: guest --> in any page: lines with "# " are commands, run as root in the emulated
  PC; numbers in the other lines, and N and ADDRESS, stand for any number. <!-- transcript: vtx -->: the same with VT-x.
* docs/demo.svg is the picture of docs/demo.txt, whose lines tests/system/cases/demo.sh can print.
* Links between the pages lead somewhere.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

from run_test import HERE, TOP, install, run

BLOCK = re.compile(r"^```([a-z-]*)\n(.*?)^```$", re.M | re.S)
TRANSCRIPT = re.compile(r"<!-- transcript: (guest|vtx) -->\n```\n(.*?)^```$", re.M | re.S)
EMULATORS = {"guest": "qemu", "vtx": "bochs"}
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
GUEST = ". /lib/plinth/report.sh\n{}\nfinish\n"


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def fail(text):
    print(f"not ok: {text}")
    sys.exit(1)


def pages():
    return sorted(glob.glob(os.path.join(TOP, "*.md")) + glob.glob(os.path.join(TOP, "docs", "*.md")))


def check_links():
    for page in pages():
        for target in LINK.findall(read(page)):
            if not os.path.exists(os.path.join(os.path.dirname(page), target)):
                fail(f"{os.path.relpath(page, TOP)}: link to {target}, which is not there")


def check_demo():
    docs = os.path.join(TOP, "docs")
    text, script = read(os.path.join(docs, "demo.txt")), read(os.path.join(TOP, "tests", "system", "cases", "demo.sh"))
    drawn = subprocess.run([sys.executable, os.path.join(TOP, "scripts", "terminal-picture.py")], input=text, text=True,
                           check=True, capture_output=True).stdout
    if drawn != read(os.path.join(docs, "demo.svg")):
        fail("docs/demo.svg is older than demo.txt: scripts/terminal-picture.py <docs/demo.txt >docs/demo.svg")
    # What the script adds to a line at run time comes after a comma or a colon, or is a number.
    for line in re.findall("^(?:ok|==) ([^0-9,:(\n]+)", text, re.M):
        if line.strip() not in script:
            fail(f"docs/demo.txt: '{line.strip()}' is no line of demo.sh: record it anew")


def pc(build, folder, name, emulator, script, files):
    """What the script printed on the emulated PC's console."""
    path = os.path.join(folder, name + ".sh")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    run(sys.executable, os.path.join(TOP, "tests", "system", "pc"), "--build", build, "--emulator", emulator,
        "--folder", os.path.join(build, "system", "docs-" + name), "--cpus", "1", "--time-limit", "120", "--quiet",
        "--script", path, "--put", "files=" + files)
    return read(os.path.join(build, "system", "docs-" + name, "console.txt")).replace("\r", "")


def run_tutorial(build, folder):
    """The shell's blocks; returns the folder with what they made."""
    prefix = install(build, os.path.join(folder, "root"))
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(prefix, "lib", "pkgconfig"),
                       PATH=os.path.join(prefix, "sbin") + ":" + os.environ["PATH"])
    script, wanted, blocks = "set -e\n", [], BLOCK.findall(read(os.path.join(TOP, "docs", "first-module.md")))
    for kind, text in blocks:
        if kind == "sh":
            script += f"echo ==block\n{text}"
        elif kind == "output":
            wanted.append(text)
    found = run("sh", "-c", script, cwd=folder, env=environment).split("==block\n")
    printed = [text for text in found if text]
    if printed != wanted:
        fail(f"first-module.md: the commands print {printed}, the page says {wanted}")
    return os.path.join(folder, "first"), dict(blocks)


def check_tutorial(build, folder):
    files, blocks = run_tutorial(build, folder)
    console = pc(build, folder, "tutorial", "bochs",
                 GUEST.format(blocks["guest"] + "check done true"), files)
    for line in blocks["guest-output"].splitlines():
        if line not in console.splitlines():
            fail(f"first-module.md: the guest does not print '{line}':\n{console[-2000:]}")


NUMBER = re.compile(r"\b(ADDRESS|0x[0-9a-f]+)\b|\bN\b|[0-9]+")
SPACES = re.compile(r"(?:\\ )+")


def pattern(line):
    """Matches the line with other numbers, and with as much space before them as they leave."""
    text = NUMBER.sub(lambda found: "0x[0-9a-f]+" if found.group(1) else "[0-9]+", re.escape(line))
    return SPACES.sub(" +", text) + "\n"


def check_transcripts(build, folder):
    for page in pages():
        for number, (where, text) in enumerate(TRANSCRIPT.findall(read(page))):
            lines = text.splitlines()
            script = "".join(f"echo '{line}'\n{line[2:]} 2>&1\n" for line in lines if line.startswith("# "))
            name = os.path.basename(page)[:-3] + str(number)
            console = pc(build, folder, name, EMULATORS[where], GUEST.format(script + "check done true"), folder)
            console = "".join(line + "\n" for line in console.splitlines() if not re.match(r"\[ *[0-9.]+\] ", line))
            if not re.search("".join(map(pattern, lines)), console):
                fail(f"{os.path.basename(page)}: the transcript is\n{text}\nbut it goes\n{console}")


def main():
    build = os.path.abspath(sys.argv[1])
    sys.path.insert(0, HERE)
    check_links()
    check_demo()
    with tempfile.TemporaryDirectory() as folder:
        check_transcripts(build, folder)
        check_tutorial(build, folder)
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
