# SPDX-License-Identifier: MIT
"""The log on a PCI serial card and on COM2, as the host sees it.

    pci_serial_test.py BUILD
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WANTED = "entry: ready: "


def main():
    build = os.path.abspath(sys.argv[1])
    folder = os.path.join(build, "system", "pci-serial")
    pc = subprocess.run([sys.executable, os.path.join(HERE, "..", "system", "pc"), "--build", build,
                         "--folder", folder, "--emulator", "qemu", "--cpus", "1", "--time-limit", "60",
                         "--script", os.path.join(HERE, "pci_serial.sh")], check=False)
    if pc.returncode:
        return pc.returncode
    for name, loads in (("pci-uart.txt", 1), ("vmm-uart.txt", 3)):
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            text = file.read()
        if text.count(WANTED) != loads:
            print(f"{name}: '{WANTED}' {text.count(WANTED)} times instead of {loads}:\n{text}")
            return 1
    return check_colours(os.path.join(folder, "console.txt"))


def check_colours(path):
    """A warning is yellow on a terminal, and plain when the user says so."""
    with open(path, encoding="utf-8", errors="replace") as file:
        console = file.read()
    parts = re.search(r"^coloured:(.*)^plain:(.*)^end of colours", console, re.M | re.S)
    if not parts:
        print(f"{path}: the log on a terminal is not there")
        return 1
    coloured, plain = parts.groups()
    if "no UART answers" in coloured and "no UART answers" in plain and "\033[33m" in coloured and "\033" not in plain:
        return 0
    print(f"wanted yellow, then plain: {coloured!r}, {plain!r}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
