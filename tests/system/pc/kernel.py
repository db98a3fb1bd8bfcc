# SPDX-License-Identifier: MIT
"""Unpacks the stock kernel once, so that no emulator has to decompress it."""

import fcntl
import lzma
import os
import struct
import zlib

from errors import PcError

SETUP_SECTS = 0x1F1
PAYLOAD_OFFSET = 0x248
PT_LOAD = 1

# First bytes of the compressed kernel -> how to unpack it. Bytes after the
# compressed stream (its length, padding) belong to nobody.
FORMATS = {
    b"\xfd7zXZ": lambda data: lzma.LZMADecompressor().decompress(data),
    b"\x1f\x8b": lambda data: zlib.decompressobj(31).decompress(data),
}


class Kernel:
    """A stock kernel: set-up code, ELF file, flat image; all files cached."""

    def __init__(self, vmlinuz, cache):
        self.vmlinuz = vmlinuz
        self.elf = os.path.join(cache, "vmlinux")
        self.setup = os.path.join(cache, "setup.bin")
        self.flat = os.path.join(cache, "vmlinux.flat")
        self._stamp = os.path.join(cache, "unpacked-from")
        self._cache = cache

    def prepare(self):
        """Unpacks unless the cache already holds this very kernel."""
        stat = os.stat(self.vmlinuz)
        identity = f"{self.vmlinuz} {stat.st_size} {stat.st_mtime_ns}"
        os.makedirs(self._cache, exist_ok=True)
        with open(os.path.join(self._cache, "lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)        # two PCs may start at once
            if _read_text(self._stamp) != identity:
                self._unpack(identity)

    def _unpack(self, identity):
        with open(self.vmlinuz, "rb") as file:
            image = file.read()
        setup, payload = split_bzimage(image, self.vmlinuz)
        elf = decompress(payload, self.vmlinuz)
        _write(self.setup, setup)
        _write(self.elf, elf)
        _write(self.flat, flatten(elf))
        _write(self._stamp, identity.encode())

    def entry(self):
        """Physical address of the kernel's first 64-bit instruction."""
        with open(self.elf, "rb") as file:
            return struct.unpack_from("<Q", file.read(64), 24)[0]

    def memory_bytes(self):
        """What it occupies from there on, with what the file has no bytes of."""
        with open(self.elf, "rb") as file:
            head = file.read(4096)
        return max(paddr + memory for paddr, _, _, memory in segments(head)) - self.entry()


def split_bzimage(image, name):
    """Returns the real-mode set-up code and the compressed kernel."""
    if image[0x202:0x206] != b"HdrS":
        raise PcError(f"{name}: not a Linux kernel image (no HdrS at 0x202)")
    setup_size = ((image[SETUP_SECTS] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = setup_size + offset
    return image[:setup_size], image[start:start + length]


def decompress(payload, name):
    for magic, unpack in FORMATS.items():
        if payload.startswith(magic):
            return unpack(payload)
    raise PcError(f"{name}: kernel compressed in a way the test bed does not "
                  f"know (starts with {payload[:4].hex()}; xz and gzip are known)")


def segments(elf):
    """Yields (physical address, offset, bytes in the file, in memory) of each loadable segment."""
    table, = struct.unpack_from("<Q", elf, 32)
    count, = struct.unpack_from("<H", elf, 56)
    for i in range(count):
        kind, _, offset, _, paddr, size, memory, _ = struct.unpack_from(
            "<IIQQQQQQ", elf, table + 56 * i)
        if kind == PT_LOAD:
            yield paddr, offset, size, memory


def flatten(elf):
    """The kernel as it lies in memory, from its entry point on."""
    entry, = struct.unpack_from("<Q", elf, 24)
    flat = bytearray()
    for paddr, offset, size, _ in segments(elf):
        start = paddr - entry
        flat.extend(bytes(max(0, start + size - len(flat))))
        flat[start:start + size] = elf[offset:offset + size]
    return bytes(flat).rstrip(b"\0")


def _read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _write(path, data):
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.replace(path + ".new", path)
