# SPDX-License-Identifier: MIT
"""Moves a kernel to where KASLR could have put it, without its decompressor, which does it as a rule.

Behind the ELF file its build leaves the places to be changed, 32 bits each, sign-extended: a 0, those of 64 bits,
a 0, those of 32 bits that are distances to something that does not move, a 0, those of 32 bits. Kernels that have
no such distances any more ("x86/boot/64: Remove inverse relocations", 6.15) leave two lists.
Source: Linux' arch/x86/tools/relocs.c and arch/x86/boot/compressed/misc.c, kaslr.c.
"""

import array
import random
import struct
from collections import namedtuple

from errors import PcError

LOADFLAGS, KERNEL_ALIGNMENT = 0x211, 0x230  # of the set-up header
KASLR_FLAG = 2                              # of loadflags: then the kernel draws the places of its other regions itself
START_KERNEL_MAP = 0xFFFFFFFF80000000       # where a kernel that was not moved sees physical address 0
KERNEL_WINDOW = 1 << 30                     # how much from there on is a kernel's
SECTION_HEADERS, SECTION_SIZE = 0x28, 0x3A  # of the ELF header

# How far from where it was linked: in memory, and in its own addresses.
Move = namedtuple("Move", "physical virtual")
# Addresses of the places, in the kernel as it was linked.
Table = namedtuple("Table", "wide inverse narrow")


class Relocated:
    """A kernel that was moved; for who builds an image of it what kernel.Kernel is."""

    def __init__(self, kernel, move):
        self._kernel = kernel
        self.move = move

    def setup_code(self):
        setup = bytearray(self._kernel.setup_code())
        setup[LOADFLAGS] |= KASLR_FLAG
        return bytes(setup)

    def memory_image(self):
        with open(self._kernel.elf, "rb") as file:
            places = table(file.read(), self._kernel.vmlinuz)
        return apply(self._kernel.memory_image(), self._kernel.start(), places, self.move)

    def start(self):
        return self._kernel.start() + self.move.physical

    def entry(self):
        return self._kernel.entry() + self.move.physical

    def text(self):
        """The address of its first byte, as itself sees it."""
        return START_KERNEL_MAP + self._kernel.start() + self.move.virtual


def table(elf, name):
    """What has to change in a kernel that is moved, as its build wrote it."""
    words = array.array("i", elf[_end(elf):])
    lists = []
    if len(words) and words[0] == 0:
        zeros = [i for i, word in enumerate(words) if word == 0] + [len(words)]
        lists = [words[a + 1:b] for a, b in zip(zeros, zeros[1:])]
    if len(lists) == 2:
        lists.insert(1, array.array("i"))
    if len(lists) != 3 or not lists[2]:
        raise PcError(f"{name}: cannot be relocated: no table behind the kernel (is it built with CONFIG_RANDOMIZE_BASE?)")
    return Table(*lists)


def _end(elf):
    """Where the ELF file ends: with its section headers."""
    headers, = struct.unpack_from("<Q", elf, SECTION_HEADERS)
    size, count = struct.unpack_from("<HH", elf, SECTION_SIZE)
    return headers + size * count


def apply(flat, start, places, move):
    """The bytes of a kernel that lies at `start`, as they are when it has moved."""
    flat = bytearray(flat)
    base = start + START_KERNEL_MAP - (1 << 64)     # as a signed number
    for addresses, kind, delta in (
            (places.wide, "<Q", move.virtual), (places.inverse, "<I", -move.virtual), (places.narrow, "<I", move.virtual)):
        form = struct.Struct(kind)
        mask = (1 << 8 * form.size) - 1
        for address in addresses:
            at = address - base
            if at < 0 or at + form.size > len(flat):
                raise PcError(f"relocation of {address & 0xFFFFFFFFFFFFFFFF:#x}: outside of the kernel's file")
            form.pack_into(flat, at, form.unpack_from(flat, at)[0] + delta & mask)
    return bytes(flat)


def choose(seed, kernel, room):
    """The move that belongs to the seed; `room`: [(first, end)] of the memory that is free for the kernel."""
    step, = struct.unpack_from("<I", kernel.setup_code(), KERNEL_ALIGNMENT)
    size = kernel.memory_bytes()
    places = [place for first, end in room for place in range(-(-first // step) * step, end - size + 1, step)]
    if not places:
        raise PcError(f"no room for a kernel of {size >> 20} MiB: give the PC more memory")
    draw = random.Random(seed)
    virtual = draw.randrange(0, KERNEL_WINDOW - size - kernel.start() + 1, step)
    return Move(draw.choice(places) - kernel.start(), virtual)
