# SPDX-License-Identifier: MIT
"""Bochs: a whole PC with VT-x in software, whatever this machine can do."""

import os
import re
import subprocess

import image
from config import END_WITH_US
from errors import PcError

# fastboot: the firmware does not wait three seconds for somebody who wants its menu.
CONFIG = """\
plugin_ctrl: unmapped=true, biosdev=true, speaker=false, extfpuirq=true, parallel=false, serial=true, e1000=false
display_library: rfb, options="timeout=0"
config_interface: textconfig
cpu: model={model}, count={cpus}, ips={ips}, reset_on_triple_fault=0
memory: {memory}
romimage: file={share}/BIOS-bochs-latest, options=fastboot
vgaromimage: file={share}/VGABIOS-lgpl-latest
ata0-master: type=disk, path={disk}, mode=flat
boot: disk
com1: enabled=1, mode=file, dev={console}
com2: enabled=1, mode=file, dev={uart}
clock: sync=none, time0=local
log: {log}
panic: action=fatal
error: action=report
info: action=report
port_e9_hack: enabled=1
"""

# Log lines worth showing when something went wrong: refused VM entries,
# VMX aborts, triple faults, what made the emulator give up. The orderly
# power-off is a "panic" too and says nothing.
NOTABLE = re.compile(r"VMENTER FAIL|VMFAIL|VMABORT|VMX abort|3rd \(|"
                     r"not allowed to use instruction|>>PANIC<<")
ORDERLY = re.compile(r"soft power off|ACPI control: soft|Shutdown port|Keyboard error")

# The CPU's own complaints about what the VMM asked of it, and its giving up.
VMX_COMPLAINT = re.compile(r"VMENTER FAIL|VMFAIL|VMABORT|VMX abort|3rd \(")

# A reset of everything. The firmware seldom survives it, a known defect: it dies of the
# keyboard's answer.
RESET = re.compile(r"Reset\(HARDWARE\) called")


# Emulated instructions per emulated second, by number of CPUs. With more CPUs
# a lower rate boots faster: fewer timer interrupts for the same work.
TICKS_PER_SECOND = {1: 100_000_000, 2: 30_000_000}
OF_MORE = 20_000_000


# MiB. Of this machine's memory Bochs takes no more, and keeps what does not fit in a file, of which it loses pages: a guest that touches
# more than this may stand still before its first message.
HOST_MEMORY_MOST = 2048
# What would be RAM from 3 to 4 GiB is the devices', and Bochs does not put it elsewhere.
BELOW_DEVICES = 3072
DEVICES = 1024


def memory_option(memory):
    """Bochs' words for a PC with so many MiB of RAM."""
    guest = memory if memory <= BELOW_DEVICES else memory + DEVICES
    return f"guest={guest}, host={min(guest, HOST_MEMORY_MOST)}"


def without_network():
    """Command prefix for a network of its own. Bochs' display is a VNC server
    on all of the machine's addresses, without a password: nobody may see it."""
    for prefix in (["unshare", "--net"], ["unshare", "--user", "--net"]):
        if subprocess.run(prefix + ["true"], capture_output=True,
                          check=False).returncode == 0:
            return prefix
    return []


def with_debugger(program):
    """Options for a start in the debugger: older ones always start in it, and 3.0 when it is asked to."""
    words = subprocess.run(program + ["--help"], capture_output=True, text=True, check=False)
    return ["-debugger"] if "-debugger" in words.stdout + words.stderr else []


class Bochs:
    """The runner's interface: prepare, argv, complaints."""

    MUTE_SECONDS = None

    def __init__(self, config):
        self.config = config
        self.log = config.path("bochs.log")

    def prepare(self, kernel, initramfs, command_line):
        """Writes the disk, Bochs' configuration and its start command."""
        config = self.config
        disk = config.path("disk.img")
        for stale in (self.log, disk + ".lock"):
            if os.path.exists(stale):
                os.remove(stale)
        if image.INITRAMFS + len(initramfs) > config.memory << 20:
            raise PcError(f"--memory {config.memory}: too little for what the guest takes along")
        image.build(disk, kernel, initramfs, command_line, config.folder, config.five_levels)
        text = CONFIG.format(
            model=config.model.name, cpus=config.cpus, memory=memory_option(config.memory),
            share=config.bochs.share,
            ips=self.ticks_per_second(), disk=disk, log=self.log,
            console=config.console, uart=config.uart)
        with open(config.path("bochsrc"), "w", encoding="utf-8") as file:
            file.write(text)
        # Debian's Bochs has its debugger built in; one that starts in it waits for a command.
        with open(config.path("bochs-start"), "w", encoding="utf-8") as file:
            file.write(config.debug.commands() if config.debug else "continue\n")

    def ticks_per_second(self):
        return self.config.ticks_per_second or TICKS_PER_SECOND.get(self.config.cpus, OF_MORE)

    def khz(self):
        return self.ticks_per_second() // 1000

    def argv(self):
        """Standard output of this command is the control channel."""
        program = self.config.bochs.program
        return without_network() + END_WITH_US + program + [
            "-q", "-f", self.config.path("bochsrc"),
            "-rc", self.config.path("bochs-start")] + (with_debugger(program) if self.config.in_debugger else [])

    def control(self):
        return self.config.path("emulator.out")

    def words(self):
        """The emulator's log."""
        try:
            with open(self.log, errors="replace", encoding="utf-8") as file:
                return [line.rstrip() for line in file]
        except FileNotFoundError:
            return []

    def notable(self, pattern=NOTABLE):
        """The emulator's log lines that tell what went wrong."""
        return [line for line in self.words() if pattern.search(line) and not ORDERLY.search(line)]

    def complaints(self):
        return self.notable(VMX_COMPLAINT)

    def was_reset(self):
        """Was the whole PC reset after it was switched on?"""
        return len(self.notable(RESET)) > 1
