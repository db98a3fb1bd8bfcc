# SPDX-License-Identifier: MIT
"""Builds the guest's root file system, a cpio archive in "newc" format."""

import lzma
import os
import re
import stat
import subprocess

from errors import PcError

BUSYBOX = "/bin/busybox"
GUEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "guest")
FOLDERS = ("dev", "proc", "sys", "tmp", "root", "etc", "lib", "files")


class Archive:
    """Collects files by their path in the guest; parents come by themselves."""

    def __init__(self):
        self._entries = {}

    def folder(self, path):
        path = path.strip("/")
        if path and path not in self._entries:
            self.folder(os.path.dirname(path))
            self._entries[path] = (stat.S_IFDIR | 0o755, b"")

    def data(self, path, content, mode=0o644):
        path = path.strip("/")
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFREG | mode, content)

    def link(self, path, target):
        path = path.strip("/")
        self.folder(os.path.dirname(path))
        self._entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def file(self, path, source):
        """Adds one host file, keeping whether it is executable."""
        try:
            with open(source, "rb") as file:
                content = file.read()
        except OSError as error:
            raise PcError(f"{source}: {error.strerror}") from None
        self.data(path, content, 0o755 if os.access(source, os.X_OK) else 0o644)

    def tree(self, path, source):
        """Adds a host folder with all that is in it."""
        self.folder(path)
        for name in sorted(os.listdir(source)):
            there, here = os.path.join(path, name), os.path.join(source, name)
            if os.path.islink(here):
                self.link(there, os.readlink(here))
            elif os.path.isdir(here):
                self.tree(there, here)
            elif os.path.isfile(here):
                self.file(there, here)

    def program(self, path, source):
        """Adds a program and the shared libraries it needs."""
        self.file(path, source)
        for library in shared_libraries(source):
            self.file(library, library)

    def pack(self):
        """Returns the archive; every file belongs to root."""
        chunks = [_record(i, name, mode, content) for i, (name, (mode, content))
                  in enumerate(sorted(self._entries.items()), 1)]
        chunks.append(_record(0, "TRAILER!!!", 0, b""))
        return b"".join(chunks)


def _record(number, name, mode, content):
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(content),
              0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    head += name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def shared_libraries(program):
    """Absolute paths of the libraries (and the loader) a program needs."""
    result = subprocess.run(["ldd", program], capture_output=True, text=True,
                            check=False)
    if "not found" in result.stdout:
        raise PcError(f"{program}: needs a library this machine lacks:\n"
                      + result.stdout)
    return re.findall(r"(/\S+) \(0x", result.stdout)


def add_applets(archive, path, program):
    """Adds a program that is many, and links by the names of those it lists."""
    archive.file(path, program)
    folder, own = os.path.split(path)
    names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name != own:
            archive.link(f"{folder}/{name}", own)


def add_base(archive):
    """busybox with its commands, the folders, our init and shell library."""
    if not os.path.exists(BUSYBOX):
        raise PcError(f"{BUSYBOX} is missing: run scripts/setup.sh")
    for folder in FOLDERS:
        archive.folder(folder)
    add_applets(archive, "bin/busybox", BUSYBOX)
    archive.link("sbin", "bin")
    archive.data("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"
                               b"nobody:x:65534:65534:nobody:/:/bin/sh\n")
    archive.data("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    archive.file("init", os.path.join(GUEST, "init"))
    for library in ("report.sh", "plinth.sh", "memory.sh", "spin.sh"):
        archive.file("lib/plinth/" + library, os.path.join(GUEST, library))


def add_kernel_modules(archive, folder, names):
    """Adds modules of the stock kernel, and what they need, for modprobe."""
    if not names:
        return
    release = os.path.basename(folder.rstrip("/"))
    needs = {}
    with open(os.path.join(folder, "modules.dep"), encoding="utf-8") as file:
        for line in file:
            path, _, rest = line.partition(":")
            needs[_module_name(path)] = [path] + rest.split()
    chosen = {}
    for name in names:
        if name.replace("-", "_") not in needs:
            raise PcError(f"kernel {release} has no module '{name}'")
        for path in needs[name.replace("-", "_")]:
            chosen[path] = needs[_module_name(path)]
    base = "lib/modules/" + release
    for path in chosen:
        _add_kernel_module(archive, f"{base}/{_unpacked(path)}", os.path.join(folder, path))
    lines = [f"{_unpacked(files[0])}: {' '.join(map(_unpacked, files[1:]))}\n" for files in chosen.values()]
    archive.data(base + "/modules.dep", "".join(lines).encode())


def _unpacked(path):
    return path.removesuffix(".xz")


def _add_kernel_module(archive, path, source):
    """Debian packs them since Linux 6.12; they are unpacked here, not in the emulator."""
    if source.endswith(".xz"):
        with lzma.open(source) as file:
            archive.data(path, file.read())
    else:
        archive.file(path, source)


def _module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")
