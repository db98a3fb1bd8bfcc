# SPDX-License-Identifier: MIT
"""What a run is about: the PC's parts and its working folder."""

import os

import unpacked

MEMORY_MIB = 512
MEMORY_LEAST = 256              # kernel and initramfs lie in the first 200
# Bochs has each 128 KiB in a list that it searches for each other: its start takes the square.
MEMORY_MOST = {"bochs": 8192, "qemu": 65536}
BOOT_LIMIT = 600                # seconds; Bochs boots 4 CPUs in about 40, on a busy machine in 200

# Command prefix: if we are killed, the kernel ends the emulator too.
END_WITH_US = ["setpriv", "--pdeathsig=KILL"]


class Config:
    """One emulated PC."""

    def __init__(self, folder, model, cpus, time_limit, kernel_options):
        self.build = None       # whose modules are in the guest
        self.folder = os.path.abspath(folder)
        self.model = model
        self.cpus = cpus
        self.memory = MEMORY_MIB
        self.boot_limit = BOOT_LIMIT
        self.time_limit = time_limit
        self.kernel_options = kernel_options
        self.reset_is_the_end = False
        self.certificates = False
        self.in_debugger = False    # Bochs' debugger carries the CPUs on
        self.ticks_per_second = 0   # 0: what suits the number of CPUs
        self.five_levels = False
        self.address_bits = 0   # 0: the emulator's own choice
        self.relocated = None   # relocate.Relocated: a kernel that was moved
        self.bochs = unpacked.INSTALLED
        self.debug = None       # debug.Session: stop at a function
        self.console = self.path("console.txt")
        self.uart = self.path("vmm-uart.txt")

    def path(self, name):
        return os.path.join(self.folder, name)

    def prepare(self):
        """Makes the working folder, without what an earlier run left."""
        os.makedirs(self.folder, exist_ok=True)
        for name in ("console.txt", "vmm-uart.txt", "emulator.out", "control"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))

    def remove_big_files(self):
        for name in ("disk.img", "disk.img.lock", "initramfs.cpio"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
