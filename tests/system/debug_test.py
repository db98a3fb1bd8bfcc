# SPDX-License-Identifier: MIT
"""Tests what a developer gets to see: the debugger's session that HACKING.md shows, and what is
said of a CPU that shuts down or refuses a VM entry, with module and function.

    debug_test.py BUILD     (prints TAP; three runs in Bochs, half a minute each)
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import tap  # pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CRASHED = 125
HEX = re.compile(r"0x[0-9a-f]+")

SCRIPT = """\
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh
check "the driver goes in" driver_in
check "the modules load" plinthctl load --modules "$MODULES" --uart $UART --add $DEBUG_MODULE $OPTIONS
check "the VMM starts" plinthctl start
if [ -n "$FILES" ]; then
	plinthctl symbols --gdb /tmp/gdb --files "$FILES" && plinthctl symbols --bochs /tmp/bochs
	cat /tmp/gdb
	grep debug_fault: /tmp/bochs
	sleep 3 # until the console has all of it
fi
[ -z "$FAULT" ] || plinthctl debug fault $FAULT --cpu 1
cpuid_probe --signature
finish
"""


class Pc:
    """One run of SCRIPT."""

    def __init__(self, build, folder, name, *arguments, commands=""):
        self.folder = os.path.join(folder, name)
        script = os.path.join(folder, "script.sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        self.result = subprocess.run(
            [sys.executable, os.path.join(HERE, "pc"), "--build", build, "--folder", self.folder,
             "--script", script, "--strict", *arguments],
            input=commands, capture_output=True, text=True, check=False)

    def lacks(self, status, *patterns):
        """None, or what was not as wanted."""
        text = self.result.stdout + self.result.stderr
        if self.result.returncode != status:
            return f"status {self.result.returncode}, wanted {status}: {text}"
        missing = [pattern for pattern in patterns if not re.search(pattern, text, re.M)]
        return f"no line like {missing} in: {text}" if missing else None

    def console(self):
        with open(os.path.join(self.folder, "console.txt"), errors="replace", encoding="utf-8") as file:
            return [line.rstrip() for line in file]


def shown_session():
    """The lines of HACKING.md's session, "..." left out, numbers masked."""
    with open(os.path.join(TOP, "HACKING.md"), encoding="utf-8") as file:
        section = file.read().split("## Stop at a function")[1].split("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    return [HEX.sub("0x", line) for line in lines if line != "..."]


def session(build, folder):
    """What is shown is what is printed, in that order; then the debugger takes commands."""
    commands = "".join(line[7:] + "\n" for line in shown_session() if line.startswith("<bochs>"))
    run = Pc(build, folder, "session", "--stop-at", "exit_handler:special", "--env", "OPTIONS=--no-aslr",
             "--env", "FAULT=", "--env", "FILES=", commands=commands or "s\nquit\n")
    printed = [HEX.sub("0x", line.strip()) for line in run.result.stdout.splitlines()]
    at = 0
    for line in shown_session():
        if line.startswith("<bochs>"):
            continue
        if line not in printed[at:]:
            return f"HACKING.md shows '{line}', but printed is: {run.result.stdout}{run.result.stderr}"
        at = printed.index(line, at) + 1
    return run.lacks(0, r"^stopped at exit_handler:special\+0x0$", r"^ +r15 +0x[0-9a-f]{16}",
                     r"^  intrinsics:vm_exit\+0x")


def refused_entry(build, folder):
    run = Pc(build, folder, "entry", "--env", "FAULT=vmcs-host", "--env", "OPTIONS=", "--env", "FILES=")
    return run.lacks(CRASHED, r"^ +CPU 1: the VMX instruction failed: VMCS invalid host TR selector",
                     r"crash report of CPU 1: ", r"  vcpu\+0x[0-9a-f]+ \(\w+\+0x[0-9a-f]+\)$")


def gdb(console, *commands):
    """What gdb says with the script that plinthctl wrote."""
    with tempfile.NamedTemporaryFile("w", suffix=".gdb", encoding="utf-8") as script:
        script.write("\n".join(line for line in console if line.startswith("add-symbol-file ")) + "\n")
        script.flush()
        words = [word for command in commands for word in ("-ex", command)]
        return subprocess.run(["gdb", "-nx", "-batch", "-x", script.name, *words], input="", check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def shutdown(build, folder):
    """A triple fault, and what the two symbol files say of its place."""
    run = Pc(build, folder, "shutdown", "--env", "FAULT=triple", "--env", "OPTIONS=",
             "--env", "FILES=" + os.path.join(build, "modules"))
    bad = run.lacks(CRASHED, r"^ +CPU 1: triple fault: exception \d+",
                    r"^ +CPU 1: RIP 0x[0-9a-f]+, debug_fault\+0x[0-9a-f]+ \(triple\+0x[0-9a-f]+\)$")
    if bad:
        return bad, bad, bad
    match = re.search(r"CPU 1: RIP (0x[0-9a-f]+), .* \(triple\+(0x[0-9a-f]+)\)", run.result.stderr)
    rip, offset = int(match[1], 16), int(match[2], 16)
    said = gdb(run.console(), f"info symbol {rip:#x}", f"info line *{rip:#x}")
    wanted = re.search(rf"^triple \+ {offset} in section \.text", said, re.M) and "debug_fault.c" in said
    row = f"{rip - offset:x} debug_fault:triple"
    return (None, None if wanted else f"gdb says: {said}",
            None if row in run.console() else f"no line '{row}' in {run.console()}")


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        report, in_gdb, in_bochs = shutdown(build, folder)
        return tap.report([
            ("the session of HACKING.md", session(build, folder)),
            ("a refused VM entry is told with functions", refused_entry(build, folder)),
            ("a CPU that shuts down is told with its function", report),
            ("gdb finds the same function and its line", in_gdb),
            ("the emulator's list has it too", in_bochs),
        ])


sys.exit(main())
