# SPDX-License-Identifier: MIT
"""A kernel image for kexec that the emulator has not to decompress.

The set-up header of the stock image, then, where its decompressor would be, a
jump and the flat kernel. Source: Linux' Documentation/x86/boot.rst, "The
Real-Mode Kernel Header" and "64-bit Boot Protocol".
"""

import struct

SETUP_SECTS = 0x1F1
SYSSIZE = 0x1F4
KERNEL_ALIGNMENT = 0x230
INIT_SIZE = 0x260
ENTRY_64 = 0x200                # of what follows the set-up code
PARAGRAPH = 16
JUMP = 5                        # bytes of a near jump


def build(kernel):
    """The image's bytes."""
    setup = bytearray(kernel.setup_code())
    # The loader aligns what follows the set-up code, and the kernel wants to be aligned itself.
    offset, = struct.unpack_from("<I", setup, KERNEL_ALIGNMENT)
    body = bytearray(offset) + kernel.memory_image()
    entry = offset + kernel.entry() - kernel.start()
    struct.pack_into("<Bi", body, ENTRY_64, 0xE9, entry - ENTRY_64 - JUMP)
    body += bytes(-len(body) % PARAGRAPH)
    struct.pack_into("<I", setup, SYSSIZE, len(body) // PARAGRAPH)
    struct.pack_into("<I", setup, INIT_SIZE, offset + kernel.memory_bytes())
    return bytes(setup) + bytes(body)
