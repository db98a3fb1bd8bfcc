# SPDX-License-Identifier: MIT
"""Stops the emulated PC at a function of a module: symbols, registers, backtrace.

Only with modules loaded at fixed addresses (plinthctl load --no-aslr): then it
is known before the boot what will be where.
"""

import bisect
import glob
import os
import re
import select
import struct
import subprocess
import sys

from errors import PcError
from places import functions
from products import BESIDE

PAGE = 4096
FIRST = (64 << 39) + (1 << 30)  # SLOT_FIXED, BASE_FIXED of drivers/common/space.c
PT_LOAD = 1
STACK_WORDS = 256
FRAMES = 16
LAST_WORDS = 10                 # seconds
STOPPED = re.compile(r"\((\d+)\) Breakpoint \d+, 0x[0-9a-f]+")
REGISTER = re.compile(r"\b(r[a-z0-9]+) ?: ([0-9a-f]{8})_([0-9a-f]{8})")
DUMP = re.compile(r"^0x([0-9a-f]{16}) <[^>]*>:((?:\s+0x[0-9a-f]+)+)", re.M)
# What the debugger is asked, on the CPU that stopped, and how the end of its answers is known.
QUESTIONS = "set $cpu = {cpu}\nr\nx /{words}gx rsp\ncalc {end}\n"
END = "0x0ddba11"
ANSWERED = re.compile(r"\b0x0*ddba11\b")


def image_bytes(path):
    """Memory of a module, in whole pages, from its program headers."""
    with open(path, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    end = 0
    for i in range(count):
        kind, _, _, vaddr, _, _, memory = struct.unpack_from("<IIQQQQQ", data, offset + i * size)
        if kind == PT_LOAD:
            end = max(end, vaddr + memory)
    return (end + PAGE - 1) // PAGE * PAGE


class Symbols:
    """All functions of the modules at the addresses of a load with --no-aslr."""

    def __init__(self, folder):
        self._addresses = []
        self._names = []
        self._sizes = {}
        at = FIRST
        rows = []
        for path in sorted(glob.glob(os.path.join(folder, "*.so"))):
            module = os.path.basename(path)[:-3]
            if module.startswith("debug_") or os.path.basename(path) in BESIDE:
                continue        # not among those that are loaded
            at += PAGE
            rows += self._functions(path, module, at)
            at += image_bytes(path)
        rows.sort()
        self._addresses = [row[0] for row in rows]
        self._names = [row[1] for row in rows]

    def _functions(self, path, module, base):
        rows = []
        for offset, size, name in functions(path):
            rows.append((base + offset, f"{module}:{name}"))
            self._sizes[base + offset] = size
        return rows

    def address(self, place):
        """Of "module:function", or of a function only one module has."""
        found = [a for a, name in zip(self._addresses, self._names)
                 if place in (name, name.split(":")[1])]
        if len(found) == 1:
            return found[0]
        raise PcError(f"--debug {place}: " + ("in several modules: wants MODULE:FUNCTION"
                                              if found else "no module has this function"))

    def name(self, address):
        """ "module:function+0x12", or None for an address in no function."""
        i = bisect.bisect_right(self._addresses, address) - 1
        offset = address - self._addresses[i] if i >= 0 else 0
        if i < 0 or offset >= self._sizes[self._addresses[i]]:
            return None
        return f"{self._names[i]}+{offset:#x}"

    def write(self, path):
        """For the emulator's debugger: ldsym."""
        with open(path, "w", encoding="utf-8") as file:
            for address, name in zip(self._addresses, self._names):
                file.write(f"{address:x} {name}\n")


class Session:
    """The emulator's debugger with the modules' symbols."""

    def __init__(self, config, symbols, place):
        self.symbols = symbols
        self.place = place
        self.path = config.path("symbols.txt")
        self.stopped = False
        symbols.write(self.path)

    def commands(self):
        """What the debugger is to do from its start to the first stop."""
        return (f'ldsym global "{self.path}"\n'
                f"lb {self.symbols.address(self.place):#x}\n"
                "continue\n")

    def follow(self, process, read):
        """Shows the first stop, then carries words between terminal and debugger."""
        stop = self._wait(process, read, STOPPED)
        if not stop:
            return
        self._say(process, QUESTIONS.format(cpu=stop[1], words=STACK_WORDS, end=END))
        answer = self._wait(process, read, ANSWERED)
        if not answer:
            return
        self._show(answer.string)
        self.stopped = True
        while process.poll() is None and self._pass_on(process):
            self._print(read())
        # What was asked last is still answered.
        process.stdin.close()
        try:
            process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            pass
        self._print(read())

    @staticmethod
    def _print(words):
        sys.stdout.write(words.decode(errors="replace"))
        sys.stdout.flush()

    @staticmethod
    def _wait(process, read, pattern):
        """The match in what the debugger says; None if it ends before."""
        text = ""
        while process.poll() is None:
            text += read().decode(errors="replace")
            match = pattern.search(text)
            if match:
                return match
        return None

    def _show(self, text):
        """The stop in words."""
        registers = {n: int(high + low, 16) for n, high, low in REGISTER.findall(text)}
        print(f"stopped at {self.symbols.name(registers['rip']) or self.place}")
        for name, value in registers.items():
            where = self.symbols.name(value)
            print(f"  {name:<4} {value:#018x}{'  ' + where if where else ''}")
        print("backtrace:")
        for address in self._backtrace(registers, self._stack(text)):
            print(f"  {self.symbols.name(address) or hex(address)}")
        print("the emulator's debugger: help, continue, s, r, x, u, slist, quit")
        sys.stdout.flush()

    @staticmethod
    def _stack(text):
        """{address: word} of the dump."""
        words = {}
        for match in DUMP.finditer(text):
            for i, word in enumerate(match[2].split()):
                words[int(match[1], 16) + 8 * i] = int(word, 16)
        return words

    @staticmethod
    def _backtrace(registers, stack):
        """Before a function's first instruction the return address is on top."""
        yield registers["rip"]
        if registers["rsp"] in stack:
            yield stack[registers["rsp"]] - 1
        frame = registers["rbp"]
        for _ in range(FRAMES):
            if frame not in stack or frame + 8 not in stack:
                return
            yield stack[frame + 8] - 1
            if stack[frame] <= frame:
                return
            frame = stack[frame]

    @staticmethod
    def _pass_on(process):
        """One line from the terminal; false at its end."""
        if not select.select([sys.stdin], [], [], 0.1)[0]:
            return True
        line = sys.stdin.readline()
        if line:
            Session._say(process, line)
        return bool(line)

    @staticmethod
    def _say(process, words):
        process.stdin.write(words.encode())
        process.stdin.flush()
