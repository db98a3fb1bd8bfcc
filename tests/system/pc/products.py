# SPDX-License-Identifier: MIT
"""What of the build goes into the guest, and where; and which kernel boots."""

import glob
import os
import subprocess

from errors import PcError

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                   "..", "..", ".."))
GUEST_PROGRAMS = ("pcctl", "cpuid_probe", "exitbench", "kvm_exitbench", "workload",
                  "break_module", "driver_load", "grace_period", "hold_vmx", "stepping", "resume_flag", "msr_sweep", "tsc_order", "poke",
                  "entry_trials", "cycles", "compat", "ldt", "slat_type", "shadow_stack", "protection_key")
MODULES = "lib/plinth/modules"
EXTENSIONS = "lib/plinth/extensions"
DEBUG = "lib/plinth/debug"      # loaded only where a test asks for it
KERNEL_MODULES = ("driver_fault.ko", "far.ko", "hold_vmxe.ko", "hostile.ko", "init_signal.ko", "intruder.ko",
                  "nmi_storm.ko", "too_late.ko")
DRIVER = "lib/plinth/plinth.ko"
PROBE = "lib/plinth/exit_probe.ko"
TOOL = "bin/plinthctl"
BESIDE = ("lazy.so",)           # modules that are installed as extensions


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


def add(archive, build, bare, sets=("own",), other=""):
    """Adds the guest's programs and, unless bare, Plinth itself; `other`: its kernel, if it is not the stock one."""
    for name in GUEST_PROGRAMS:
        archive.file("bin/" + name, find(build, name, "tests/system/" + name))
    archive.file(PROBE, kernel_module(build, "exit_probe.ko", "tests/system", other))
    if bare:
        return
    for module in module_files(build, sets):
        name = os.path.basename(module)
        folder = (DEBUG if name.startswith("debug_")
                  else EXTENSIONS if name in BESIDE else MODULES)
        archive.file(f"{folder}/{name}", module)
    for module in sorted(glob.glob(os.path.join(build, "examples", "*.so"))):
        archive.file(f"{EXTENSIONS}/{os.path.basename(module)}", module)
    for module in KERNEL_MODULES:
        archive.file(f"lib/plinth/{module}", kernel_module(build, module, "tests/system", other))
    archive.file(DRIVER, kernel_module(build, "plinth.ko", "drivers/linux", other))
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
