# SPDX-License-Identifier: MIT
"""A PC within the PC: QEMU on the guest's KVM, which has VT-x for its own guest (nested virtualization)."""

import initramfs
import products

QEMU = "/usr/bin/qemu-system-x86_64"
FIRMWARE = ("/usr/share/seabios/bios-microvm.bin", "/usr/share/qemu/qboot.rom", "/usr/share/qemu/pvh.bin",
            "/usr/share/qemu/linuxboot_dma.bin", "/usr/share/qemu/kvmvapic.bin")
FOLDER = "lib/plinth/inner"


def add(archive, kernel, build, script, other=""):
    """Adds QEMU, and for its guest the kernel, Plinth, and a script to run."""
    inside = initramfs.Archive()
    initramfs.add_base(inside)
    products.add(inside, build, False, other=other)
    inside.file("lib/plinth/script", script)
    inside.data("etc/environment", b"")
    archive.program("bin/qemu-system-x86_64", QEMU)
    for file in FIRMWARE:
        archive.file(f"{FOLDER}/{file.rpartition('/')[2]}", file)
    archive.file(FOLDER + "/vmlinux", kernel.elf)
    archive.data(FOLDER + "/initramfs", inside.pack())
