# SPDX-License-Identifier: MIT
"""`apt install ./plinth_*.deb` for real: in a Debian of its own, DKMS builds the driver for the stock kernel's headers, and
again when those of the backports' kernel come; then what came of the first runs in the emulated PC, and the package is purged.

    dkms_test.py BUILD [DEB]

Needs a Debian mirror that this machine's sources name, and root (or user namespaces, which mmdebstrap takes then). The
Debian is made in a temporary folder by mmdebstrap and is gone afterwards; this machine's own packages stay as they are.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile

from package_test import HERE, TOP, run

STEP = os.path.join(HERE, "dkms_root.sh")


def sources(suite):
    """{suite: source list line} of this machine's mirrors for it and for its updates."""
    lines = run(os.path.join(TOP, "scripts", "mirror.sh"), suite).splitlines()
    return {line.split()[1]: f"deb {line} main" for line in lines}


def install(package, folder):
    """Into a new Debian, out of it to the folder, and off again."""
    release, kernel = platform.freedesktop_os_release()["VERSION_CODENAME"], run(os.path.join(TOP, "scripts", "kernel.sh"), "release")
    newer = release + "-backports"
    hooks = [f"copy-in {package} /root", f"sh {STEP} install \"$1\"",
             f"sh {STEP} second \"$1\" '{sources(newer)[newer]}' {newer}",
             f"copy-out /usr/sbin/plinthctl /usr/lib/plinth /usr/lib/modules/{kernel} {folder}",
             f"sh {STEP} remove \"$1\""]
    run("mmdebstrap", "--variant=apt", f"--include=dkms,openssl,linux-headers-{kernel}", "--format=null",
        *(f"--customize-hook={hook}" for hook in hooks), release, "/dev/null", *sources(release).values())
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
