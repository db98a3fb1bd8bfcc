#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mark the PLT of a shared object as ld -z mark-plt does: mark.py IN OUT.

Three dynamic tags say where the PLT is, how long, and how long an entry. The addend of each jump slot is the address of its
entry, which is no part of what the slot gets (psABI x86-64: S). A file without jump slots stays as it is.
"""
import pathlib
import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_PLTRELSZ, DT_JMPREL = 2, 23
DT_X86_64_PLT, DT_X86_64_PLTSZ, DT_X86_64_PLTENT = 0x70000000, 0x70000001, 0x70000003
ENTRY = 16


def mark(data):
    start, = struct.unpack_from('<Q', data, 32)
    count, = struct.unpack_from('<H', data, 56)
    headers = [struct.unpack_from('<IIQQQQQQ', data, start + 56 * i) for i in range(count)]

    def at(vaddr):
        return next(vaddr - h[3] + h[2] for h in headers if h[0] == PT_LOAD and h[3] <= vaddr < h[3] + h[5])

    dynamic = next(h for h in headers if h[0] == PT_DYNAMIC)
    places = range(dynamic[2], dynamic[2] + dynamic[5], 16)
    tags = [struct.unpack_from('<QQ', data, place) for place in places]
    end = [tag for tag, _ in tags].index(0)
    known = dict(tags[:end])
    if DT_JMPREL not in known:
        return
    jumps = known[DT_PLTRELSZ] // 24
    for i in range(jumps):
        entry = at(known[DT_JMPREL]) + 24 * i
        slot, = struct.unpack_from('<Q', data, entry)
        # The slot leads to the second instruction of its entry.
        stub, = struct.unpack_from('<Q', data, at(slot))
        struct.pack_into('<Q', data, entry + 16, stub // ENTRY * ENTRY)
        if i == 0:
            plt = stub // ENTRY * ENTRY - ENTRY
    marks = ((DT_X86_64_PLT, plt), (DT_X86_64_PLTSZ, ENTRY * (jumps + 1)), (DT_X86_64_PLTENT, ENTRY))
    # The linker leaves room behind the last; one DT_NULL must remain.
    for place, (tag, value) in zip(places[end:-1], marks, strict=False):
        struct.pack_into('<QQ', data, place, tag, value)


def main():
    data = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
    mark(data)
    pathlib.Path(sys.argv[2]).write_bytes(data)


if __name__ == '__main__':
    main()
