# SPDX-License-Identifier: MIT
"""Builds the disk Bochs boots from: boot sector, kernel, initramfs."""

import os
import struct
import subprocess

BOOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot")

# Where the pieces go in the PC's memory. boot/mbr.S knows SETUP, the rest is
# written into the set-up header or the piece list.
SETUP = 0x90000
STUB = 0x100000
COMMAND_LINE = STUB + 0x7000
KERNEL_FIRST = 0x1000000        # or above the initramfs
INITRAMFS = 0x8000000
IDENTITY_END = 1 << 30          # how far the stub's map goes
HEAP_END = 0xDE00               # of the set-up code, below its stack

SECTOR = 512
FIRST_SECTOR = 63               # a BIOS wants whole tracks
CYLINDER = 16 * 63 * SECTOR     # the geometry Bochs assumes
PIECES = 0x180                  # of the boot sector
KERNEL_ENTRY = 8                # of the stub

# name -> (address, as mode, ld emulation)
BOOT_CODE = {
    "mbr": (0x7C00, "--32", "elf_i386"),
    "stub": (STUB, "--64", "elf_x86_64"),
}


def assemble(name, folder):
    """Assembles boot/NAME.S and returns the raw bytes."""
    address, mode, emulation = BOOT_CODE[name]
    source = os.path.join(BOOT, name + ".S")
    obj = os.path.join(folder, name + ".o")
    raw = os.path.join(folder, name + ".bin")
    subprocess.run(["as", mode, source, "-o", obj], check=True)
    subprocess.run(["ld", "-m", emulation, f"-Ttext={address:#x}",
                    "--oformat=binary", obj, "-o", raw], check=True)
    with open(raw, "rb") as file:
        return bytearray(file.read())


def patch_setup(setup, initramfs_size):
    """Fills in what a boot loader owes the set-up code (boot.rst)."""
    setup = bytearray(setup)
    setup[0x210] = 0xFF                             # type_of_loader: other
    setup[0x211] |= 0x81                            # loaded high, heap usable
    struct.pack_into("<I", setup, 0x214, STUB)      # code32_start
    struct.pack_into("<II", setup, 0x218, INITRAMFS, initramfs_size)
    struct.pack_into("<H", setup, 0x224, HEAP_END)
    struct.pack_into("<I", setup, 0x228, COMMAND_LINE)
    return bytes(setup)


def make_stub(folder, entry, command_line, five_levels):
    stub = assemble("stub", folder)
    struct.pack_into("<QI", stub, KERNEL_ENTRY, entry, five_levels)
    padding = bytes(COMMAND_LINE - STUB - len(stub))
    return bytes(stub) + padding + command_line.encode() + b"\0"


def room_for_kernel(memory, initramfs_size):
    """[(first, end)] of the memory that a kernel may be moved to."""
    return [(KERNEL_FIRST, INITRAMFS), (INITRAMFS + initramfs_size, min(memory, IDENTITY_END))]


def build(path, kernel, initramfs, command_line, folder, five_levels=False):
    """Writes the disk image to path."""
    pieces = [
        (SETUP, patch_setup(kernel.setup_code(), len(initramfs))),
        (STUB, make_stub(folder, kernel.entry(), command_line, five_levels)),
        (kernel.start(), kernel.memory_image()),
        (INITRAMFS, initramfs),
    ]
    mbr = assemble("mbr", folder)
    sector = FIRST_SECTOR
    with open(path, "wb") as disk:
        for i, (address, data) in enumerate(pieces):
            count = -(-len(data) // SECTOR)
            struct.pack_into("<III", mbr, PIECES + 12 * i, sector, count, address)
            disk.seek(sector * SECTOR)
            disk.write(data)
            sector += count
        disk.seek(0)
        disk.write(mbr)
        cylinders = -(-sector * SECTOR // CYLINDER)
        disk.truncate(cylinders * CYLINDER)
