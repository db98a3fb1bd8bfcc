# SPDX-License-Identifier: MIT
"""Installs Plinth into a folder, builds the examples out of tree against it, and loads them in the emulated PC.

    run_test.py BUILD SWAPPED_EXIT_HANDLER
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
FLAGS = ["-Wall", "-Wextra", "-Werror"]


def run(*argv, **options):
    """A command that must succeed; its output is shown if it does not."""
    result = subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if result.returncode:
        sys.exit(f"{' '.join(argv)} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def install(build, dest):
    """The prefix below DEST."""
    run("meson", "install", "-C", build, "--no-rebuild", "--strip", "--destdir", dest)
    found = glob.glob(os.path.join(dest, "**", "plinth.pc"), recursive=True)
    if len(found) != 1:
        sys.exit(f"meson install: {len(found)} files plinth.pc instead of one")
    return os.path.dirname(os.path.dirname(os.path.dirname(found[0])))


def pkg_config(prefix, *words):
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(prefix, "lib", "pkgconfig"))
    return run("pkg-config", *words, "plinth", env=environment).split()


def build_example(prefix, name, compiler, folder):
    """A copy of the example, far from our tree, by its own meson.build."""
    source = os.path.join(folder, compiler, name)
    shutil.copytree(os.path.join(TOP, "examples", name), source)
    environment = dict(os.environ, CC=compiler, PKG_CONFIG_PATH=os.path.join(prefix, "lib", "pkgconfig"))
    run("meson", "setup", "build", "--werror", cwd=source, env=environment)
    run("ninja", "-C", "build", cwd=source, env=environment)
    return os.path.join(source, "build", name + ".so")


def build_by_hand(prefix, source, target):
    """Without Meson: the flags of the pkg-config file are all it takes."""
    run("cc", "-shared", "-O2", *FLAGS, *pkg_config(prefix, "--cflags"), source, "-o", target,
        *pkg_config(prefix, "--libs"), "-Wl,-soname,newer", "-Wl,--unresolved-symbols=ignore-all")


def build_program(prefix, source, target):
    """By the installed header and library; the emulated PC has no libraries."""
    run("cc", "-O2", "-static", *FLAGS, "-I", os.path.join(prefix, "include"), source, "-o", target,
        "-L", os.path.join(prefix, "lib"), "-lplinth-peek")


def check(prefix, modules, wanted, words):
    """plinthctl check on the installed modules and these says what is wanted."""
    tool = glob.glob(os.path.join(prefix, "sbin", "plinthctl"))[0]
    installed = sorted(glob.glob(os.path.join(prefix, "lib", "plinth", "modules", "*.so")))
    result = subprocess.run([tool, "check", *installed, *modules], text=True, check=False, capture_output=True)
    if result.returncode != wanted or words not in result.stdout + result.stderr:
        sys.exit(f"plinthctl check {modules}: status {result.returncode}, {result.stderr}; wanted {wanted}, '{words}'")


def main():
    build, swapped = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        prefix = install(build, os.path.join(folder, "root"))
        files = os.path.join(folder, "files")
        os.mkdir(files)
        for compiler in ("gcc", "clang"):
            for name in ("cpuid_leaf", "exit_tracer", "counters", "hidden_breakpoint"):
                module = build_example(prefix, name, compiler, folder)
                check(prefix, [module], 0, "would load")
                shutil.copy(module, files)
        newer = os.path.join(files, "newer.so")
        build_by_hand(prefix, os.path.join(HERE, "newer.c"), newer)
        check(prefix, [newer], 1, "was built for version 3 of exit_register_kind(), but ")
        build_program(prefix, os.path.join(HERE, "peeking.c"), os.path.join(files, "peeking"))
        shutil.copy(swapped, os.path.join(files, "exit_handler.so"))
        pc = subprocess.run([sys.executable, os.path.join(TOP, "tests", "system", "pc"), "--build", build,
                             "--folder", os.path.join(build, "system", "extensions"), "--strict",
                             "--script", os.path.join(HERE, "extensions.sh"), "--put", "files=" + files,
                             "--time-limit", "240", *sys.argv[3:]], check=False)
        return pc.returncode


if __name__ == "__main__":
    sys.exit(main())
