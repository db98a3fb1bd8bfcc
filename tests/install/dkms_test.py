# SPDX-License-Identifier: MIT
"""`apt install ./plinth_*.deb` for real: in a Debian of its own, DKMS builds the driver for the stock kernel's headers, and
again when those of the backports' kernel come; then what came of the first runs in the emulated PC, and the package is purged.

    dkms_test.py BUILD [DEB]

Needs a Debian mirror that this machine's sources name, and root (or user namespaces, which mmdebstrap takes then). The
Debian is made in a temporary folder by mmdebstrap and is gone afterwards; this machine's own packages stay as they are.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from package_test import HERE, TOP, run

STEP = os.path.join(HERE, "dkms_root.sh")


def codename():
    with open("/etc/os-release", encoding="utf-8") as file:
        return re.search(r"^VERSION_CODENAME=(\w+)$", file.read(), re.M).group(1)


def sources(release):
    """This machine's source lists that have the release itself; others may want keys the new Debian has not."""
    wanted = re.compile(rf"^(?!#).*(?<![\w-]){release}(?![\w-])", re.M)
    found = []
    for path in ["/etc/apt/sources.list"] + sorted(glob.glob("/etc/apt/sources.list.d/*")):
        if path.endswith((".list", ".sources")) and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if wanted.search(text) and re.search(r"\bmain\b", text):
                found.append(path)
    if not found:
        sys.exit(f"no source list of this machine has Debian {release}: /etc/apt/sources.list.d")
    return found


def mirror(suite):
    """Where this machine's mirror has it."""
    lines = run(os.path.join(TOP, "scripts", "mirror.sh"), suite).splitlines()
    return next(uri for uri, name in map(str.split, lines) if name == suite)


def install(package, folder):
    """Into a new Debian, out of it to the folder, and off again."""
    release, kernel = codename(), run(os.path.join(TOP, "scripts", "kernel.sh"), "release")
    newer = release + "-backports"
    hooks = [f"copy-in {package} /root", f"sh {STEP} install \"$1\"",
             f"sh {STEP} second \"$1\" {mirror(newer)} {newer}",
             f"copy-out /usr/sbin/plinthctl /usr/lib/plinth /usr/lib/modules/{kernel} {folder}",
             f"sh {STEP} remove \"$1\""]
    run("mmdebstrap", "--variant=apt", f"--include=dkms,openssl,linux-headers-{kernel}", "--format=null",
        *(f"--customize-hook={hook}" for hook in hooks), release, "/dev/null", *sources(release))
    return kernel


def main():
    build = os.path.abspath(sys.argv[1])
    package = sys.argv[2] if len(sys.argv) > 2 else run(os.path.join(TOP, "scripts", "package.sh"),
                                                        os.path.join(build, "package")).splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(package, os.path.join(folder, "plinth.deb"))
        installed = os.path.join(folder, "installed")
        os.mkdir(installed)
        kernel = install(copy, installed)
        for link in ("build", "source"):
            path = os.path.join(installed, kernel, link)
            if os.path.islink(path):
                os.remove(path)
        return subprocess.run([sys.executable, os.path.join(TOP, "tests", "system", "pc"), "--build", build, "--bare",
                               "--folder", os.path.join(build, "system", "dkms"), "--cpus", "1", "--time-limit", "120",
                               "--program", os.path.join(installed, "plinthctl"),
                               "--put", "usr/lib/plinth=" + os.path.join(installed, "plinth"),
                               "--put", f"lib/modules/{kernel}=" + os.path.join(installed, kernel),
                               "--script", os.path.join(HERE, "dkms.sh")], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
