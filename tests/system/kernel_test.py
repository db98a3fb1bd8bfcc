# SPDX-License-Identifier: MIT
"""Tests how the test bed unpacks kernels, with small files made like a kernel's image.

    kernel_test.py     (prints TAP)
"""

import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pc"))

# pylint: disable=wrong-import-position
import tap
from errors import PcError
from kernel import Kernel

SETUP_BYTES = 5 * 512
FIRST, SECOND = 0x1000000, 0x1002000        # where two segments lie in memory
ENTRY = FIRST + 0xc43                       # neither's first byte

# How a kernel's build packs it, and whether it adds the length (scripts/Makefile.lib).
TOOLS = {"xz": (["xz", "--check=crc32"], True), "gzip": (["gzip", "-n", "-9"], False),
         "zstd": (["zstd", "-19"], True), "lz4": (["lz4", "-l", "-9"], True)}


def elf():
    """Two segments, the second without most of its bytes."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, ENTRY, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    table = b"".join(struct.pack("<IIQQQQQQ", 1, 5, offset, 0, paddr, size, memory, 0x1000)
                     for offset, paddr, size, memory in ((0x200, FIRST, 0x1000, 0x1000), (0x1200, SECOND, 0x10, 0x3000)))
    return (header + table).ljust(0x200, b"\0") + b"A" * 0x1000 + b"B" * 0x10


def image(folder, payload):
    setup = bytearray(SETUP_BYTES)
    setup[0x1f1] = 4
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", setup, 0x248, 0x30, len(payload))
    path = os.path.join(folder, "vmlinuz")
    with open(path, "wb") as file:
        file.write(bytes(setup) + bytes(0x30) + payload + b"what else is in an image")
    return path


def unpacked(folder, payload):
    kernel = Kernel(image(folder, payload), os.path.join(folder, "cache"))
    kernel.prepare()
    return kernel


def packed(tool):
    command, adds_length = TOOLS[tool]
    payload = subprocess.run(command + ["-c"], input=elf(), capture_output=True, check=True).stdout
    return payload + (struct.pack("<I", len(elf())) if adds_length else b"")


def unpacks(tool):
    """None if the kernel lies in memory as it should."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = unpacked(folder, packed(tool))
        with open(kernel.flat, "rb") as file:
            flat = file.read()
        found = (kernel.start(), kernel.entry(), kernel.memory_bytes())
    if found != (FIRST, ENTRY, 0x5000):
        return f"start, entry, bytes: {found}"
    if flat != b"A" * 0x1000 + bytes(0x1000) + b"B" * 0x10:
        return f"{len(flat)} bytes in memory, or others"
    return None


def refuses(payload, words):
    with tempfile.TemporaryDirectory() as folder:
        try:
            unpacked(folder, payload)
        except PcError as error:
            return None if words in str(error) else str(error)
    return "taken"


def main():
    results = [(f"a kernel packed by {tool} is unpacked, wherever its entry lies", unpacks(tool)) for tool in TOOLS]
    results += [
        ("another format is refused, and those that are known are named",
         refuses(b"BZh9what", "known are xz, gzip, zstd, lz4")),
        ("a payload that is cut short is refused", refuses(packed("zstd")[:60], "zstd cannot unpack it")),
    ]
    return tap.report(results)


sys.exit(main())
