# SPDX-License-Identifier: MIT
"""What of the build goes into the guest, and where; and which kernel boots."""

import glob
import os
import shutil
import subprocess
import tempfile

import initramfs
from errors import PcError

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                   "..", "..", ".."))
MODULES = "lib/plinth/modules"
EXTENSIONS = "lib/plinth/extensions"
DEBUG = "lib/plinth/debug"      # loaded only where a test asks for it
KERNEL_MODULES = ("driver_fault.ko", "extra_state.ko", "far.ko", "hold_vmxe.ko", "hostile.ko", "init_signal.ko",
                  "intruder.ko", "nmi_storm.ko", "too_late.ko")
DRIVER = "lib/plinth/plinth.ko"
PROBE = "lib/plinth/exit_probe.ko"
PROGRAMS = "bin/guest_programs"
CLIENTS = ("introspect_client", "introspect_views", "introspect_fuzz")   # a library is preloaded into them
PRELOADED = "lib/plinth/libplinth-introspect.so"
TOOL = "bin/plinthctl"
BESIDE = ("events.so", "introspection.so", "lazy.so")   # modules that are installed as extensions


def find(build, name, pattern):
    """The one file of the build folder that matches the pattern."""
    files = glob.glob(os.path.join(build, pattern))
    if not files:
        raise PcError(f"{name} is not built: no {pattern} in {build}")
    return files[0]


def module_files(build, sets):
    """The modules' files, each in turn of one of the sets: of `own`, or of a toolchain's (tests/toolchains)."""
    folders = [os.path.join(build, "modules") if name == "own" else os.path.join(build, "tests", "toolchains", name)
               for name in sets]
    find(build, "no module", "modules/*.so")
    for i, own in enumerate(sorted(glob.glob(os.path.join(build, "modules", "*.so")))):
        name = os.path.basename(own)
        # Those of the tests only this build has.
        yield own if name.startswith("debug_") else find(folders[i % len(folders)], name, name)


def kernel_module(build, name, stock, other):
    """The file `name` of the folder `stock`; for another kernel than the stock one as tests/system/kernels has built it."""
    return find(build, name, f"tests/system/kernels/{other}/{name}" if other else f"{stock}/{name}")


def kernel_modules(build, bare, other):
    """(path in the guest, file) of each kernel module of ours."""
    yield PROBE, kernel_module(build, "exit_probe.ko", "tests/system", other)
    if not bare:
        for name in KERNEL_MODULES:
            yield f"lib/plinth/{name}", kernel_module(build, name, "tests/system", other)
        yield DRIVER, kernel_module(build, "plinth.ko", "drivers/linux", other)


def add_kernel_modules(archive, files):
    """Adds {path in the guest: file}, without what only debuggers read: ten times less for the emulator to carry."""
    with tempfile.TemporaryDirectory() as folder:
        copies = {path: shutil.copy(file, folder) for path, file in files.items()}
        subprocess.run(["strip", "--strip-debug", *copies.values()], check=True)
        for path, file in copies.items():
            archive.file(path, file)


def add(archive, build, bare, sets=("own",), other=""):
    """Adds the guest's programs and, unless bare, Plinth itself; `other`: its kernel, if it is not the stock one."""
    initramfs.add_applets(archive, PROGRAMS, find(build, "guest_programs", "tests/system/guest_programs"))
    add_kernel_modules(archive, dict(kernel_modules(build, bare, other)))
    if bare:
        return
    for module in module_files(build, sets):
        name = os.path.basename(module)
        folder = (DEBUG if name.startswith("debug_")
                  else EXTENSIONS if name in BESIDE else MODULES)
        archive.file(f"{folder}/{name}", module)
    for module in sorted(glob.glob(os.path.join(build, "examples", "*.so"))):
        archive.file(f"{EXTENSIONS}/{os.path.basename(module)}", module)
    for name in CLIENTS:
        archive.program("bin/" + name, find(build, name, "tests/system/" + name))
    archive.program(PRELOADED, find(build, "libplinth-introspect.so", "tools/introspect/libplinth-introspect.so"))
    archive.program(TOOL, find(build, "plinthctl", "tools/plinthctl/plinthctl"))


def kernel(what, build, other=""):
    """Asks scripts/kernel.sh for the `image` or the `modules` folder, of the stock kernel or of another."""
    result = subprocess.run(
        [os.path.join(TOP, "scripts", "kernel.sh"), what,
         os.path.join(build, "kernel"), other], capture_output=True, text=True, check=False)
    path = result.stdout.strip()
    if result.returncode or not os.path.exists(path):
        raise PcError(result.stderr.strip()
                      or f"{path} is missing: run scripts/setup.sh {build}")
    return path


def unpacked_kernel(build, other=""):
    """Folder where the decompressed kernel is kept between runs."""
    return os.path.join(build, "kernel", other, "unpacked")
