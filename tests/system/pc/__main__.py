# SPDX-License-Identifier: MIT
"""Boots an emulated PC with the stock Debian kernel and runs a script in it.

    python3 tests/system/pc --build BUILD --script FILE --folder FOLDER [options]

The exit status is the script's; 125 if the PC crashed, hung or never booted.
"""

import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import argparse
import os
import random
import resource
import shutil
import signal
import subprocess

import debug
import image
import initramfs
import inner
import kexec_image
import models
import products
import relocate
import report
import unpacked
from bochs import Bochs
from config import MEMORY_LEAST, MEMORY_MIB, MEMORY_MOST, Config
from errors import PcError
from kernel import Kernel
from machine import Machine
from qemu import Qemu

EMULATORS = {"bochs": Bochs, "qemu": Qemu}
MACHINE_FAILED = 125
CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cases")
PROGRAM_PATH = "/usr/bin:/usr/sbin:/bin:/sbin:/usr/libexec"


def parse_arguments():
    parser = argparse.ArgumentParser(prog="pc", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--script", required=True, help="run by busybox sh as root in the guest")
    add("--build", required=True, help="build folder: what is to be run")
    add("--folder", required=True, help="working folder: console, logs, disk")
    add("--bare", action="store_true", help="the stock kernel only, no Plinth")
    add("--emulator", choices=[*EMULATORS, *unpacked.suites()], default="bochs",
        help="bochs and qemu are this machine's, the others of scripts/emulators.txt (default: %(default)s)")
    add("--cpus", type=int, default=2)
    add("--cpu-model", default="", help="see cpu_models.txt")
    add("--time-limit", type=int, default=600, metavar="SECONDS")
    add("--kernel-option", action="append", default=[], metavar="WORD")
    add("--module", action="append", default=[], metavar="NAME",
        help="module of the stock kernel the script wants to modprobe")
    add("--module-sets", default="own", metavar="NAME[,NAME]",
        help="the VMM's modules, in turn of these sets: own, or one that tests/toolchains builds")
    add("--put", action="append", default=[], metavar="GUEST=FILE",
        help="add a file or folder to the guest at path GUEST")
    add("--program", action="append", default=[], metavar="NAME",
        help="add a program of this machine, with its libraries")
    add("--with-kernel", action="store_true",
        help="add the kernel as /lib/plinth/bzImage, not compressed, for kexec")
    add("--inner", metavar="FILE",
        help="add QEMU as a PC within the PC; FILE, of cases/ if it has no /, is for it what --script is here; "
             "wants --memory 1024")
    add("--ends-with-reset", action="store_true",
        help="the script's last act resets the PC, by a panic or how it likes (Bochs)")
    add("--memory", type=int, default=MEMORY_MIB, metavar="MIB",
        help=f"from {MEMORY_LEAST} to {MEMORY_MOST['bochs']} in Bochs, {MEMORY_MOST['qemu']} in QEMU, default: "
             "%(default)s; only what the guest touches takes memory here")
    add("--ticks-per-second", type=int, default=0, metavar="N",
        help="the PC's clock: instructions of a CPU in a second of its own time (Bochs)")
    add("--env", action="append", default=[], metavar="NAME=VALUE",
        help="set a variable for the script")
    add("--keep", action="store_true", help="keep the disk image")
    add("--quiet", action="store_true", help="no console on standard output")
    add("--address-bits", type=int, default=0, metavar="N",
        help="width of physical addresses, 36 to 52 (QEMU; Bochs has 40)")
    add("--five-levels", action="store_true",
        help="a kernel that uses 5-level paging (LA57); in Bochs the model must have it")
    add("--kernel", default="", metavar="NAME", help="not the stock kernel but one of scripts/kernels.txt")
    add("--kaslr", nargs="?", type=int, const=-1, metavar="SEED",
        help="move the kernel as KASLR does, to a place that belongs to the seed; without one to another each time")
    add("--certificates", action="store_true",
        help="let the kernel take the certificates that were compiled in: the signatures of its own modules hold then")
    add("--stop-at", metavar="[MODULE:]FUNCTION",
        help="stop in Bochs' debugger there; modules have to be loaded with --no-aslr")
    add("--in-debugger", action="store_true",
        help="let Bochs' debugger carry the CPUs on; without it several of them hang at a breakpoint (README.md, \"Traps\")")
    add("--strict", action="store_true",
        help="fail if the CPU refused a VM entry or VMX instruction")
    add("--allow-refusals", dest="strict", action="store_false", help="the opposite; the last one counts")
    return parser.parse_args()


def pair(text, option):
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise PcError(f"{option} {text}: wants the form NAME=VALUE")
    return name, value


def host_program(name):
    path = shutil.which(name, path=PROGRAM_PATH)
    if not path:
        raise PcError(f"--program {name}: not on this machine (scripts/setup.sh installs packages)")
    return path


def case_file(name):
    return name if "/" in name else os.path.join(CASES, name)


def build_initramfs(args, kernel):
    archive = initramfs.Archive()
    initramfs.add_base(archive)
    products.add(archive, args.build, args.bare, args.module_sets.split(","), args.kernel)
    for text in args.put:
        guest, source = pair(text, "--put")
        if os.path.isdir(source):
            archive.tree(guest, source)
        else:
            archive.file(guest, source)
    for name in args.program:
        archive.program("bin/" + os.path.basename(name), host_program(name))
    if args.with_kernel:
        archive.data("lib/plinth/bzImage", kexec_image.build(kernel))
    if args.inner:
        inner.add(archive, kernel, args.build, case_file(args.inner), args.kernel)
    if args.module:
        initramfs.add_kernel_modules(
            archive, products.kernel("modules", args.build, args.kernel), args.module)
    archive.file("lib/plinth/script", args.script)
    lines = []
    for text in args.env:
        name, value = pair(text, "--env")
        quoted = value.replace("'", "'\\''")
        lines.append(f"export {name}='{quoted}'\n")
    archive.data("etc/environment", "".join(lines).encode())
    return archive.pack()


def moved(seed, kernel, memory, initramfs_size):
    """The kernel at a place of KASLR's; who wants it there again is told how."""
    if seed < 0:
        seed = random.randrange(1 << 16)
    kernel = relocate.Relocated(
        kernel, relocate.choose(seed, kernel, image.room_for_kernel(memory, initramfs_size)))
    print(f"[pc] --kaslr={seed}: the kernel's text is at {kernel.text():#x}, in memory at {kernel.start():#x}", file=sys.stderr)
    return kernel


def run(args):
    kind = args.emulator.split("-")[0]
    most = models.MAX_CPUS[kind]
    if not 1 <= args.cpus <= most:
        raise PcError(f"--cpus {args.cpus}: the emulated PC has 1 to {most}")
    most = MEMORY_MOST[kind]
    if not MEMORY_LEAST <= args.memory <= most:
        raise PcError(f"--memory {args.memory}: the emulated PC has {MEMORY_LEAST} to {most} MiB")
    if args.address_bits and (kind != "qemu" or not 36 <= args.address_bits <= 52):
        raise PcError(f"--address-bits {args.address_bits}: QEMU has 36 to 52, Bochs 40")
    config = Config(args.folder, models.find(args.cpu_model), args.cpus,
                    args.time_limit, args.kernel_option)
    config.build = args.build
    config.reset_is_the_end = args.ends_with_reset
    config.memory = args.memory
    config.ticks_per_second = args.ticks_per_second
    config.five_levels = args.five_levels
    config.certificates = args.certificates
    config.in_debugger = args.in_debugger or bool(args.stop_at)
    config.address_bits = args.address_bits
    if kind != args.emulator:
        config.bochs = unpacked.find(args.build, args.emulator)
    if args.kaslr is not None and args.five_levels:
        raise PcError("--kaslr: with --five-levels the kernel's own decompressor runs")
    config.prepare()
    if args.stop_at:
        config.debug = debug.Session(config, debug.Symbols(os.path.join(args.build, "modules")),
                                     args.stop_at)
    kernel = Kernel(products.kernel("image", args.build, args.kernel),
                    products.unpacked_kernel(args.build, args.kernel))
    kernel.prepare()
    archive = build_initramfs(args, kernel)
    if args.kaslr is not None:
        kernel = config.relocated = moved(args.kaslr, kernel, config.memory << 20, len(archive))
    emulator = EMULATORS[kind](config)
    progress = report.Progress("pc", not args.quiet)
    machine = Machine(config, emulator, progress,
                      report.Console(progress, not args.quiet))
    emulator.prepare(kernel, archive, machine.command_line())
    try:
        outcome = machine.run()
    finally:
        progress.close()
        if not args.keep:
            config.remove_big_files()
    return verdict(args, config, emulator, outcome)


def cpu_seconds():
    """What this run cost, on whatever busy machine: us and all programs that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def verdict(args, config, emulator, outcome):
    """Says how it went and returns the exit status."""
    failure = outcome.failure
    if failure is None and args.strict and emulator.complaints():
        failure = "the CPU refused what the VMM asked of it"
    boot = f"{outcome.boot_seconds:.0f}" if outcome.boot_seconds else "-"
    if failure is None and args.ends_with_reset and not emulator.was_reset():
        failure = "the PC was not reset"
    print(f"[pc] boot {boot} s, {outcome.seconds:.0f} s in all, {cpu_seconds():.0f} s of a CPU", file=sys.stderr)
    if failure:
        report.explain(config, emulator, failure)
        return MACHINE_FAILED
    return outcome.status


def main():
    # A kill must end the emulator as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(run(parse_arguments()))
    except (PcError, OSError, subprocess.CalledProcessError) as error:
        print(f"pc: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\npc: interrupted, the emulated PC is switched off", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)


main()
