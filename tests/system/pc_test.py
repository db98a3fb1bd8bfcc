# SPDX-License-Identifier: MIT
"""Tests the test bed: does a run that must fail fail, and say why?

    pc_test.py BUILD     (prints TAP; uses QEMU, a few seconds a run)
"""

import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "pc"))

# pylint: disable=wrong-import-position
import tap
import unpacked

# name, script, extra arguments, wanted status, what standard error must say
RUNS = (
    ("a script's status is the run's", "exit 7", [], 7, "s in all"),
    ("a script that hangs is ended, and its last lines are shown",
     "echo before; sleep 1000", ["--time-limit", "4"], 125,
     "within the limit of 4 s\n  last console lines:\n    before"),
    ("a panic of the guest's kernel is seen",
     "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger", [],
     125, "kernel panicked"),
    ("a PC that switches itself off is seen", "poweroff -f", [],
     125, "stopped by itself"),
    ("a kernel that was moved lies where it has to, and has its other regions elsewhere, too",
     ". /lib/plinth/report.sh\n"
     "at_home() { od -A n -v -t x8 -N 2048 /proc/kcore | grep -q ffff88800 && od -A n -v -t x8 -N 2048 /proc/kcore | grep -q ffffc9000000; }\n"
     "! at_home && finish", ["--kaslr=7"], 0, "PASS: 1 checks"),
    ("and one that was not is at home",
     "od -A n -v -t x8 -N 2048 /proc/kcore | grep -q ffff88800 && od -A n -v -t x8 -N 2048 /proc/kcore | grep -q ffffc9000000", [],
     0, "s in all"),
    ("without a seed one is drawn and told", "exit 7", ["--kaslr"], 7, "[pc] --kaslr="),
    ("a kernel that its decompressor moves is not ours to move", "", ["--kaslr", "--five-levels"], 2, "own decompressor"),
    ("a kernel that is not there is named, and what fetches it", "", ["--kernel", "9.9"], 2, "scripts/fetch-kernel.sh 9.9"),
    ("an unknown CPU model is refused", "", ["--cpu-model", "z80"],
     2, "unknown CPU model 'z80'; known: corei7_haswell_4770"),
    ("an unknown kernel module is refused", "", ["--module", "nonsense"],
     2, "has no module 'nonsense'"),
    ("too many CPUs are refused", "", ["--cpus", "256"], 2, "256: the emulated PC has 1 to 255"),
    ("an address width nobody has is refused", "", ["--address-bits", "53"], 2, "53: QEMU has 36 to 52"),
    ("too little memory is refused", "", ["--memory", "255"], 2,
     "255: the emulated PC has 256 to 65536 MiB"),
    ("too much memory is refused", "", ["--memory", "65537"], 2,
     "65537: the emulated PC has 256 to 65536 MiB"),
)
# The emulators of another Debian.
RUNS += tuple((f"so is {name}", "", ["--emulator", name, "--build", "/nowhere"], 2, f"scripts/fetch-emulator.sh {name} /nowhere/emulators")
              for name in unpacked.to_unpack())


def run_pc(build, folder, script, arguments):
    return subprocess.run(
        [sys.executable, os.path.join(HERE, "pc"), "--build", build, "--bare",
         "--folder", folder, "--emulator", "qemu", "--script", script] + arguments,
        capture_output=True, text=True, check=False)


def outcome(result, status, text):
    """None if the run ended as wanted, else what was different."""
    if result.returncode != status:
        return f"status {result.returncode}, wanted {status}: {result.stdout}{result.stderr}"
    if text not in result.stderr + result.stdout:
        return f"no '{text}' in: {result.stderr}{result.stdout}"
    return None


def good_run(build, folder):
    """A run that must pass, with all that can be handed in."""
    greeting = os.path.join(folder, "greeting")
    with open(greeting, "w", encoding="utf-8") as file:
        file.write("hello\n")
    result = run_pc(build, folder, os.path.join(HERE, "cases", "bed_pass.sh"),
                    ["--put", f"files/greeting={greeting}", "--module", "msr",
                     "--env", "BED_VARIABLE=it's here"])
    return outcome(result, 0, "PASS: 8 checks")


def failing_run(build, folder, run):
    _, text, arguments, status, words = run
    script = os.path.join(folder, "script.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    return outcome(run_pc(build, folder, script, arguments), status, words)


def main():
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        results = [("a good run passes", good_run(build, folder))]
        results += [(run[0], failing_run(build, folder, run)) for run in RUNS]
    return tap.report(results)


sys.exit(main())
