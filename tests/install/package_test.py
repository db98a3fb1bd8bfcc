# SPDX-License-Identifier: MIT
"""Builds plinth_*.deb, builds the driver from the source in it as DKMS would, and uses both in the emulated PC.

    package_test.py BUILD [DEB]
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")


def run(*argv, **options):
    """A command that must succeed; its output is shown if it does not."""
    result = subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if result.returncode:
        sys.exit(f"{' '.join(argv)} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout.strip()


def build_driver(package, folder):
    """plinth.ko from the package's DKMS source, with the command that dkms.conf gives."""
    run("dpkg", "-x", package, folder)
    source = glob.glob(os.path.join(folder, "usr", "src", "plinth-*"))[0]
    with open(os.path.join(source, "dkms.conf"), encoding="utf-8") as file:
        command = [line.split('"')[1] for line in file if line.startswith("MAKE[0]=")][0]
    release = run(os.path.join(TOP, "scripts", "kernel.sh"), "release")
    tree = os.path.join(folder, "dkms")
    version = os.path.basename(source).split("-", 1)[1]
    shutil.copytree(source, os.path.join(tree, "plinth", version, "build"))
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "CFLAGS", "CC")}
    run("sh", "-c", command, env=dict(environment, kernel_source_dir=f"/lib/modules/{release}/build", dkms_tree=tree))
    return os.path.join(tree, "plinth", version, "build", "plinth.ko")


def main():
    build = os.path.abspath(sys.argv[1])
    package = sys.argv[2] if len(sys.argv) > 2 else run(os.path.join(TOP, "scripts", "package.sh"),
                                                        os.path.join(build, "package")).splitlines()[-1]
    with tempfile.TemporaryDirectory() as folder:
        files = os.path.join(folder, "files")
        os.mkdir(files)
        shutil.copy(package, os.path.join(files, "plinth.deb"))
        shutil.copy(build_driver(package, os.path.join(folder, "unpacked")), files)
        pc = subprocess.run([sys.executable, os.path.join(TOP, "tests", "system", "pc"), "--build", build,
                             "--folder", os.path.join(build, "system", "package"), "--emulator", "qemu",
                             "--cpus", "1", "--time-limit", "60", "--put", "files=" + files,
                             "--script", os.path.join(HERE, "package.sh")], check=False)
        return pc.returncode


if __name__ == "__main__":
    sys.exit(main())
