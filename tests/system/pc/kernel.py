# SPDX-License-Identifier: MIT
"""Unpacks the stock kernel once, so that no emulator has to decompress it."""

import fcntl
import os
import struct
import subprocess

from errors import PcError

SETUP_SECTS = 0x1F1
PAYLOAD_OFFSET = 0x248
PT_LOAD = 1

# First bytes of the compressed kernel -> what unpacks it, and how many bytes the kernel's build adds: the
# unpacked length, which gzip has itself (scripts/Makefile.lib, "size_append").
FORMATS = {
    b"\xfd7zXZ": ("xz", 4),
    b"\x1f\x8b": ("gzip", 0),
    b"\x28\xb5\x2f\xfd": ("zstd", 4),
    b"\x02\x21\x4c\x18": ("lz4", 4),
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

    def setup_code(self):
        return _read(self.setup)

    def memory_image(self):
        """Its bytes as they lie in memory."""
        return _read(self.flat)

    def _head(self):
        with open(self.elf, "rb") as file:
            return file.read(4096)

    def entry(self):
        """Physical address of the kernel's first 64-bit instruction."""
        return struct.unpack_from("<Q", self._head(), 24)[0]

    def start(self):
        """Physical address of its first byte: since 6.10 the entry lies somewhere in the middle."""
        return lowest(self._head())

    def memory_bytes(self):
        """What it occupies, with what the file has no bytes of."""
        return max(paddr + memory for paddr, _, _, memory in segments(self._head())) - self.start()


def split_bzimage(image, name):
    """Returns the real-mode set-up code and the compressed kernel."""
    if image[0x202:0x206] != b"HdrS":
        raise PcError(f"{name}: not a Linux kernel image (no HdrS at 0x202)")
    setup_size = ((image[SETUP_SECTS] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = setup_size + offset
    return image[:setup_size], image[start:start + length]


def decompress(payload, name):
    for magic, (tool, more) in FORMATS.items():
        if payload.startswith(magic):
            result = subprocess.run([tool, "-dc"], input=payload[:len(payload) - more], capture_output=True, check=False)
            if result.returncode:
                raise PcError(f"{name}: {tool} cannot unpack it: {result.stderr.decode(errors='replace').strip()}")
            return result.stdout
    known = ", ".join(tool for tool, _ in FORMATS.values())
    raise PcError(f"{name}: kernel compressed in a way the test bed does not "
                  f"know (starts with {payload[:4].hex()}; known are {known})")


def segments(elf):
    """Yields (physical address, offset, bytes in the file, in memory) of each loadable segment."""
    table, = struct.unpack_from("<Q", elf, 32)
    count, = struct.unpack_from("<H", elf, 56)
    for i in range(count):
        kind, _, offset, _, paddr, size, memory, _ = struct.unpack_from(
            "<IIQQQQQQ", elf, table + 56 * i)
        if kind == PT_LOAD:
            yield paddr, offset, size, memory


def lowest(elf):
    """Physical address of its first byte."""
    return min(paddr for paddr, *_ in segments(elf))


def flatten(elf):
    """The kernel as it lies in memory, from its first byte on."""
    flat = bytearray()
    for paddr, offset, size, _ in segments(elf):
        start = paddr - lowest(elf)
        flat.extend(bytes(max(0, start + size - len(flat))))
        flat[start:start + size] = elf[offset:offset + size]
    return bytes(flat).rstrip(b"\0")


def _read(path):
    with open(path, "rb") as file:
        return file.read()


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
