# SPDX-License-Identifier: MIT
"""Tests how the test bed unpacks and moves kernels, with small files made like a kernel's image, and with the stock one.

    kernel_test.py BUILD     (prints TAP)
"""

import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pc"))

# pylint: disable=wrong-import-position
import products
import relocate
import tap
from errors import PcError
from kernel import Kernel

SETUP_BYTES = 5 * 512
FIRST, SECOND = 0x1000000, 0x1002000        # where two segments lie in memory
ENTRY = FIRST + 0xc43                       # neither's first byte
LINKED = 0xffffffff80000000 + FIRST         # as the kernel sees it
ALIGNMENT = 0x200000
MOVE = relocate.Move(0x600000, 0x2e400000)
WIDE, INVERSE, NARROW = (0x10, 0x31), (0x80, 0x9f), (0xff0, 0x2001)

# How a kernel's build packs it, and whether it adds the length (scripts/Makefile.lib).
TOOLS = {"xz": (["xz", "--check=crc32"], True), "gzip": (["gzip", "-n", "-9"], False),
         "zstd": (["zstd", "-19"], True), "lz4": (["lz4", "-l", "-9"], True)}


def elf():
    """Two segments, the second without most of its bytes."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, ENTRY, 64, 0x1210, 0, 64, 56, 2, 64, 1, 0)
    table = b"".join(struct.pack("<IIQQQQQQ", 1, 5, offset, 0, paddr, size, memory, 0x1000)
                     for offset, paddr, size, memory in ((0x200, FIRST, 0x1000, 0x1000), (0x1200, SECOND, 0x10, 0x3000)))
    return (header + table).ljust(0x200, b"\0") + b"A" * 0x1000 + b"B" * 0x10 + bytes(64)


def places(*lists):
    """What a kernel's build puts behind it: the places to change in a kernel that moves (relocs.c)."""
    return b"".join(struct.pack(f"<{len(offsets) + 1}I", 0, *(LINKED + offset & 0xffffffff for offset in offsets))
                    for offsets in lists)


def image(folder, payload):
    setup = bytearray(SETUP_BYTES)
    struct.pack_into("<I", setup, 0x230, ALIGNMENT)
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


def packed(tool, table=b""):
    command, adds_length = TOOLS[tool]
    payload = subprocess.run(command + ["-c"], input=elf() + table, capture_output=True, check=True).stdout
    return payload + (struct.pack("<I", len(elf() + table)) if adds_length else b"")


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


def moves(*lists):
    """None if of the small kernel just these words change, and each by what it must."""
    wide, inverse, narrow = lists if len(lists) == 3 else (lists[0], (), lists[1])
    with tempfile.TemporaryDirectory() as folder:
        kernel = unpacked(folder, packed("gzip", places(*lists)))
        moved = relocate.Relocated(kernel, MOVE)
        before, after = kernel.memory_image(), moved.memory_image()
        found = (moved.start(), moved.entry(), moved.text(), moved.setup_code()[0x211])
    if found != (FIRST + MOVE.physical, ENTRY + MOVE.physical, LINKED + MOVE.virtual, 2):
        return f"start, entry, text, loadflags: {found}"
    wanted = bytearray(before)
    for offsets, size, delta in ((wide, 8, MOVE.virtual), (inverse, 4, -MOVE.virtual), (narrow, 4, MOVE.virtual)):
        for offset in offsets:
            value = int.from_bytes(before[offset:offset + size], "little") + delta
            wanted[offset:offset + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    return tap.difference(bytes(wanted), after)


def does_not_move(table, words):
    with tempfile.TemporaryDirectory() as folder:
        kernel = unpacked(folder, packed("gzip", table))
        try:
            relocate.Relocated(kernel, MOVE).memory_image()
        except PcError as error:
            return None if words in str(error) else str(error)
    return "moved"


def chooses():
    """None if every place is a good one, a seed's always the same, and those of others elsewhere."""
    room = [(FIRST, 0x2000000), (0x3000001, 0x4000000)]
    with tempfile.TemporaryDirectory() as folder:
        kernel = unpacked(folder, packed("gzip"))
        found = [relocate.choose(seed, kernel, room) for seed in range(300)]
        again = [relocate.choose(seed, kernel, room) for seed in range(300)]
        size = kernel.memory_bytes()
        try:
            relocate.choose(1, kernel, [(FIRST, FIRST + size - 1)])
            return "a kernel was put where it has no room"
        except PcError:
            pass
    for move in found:
        place = FIRST + move.physical
        if move.physical % ALIGNMENT or move.virtual % ALIGNMENT or not 0 <= move.virtual <= (1 << 30) - FIRST - size:
            return f"{move}: unaligned or outside of the kernel's addresses"
        if not any(first <= place and place + size <= end for first, end in room):
            return f"{move}: memory that is not free"
    if found != again:
        return "the same seed, another place"
    # 8 and 7 places in memory, all of them taken; of 503 addresses chance leaves out half.
    return tap.difference((15, True), (len({m.physical for m in found}), len({m.virtual for m in found}) > 200))


def moves_stock(build):
    """None if of the stock kernel just those words change that its table names."""
    kernel = Kernel(products.kernel("image", build), products.unpacked_kernel(build))
    kernel.prepare()
    with open(kernel.elf, "rb") as file:
        table = relocate.table(file.read(), kernel.vmlinuz)
    before, after = bytearray(kernel.memory_image()), bytearray(relocate.Relocated(kernel, MOVE).memory_image())
    for addresses, size in ((table.wide, 8), (table.inverse, 4), (table.narrow, 4)):
        for address in addresses:
            at = (address & 0xffffffffffffffff) - LINKED
            if before[at:at + size] == after[at:at + size]:
                return f"{address:#x} has not changed"
    for addresses, size in ((table.wide, 8), (table.inverse, 4), (table.narrow, 4)):
        for address in addresses:
            at = (address & 0xffffffffffffffff) - LINKED
            after[at:at + size] = before[at:at + size]
    return None if before == after else "more has changed than the table names"


def main():
    results = [(f"a kernel packed by {tool} is unpacked, wherever its entry lies", unpacks(tool)) for tool in TOOLS]
    results += [
        ("another format is refused, and those that are known are named",
         refuses(b"BZh9what", "known are xz, gzip, zstd, lz4")),
        ("a payload that is cut short is refused", refuses(packed("zstd")[:60], "zstd cannot unpack it")),
    ]
    results += [
        ("of a kernel that is moved those words change that its table names", moves(WIDE, INVERSE, NARROW)),
        ("and of one without distances to what does not move", moves(WIDE, NARROW)),
        ("a kernel without a table is not moved", does_not_move(b"", "cannot be relocated: no table")),
        ("nor one whose table names what is not in the file", does_not_move(places((0x10,), (), (0x200e,)), "outside")),
        ("a seed is a place that is free, always the same", chooses()),
        ("of the stock kernel the words of its table change, and no others", moves_stock(os.path.abspath(sys.argv[1]))),
    ]
    return tap.report(results)


sys.exit(main())
