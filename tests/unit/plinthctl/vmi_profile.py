#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl vmi-profile with type information and symbols that are made here: what it writes, and what it refuses.

    vmi_profile.py PLINTHCTL

Prints TAP. The running kernel's own comes in tests/system/cases/vmi_profile.sh.
"""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

TOOL = os.path.abspath(sys.argv[1])
NATIVE = "/sys/kernel/btf/vmlinux"
OUTPUTS = ["libvmi.conf", "libvmi.json", "libvmi.sysmap"]
KALLSYMS = """ffffffff81000000 T _text
ffffffff80000000 d init_task\t[a_module]
ffffffff82a1a940 D init_task
ffffffff81e00000 D linux_banner
ffffffff82b00010 D modules
ffffffff82b00020 d modules
"""
INT, POINTER, STRUCT, UNION = 1, 2, 4, 5
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def same(what, wanted, got):
    if wanted != got:
        raise AssertionError(f"{what}: wanted {wanted!r}, got {got!r}")


# -- type information ---------------------------------------------------------------------

class Types:
    """BTF as the kernel's documentation has it; types are numbered from 1 on."""

    def __init__(self):
        self._names = b"\0"
        self._types = b""
        self._n = 0
        self.int = self._add("int", INT, 0, 4, struct.pack("<I", 1 << 24 | 32))

    def _add(self, name, kind, flags_and_count, size, rest):
        offset = len(self._names) if name else 0
        self._names += name.encode() + b"\0" if name else b""
        self._types += struct.pack("<III", offset, kind << 24 | flags_and_count, size) + rest
        self._n += 1
        return self._n

    def composite(self, kind, name, members, fields=False):
        """Members are (name, type, bit); with fields (name, type, bit, bits)."""
        rest = b""
        for member in members:
            offset = len(self._names) if member[0] else 0
            self._names += member[0].encode() + b"\0" if member[0] else b""
            bit = member[2] | (member[3] << 24 if fields else 0)
            rest += struct.pack("<III", offset, member[1], bit)
        return self._add(name, kind, len(members) | fields << 31, 64, rest)

    def pack(self):
        header = struct.pack("<HBBIIIII", 0xeb9f, 1, 0, 24, 0, len(self._types), len(self._types), len(self._names))
        return header + self._types + self._names


def kernel(leave_out="", pid=(4096, 0)):
    """A kernel's structures: mm_struct.pgd is two unnamed structures deep, pid in an unnamed union."""
    types = Types()
    fields = bool(pid[1])
    union = types.composite(UNION, "", [("tgid", types.int, 0), ("pid", types.int, 0)])
    task = [("state", types.int, 0), ("tasks", types.int, 64 * 8), ("mm", types.int, 80 * 8), ("comm", types.int, 96 * 8)]
    task = [member for member in task if member[0] != leave_out]
    if fields:
        task = [member + (0,) for member in task] + [("pid", types.int, *pid)]
    else:
        task += [("", union, pid[0])]
    inner = types.composite(STRUCT, "", [("map_count", types.int, 0), ("pgd", types.int, 64)])
    outer = types.composite(STRUCT, "", [("", types.int, 0), ("", inner, 128)])
    types.composite(UNION, "task_struct", [("tasks", types.int, 8)])
    for name, members in (("task_struct", task), ("mm_struct", [("count", types.int, 0), ("", outer, 512)])):
        if name != leave_out:
            types.composite(STRUCT, name, members, fields and name == "task_struct")
    return types.pack()


def recursive():
    """An unnamed structure that is within itself, which no compiler writes."""
    types = Types()
    types.composite(STRUCT, "", [("", 2, 0)])
    types.composite(STRUCT, "task_struct", [("", 2, 0)])
    return types.pack()


# -- the command ---------------------------------------------------------------------------

def put(path, content):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def run(folder, *words, types=None, symbols=KALLSYMS):
    """In a folder with both sources beside an empty one for what is written."""
    out = os.path.join(folder, "out")
    os.makedirs(out, exist_ok=True)
    sources = ["--btf", put(f"{folder}/btf", kernel() if types is None else types),
               "--kallsyms", put(f"{folder}/kallsyms", symbols)]
    return subprocess.run([TOOL, "vmi-profile", *sources, "--output", out, *words], capture_output=True, check=False,
                          text=True, timeout=20)


def read(folder, name):
    with open(f"{folder}/out/{name}", encoding="ascii") as file:
        return file.read()


def refuses(folder, words, result):
    """One line that says so, and nothing is written."""
    lines = result.stderr.splitlines()
    same("exit status", 1, result.returncode)
    same(f"lines: {lines}", 1, len(lines))
    if not re.search(words, lines[0]):
        raise AssertionError(f"wanted '{words}', got '{lines[0]}'")
    same("standard output", "", result.stdout)
    same("files", [], os.listdir(f"{folder}/out"))


@test
def what_is_written(folder):
    result = run(folder)
    out = os.path.realpath(f"{folder}/out")
    same("exit status", (0, ""), (result.returncode, result.stderr))
    same("what it says", f"{out}/libvmi.conf: domain dom0, ", result.stdout[:len(out) + 27])
    same("files", OUTPUTS, sorted(os.listdir(out)))
    same("nobody else reads them", {0o600}, {os.stat(f"{out}/{name}").st_mode & 0o777 for name in OUTPUTS})
    conf = [line.strip() for line in read(folder, "libvmi.conf").splitlines() if line[0] != "#"]
    same("configuration", ["dom0 {", 'ostype = "Linux";', f'sysmap = "{out}/libvmi.sysmap";', "linux_tasks = 0x40;",
                           "linux_mm = 0x50;", "linux_pid = 0x200;", "linux_name = 0x60;", "linux_pgd = 0x58;", "}"], conf)
    same("symbols", ["ffffffff82a1a940 D init_task", "ffffffff81e00000 D linux_banner", "ffffffff82b00010 D modules"],
         read(folder, "libvmi.sysmap").splitlines())
    fields = {"tasks": 64, "mm": 80, "pid": 512, "comm": 96}
    same("profile", {
        "metadata": {"linux": {}},
        "symbols": {"init_task": {"address": 0xffffffff82a1a940}, "linux_banner": {"address": 0xffffffff81e00000},
                    "modules": {"address": 0xffffffff82b00010}},
        "user_types": {"task_struct": {"fields": {name: {"offset": at} for name, at in fields.items()}},
                       "mm_struct": {"fields": {"pgd": {"offset": 88}}}},
    }, json.loads(read(folder, "libvmi.json")))


@test
def as_json(folder):
    result = run(folder, "--json", "--name", "web-1.a_b", "_text")
    document = json.loads(result.stdout)
    out = os.path.realpath(f"{folder}/out")
    same("names", ["web-1.a_b", f"{out}/libvmi.conf", f"{out}/libvmi.sysmap", f"{out}/libvmi.json"],
         [document[key] for key in ("domain", "conf", "sysmap", "profile")])
    same("offset", 88, document["offsets"]["mm_struct.pgd"])
    same("symbols", ["init_task", "linux_banner", "modules", "_text"], list(document["symbols"]))
    same("address", "0xffffffff81000000", document["symbols"]["_text"])
    same("domain", True, "\nweb-1.a_b {\n" in read(folder, "libvmi.conf"))
    same("error", ["error"], list(json.loads(run(folder, "--json", "none_such").stderr)))


@test
def a_symbol_more(folder):
    run(folder, "_text", "modules")
    same("list", 5, len(read(folder, "libvmi.sysmap").splitlines()))
    same("profile", 0xffffffff81000000, json.loads(read(folder, "libvmi.json"))["symbols"]["_text"]["address"])


@test
def a_symbol_less(folder):
    same("exit status", 0, run(folder, symbols="ffffffff82a1a940 D init_task\n").returncode)
    same("list", 1, len(read(folder, "libvmi.sysmap").splitlines()))


@test
def a_structure_in_an_elf_file(folder):
    if not shutil.which("objcopy"):
        return
    put(f"{folder}/types", kernel())
    put(f"{folder}/empty.s", "")
    subprocess.run(["as", "-o", f"{folder}/vmlinux", f"{folder}/empty.s"], check=True)
    refuses(folder, "vmlinux: no type information .* no section .BTF", run(folder, "--btf", f"{folder}/vmlinux"))
    subprocess.run(["objcopy", "--add-section", f".BTF={folder}/types", f"{folder}/vmlinux"], check=True)
    same("exit status", 0, run(folder, "--btf", f"{folder}/vmlinux").returncode)


@test
def no_types(folder):
    refuses(folder, "/none: no type information .*: No such file or directory; kernels built with CONFIG_DEBUG_INFO_BTF",
            run(folder, "--btf", folder + "/none"))
    for types in (b"", b"no types", kernel()[:40], kernel()[:-200]):
        refuses(folder, "btf: no type information", run(folder, types=types))


@test
def other_types(folder):
    refuses(folder, "btf: has no struct task_struct: is it of a Linux kernel", run(folder, types=kernel("task_struct")))
    refuses(folder, "btf: has no struct mm_struct", run(folder, types=kernel("mm_struct")))
    refuses(folder, "btf: struct task_struct has no member comm", run(folder, types=kernel("comm")))
    refuses(folder, "task_struct.pid begins at bit 4096, or is a bit field", run(folder, types=kernel(pid=(4096, 3))))
    refuses(folder, "task_struct.pid begins at bit 4099,", run(folder, types=kernel(pid=(4099, 0))))
    refuses(folder, "task_struct has no member tasks", run(folder, types=recursive()))


@test
def no_symbols(folder):
    refuses(folder, "/none: cannot be read: No such file", run(folder, "--kallsyms", folder + "/none"))
    refuses(folder, "out: cannot be read: Is a directory", run(folder, "--kallsyms", folder + "/out"))
    refuses(folder, "kallsyms: init_task is at address 0: addresses are hidden: it takes root",
            run(folder, symbols=re.sub("(?m)^f+[0-9a-f]*", "0" * 16, KALLSYMS)))
    for symbols in ("", "nonsense\n\0\n" * 99, KALLSYMS.replace("D init_task", "D init_tasks")):
        refuses(folder, "kallsyms: has no symbol init_task of the kernel itself.*CONFIG_KALLSYMS_ALL", run(folder, symbols=symbols))
    refuses(folder, "has no symbol none_such", run(folder, "none_such"))


@test
def where_nothing_can_be_written(folder):
    refuses(folder, r"--output .*/none: no folder for files: No such file", run(folder, "--output", folder + "/none"))
    for name in ("a folder", "a+b", 200 * "long/" + "er"):
        os.makedirs(f"{folder}/{name}")
        refuses(folder, "libvmi.sysmap: LibVMI's configuration cannot name it", run(folder, "-o", f"{folder}/{name}"))
    refuses(folder, "/btf/libvmi.sysmap: cannot be written: Not a directory", run(folder, "--output", folder + "/btf"))


@test
def all_or_none(folder):
    run(folder)
    before = {name: read(folder, name) for name in OUTPUTS}
    os.rename(f"{folder}/out/libvmi.json", f"{folder}/kept")
    os.mkdir(f"{folder}/out/libvmi.json")
    result = run(folder, "--name", "other")
    same("what is in the way", (1, True), (result.returncode, "libvmi.json: cannot be written: Is a directory" in result.stderr))
    os.rmdir(f"{folder}/out/libvmi.json")
    os.rename(f"{folder}/kept", f"{folder}/out/libvmi.json")
    same("what was there", before, {name: read(folder, name) for name in sorted(os.listdir(f"{folder}/out"))})
    same("again", 0, run(folder, "--name", "other").returncode)
    same("files", OUTPUTS, sorted(os.listdir(f"{folder}/out")))
    same("the new one", True, "\nother {\n" in read(folder, "libvmi.conf"))


@test
def a_configuration_of_others(folder):
    os.mkdir(f"{folder}/out")
    for content in ("", "web { ostype = \"Linux\"; }\n", "# " + 2000000 * "x"):
        put(f"{folder}/out/libvmi.conf", content)
        result = run(folder)
        same("exit status", 1, result.returncode)
        same("words", True, "libvmi.conf: is not by plinthctl, and is kept: move it away" in result.stderr)
        same("what was there", content, read(folder, "libvmi.conf"))
        same("files", ["libvmi.conf"], os.listdir(f"{folder}/out"))


@test
def a_link_leads_nowhere(folder):
    """In a folder that others can write to, too."""
    put(f"{folder}/victim", "as it was")
    os.mkdir(f"{folder}/out")
    for name in ("libvmi.json", "libvmi.json.part", "libvmi.sysmap.part"):
        os.symlink(f"{folder}/victim", f"{folder}/out/{name}")
    same("exit status", 0, run(folder).returncode)
    with open(f"{folder}/victim", encoding="ascii") as file:
        same("what was there", "as it was", file.read())
    same("files", OUTPUTS, sorted(os.listdir(f"{folder}/out")))


@test
def names_that_libvmi_does_not_take(folder):
    for name in ("d", "", "0x12af", "17", "-x", "a b", "a;b", "\xfc\xfc"):
        result = run(folder, "--name=" + name)
        same(f"'{name}'", (2, ""), (result.returncode, result.stdout))
        same(f"'{name}'", True, "LibVMI takes two or more letters" in result.stderr)


@test
def words_of_the_configuration_are_no_names(folder):
    for name in ("ostype", "sysmap", "kpgd", "linux_tasks", "win_pid", "volatility_ist", "aarch64_ttbr1_va_width"):
        result = run(folder, "--name=" + name)
        same(f"'{name}'", (2, ""), (result.returncode, result.stdout))
        same(f"'{name}'", True, f"--name {name}: LibVMI's configuration has this word for something else" in result.stderr)
        same("files", [], os.listdir(f"{folder}/out"))
    for name in ("ostypes", "Sysmap", "linux"):
        same(f"'{name}'", 0, run(folder, "--name", name).returncode)


@test
def spoiled_types(folder):
    """One byte after the other: it may be refused, and nothing worse."""
    good = kernel()
    for at in range(0, len(good), 3):
        for value in (0, 0xff, good[at] ^ 1):
            result = run(folder, types=good[:at] + bytes([value]) + good[at + 1:])
            if result.returncode not in (0, 1):
                raise AssertionError(f"byte {at} as {value:#x}: exit status {result.returncode}")


@test
def as_pahole_has_it(folder):
    """A second opinion, where there is one."""
    if not shutil.which("pahole") or not os.access(NATIVE, os.R_OK):
        return
    result = run(folder, "--json", "--btf", NATIVE)
    same("exit status", (0, ""), (result.returncode, result.stderr))
    for name, offset in json.loads(result.stdout)["offsets"].items():
        structure, member = name.split(".")
        text = subprocess.run(["pahole", "-C", structure, NATIVE], capture_output=True, check=False, text=True).stdout
        found = re.search(rf"[ *]{member}(\[\d+\])?; +/\* +(\d+) ", text)
        same(name, found and int(found.group(2)), offset)


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(folder)
                print(f"ok {number} {name}")
            except AssertionError as error:
                failed = True
                print(f"not ok {number} {name}\n# {error}")
    return 1 if failed else 0


sys.exit(main())
