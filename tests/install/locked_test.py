# SPDX-License-Identifier: MIT
"""An unsigned driver in kernels that take signed ones only; unsigned modules in one that is locked down later.

    locked_test.py BUILD

A locked-down kernel gives nobody I/O ports, so the guest's words to the emulated PC do not arrive: what counts is the
console, and that the script came to its end.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# The kernel's option, what plinthctl says about it, what its report has.
KERNELS = (
    ("module.sig_enforce=1", "module.sig_enforce", "only signed modules: Y"),
    ("lockdown=integrity", "kernel lockdown: integrity", "[integrity]"),
    ("lockdown=confidentiality", "kernel lockdown: confidentiality", "[confidentiality]"),
)


def boot(build, folder, script, *options):
    """The console of one run; what the PC itself takes for a failure is told by its status alone."""
    console = os.path.join(folder, "console.txt")
    if os.path.exists(console):
        os.remove(console)
    pc = subprocess.run([sys.executable, os.path.join(HERE, "..", "system", "pc"), "--build", build, "--quiet",
                         "--folder", folder, "--emulator", "qemu", "--cpus", "1", "--time-limit", "60",
                         "--script", os.path.join(HERE, script), *options],
                        check=False, capture_output=True, text=True)
    if not os.path.exists(console):
        return pc.stdout + pc.stderr
    with open(console, encoding="utf-8", errors="replace") as file:
        return file.read().replace("\r", "")


def main():
    build = os.path.abspath(sys.argv[1])
    runs = [("locked.sh", "--kernel-option", option, "--env", f"LOCKED_BY={reason}", "--env", f"IN_REPORT={in_report}")
            for option, reason, in_report in KERNELS]
    runs.append(("locked_load.sh", "--module", "msr", "--certificates"))
    for run in runs:
        console = boot(build, os.path.join(build, "system", "locked"), *run)
        print(f"== {' '.join(run)}\n{console}", flush=True)
        if not re.search(r"^PASS: [0-9]+ checks$", console, re.M) or re.search(r"^not ok", console, re.M):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
