# SPDX-License-Identifier: MIT
"""QEMU without VT-x: quick, for all that must be refused politely."""

import image
from config import END_WITH_US


class Qemu:
    """The runner's interface: prepare, argv, complaints."""

    MUTE_SECONDS = 120     # boots in 2 to 30

    def __init__(self, config):
        self.config = config
        self._boot = []

    def prepare(self, kernel, initramfs, command_line):
        """QEMU loads kernel and initramfs itself, and the ELF file starts at once; one that was moved wants loadflags, too."""
        if self.config.relocated:
            disk = self.config.path("disk.img")
            image.build(disk, kernel, initramfs, command_line, self.config.folder)
            self._boot = ["-drive", f"file={disk},format=raw"]
            return
        with open(self.config.path("initramfs.cpio"), "wb") as file:
            file.write(initramfs)
        # Its decompressor is what changes to 5-level paging.
        file = kernel.vmlinuz if self.config.five_levels else kernel.elf
        self._boot = ["-kernel", file, "-initrd", self.config.path("initramfs.cpio"), "-append", command_line]

    def khz(self):
        return 1_000_000        # QEMU's TSC runs at the host's pace; 1 GHz by CPUID

    def argv(self):
        config = self.config
        return END_WITH_US + [
            "qemu-system-x86_64", "-machine", "q35,accel=tcg,memory-backend=ram",
            # May be more than this machine has: it takes what the guest touches.
            "-object", f"memory-backend-ram,id=ram,size={config.memory}M,reserve=off",
            "-cpu", self._cpu(), "-smp", str(config.cpus),
            "-m", str(config.memory),
            "-display", "none", "-vga", "none", "-nic", "none",
            "-monitor", "none", "-no-reboot",
            "-serial", "file:" + config.console,
            "-serial", "file:" + config.uart,
            # A serial card to be found by its PCI class code; what it sends is in pci-uart.txt.
            "-chardev", "file,id=card,path=" + config.path("pci-uart.txt"),
            "-device", "pci-serial,chardev=card",
            "-debugcon", "file:" + self.control()] + self._boot

    def _cpu(self):
        config = self.config
        name = "max,la57=on" if config.five_levels else config.model.qemu_name
        return f"{name},phys-bits={config.address_bits}" if config.address_bits else name

    def control(self):
        return self.config.path("control")

    def words(self):
        return []

    def notable(self):
        """QEMU's own words, such as a bad option."""
        with open(self.config.path("emulator.out"), errors="replace",
                  encoding="utf-8") as file:
            return [line.rstrip() for line in file
                    if line.strip() and "doesn't support requested feature" not in line]

    def complaints(self):
        return []

    def was_reset(self):
        return False
