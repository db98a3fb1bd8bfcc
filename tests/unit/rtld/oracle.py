#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A second linker, to compare rtld with: slow, simple, and sharing no idea with it.

It finds symbols by the section headers (rtld never looks at those), keeps definitions in one dictionary (rtld hashes),
and relocates a bytearray. `link` prints what it computed, `compare` runs `plinthctl link --json` on the same files, without
and with a link plan, and fails on the first difference. The rules are those of --elf-rules: the first definition in the order given wins.
"""
import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

PAGE = 4096
MASK = (1 << 64) - 1
PT_LOAD, PT_DYNAMIC = 1, 2
SHT_DYNSYM = 11
R_64, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE = 1, 6, 7, 8


class Module:
    def __init__(self, path):
        self.path = path
        with open(path, 'rb') as f:
            self.data = f.read()
        phoff, shoff = struct.unpack_from('<QQ', self.data, 32)
        phnum, _, shnum = struct.unpack_from('<HHH', self.data, 56)
        headers = [struct.unpack_from('<IIQQQQQQ', self.data, phoff + 56 * i) for i in range(phnum)]
        self.loads = [h for h in headers if h[0] == PT_LOAD]
        self.dynamic = self.read_dynamic([h for h in headers if h[0] == PT_DYNAMIC][0])
        self.symbols = self.read_symbols(shoff, shnum)
        self.low = self.loads[0][3] // PAGE * PAGE
        last = max(h[3] + h[6] for h in self.loads)
        self.size = -(-last // PAGE) * PAGE - self.low
        self.align = max([PAGE] + [h[7] for h in self.loads])
        self.image = bytearray(self.size)

    def read_dynamic(self, header):
        tags = {}
        for at in range(header[2], header[2] + header[5], 16):
            tag, value = struct.unpack_from('<QQ', self.data, at)
            if tag == 0:
                break
            tags.setdefault(tag, value)
        return tags

    def read_symbols(self, shoff, shnum):
        sections = [struct.unpack_from('<IIQQQQIIQQ', self.data, shoff + 64 * i) for i in range(shnum)]
        table = [s for s in sections if s[1] == SHT_DYNSYM][0]
        names = sections[table[6]]
        symbols = []
        for at in range(table[4], table[4] + table[5], 24):
            name, info, other, shndx, value, _ = struct.unpack_from('<IBBHQQ', self.data, at)
            start = names[4] + name
            text = self.data[start:self.data.index(b'\0', start)]
            symbols.append((text, info >> 4, other & 3, shndx, value))
        return symbols

    def file_offset(self, vaddr):
        for _, _, offset, start, _, filesz, _, _ in self.loads:
            if start <= vaddr < start + filesz:
                return vaddr - start + offset
        raise ValueError(f'{self.path}: no file bytes at {vaddr:#x}')

    def soname(self):
        if 14 not in self.dynamic:
            return os.path.basename(self.path)
        start = self.file_offset(self.dynamic[5] + self.dynamic[14])
        return self.data[start:self.data.index(b'\0', start)].decode()

    def address(self, symbol):
        return symbol[4] if symbol[3] == 0xfff1 else (symbol[4] + self.bias) & MASK

    def exports(self):
        for symbol in self.symbols[1:]:
            _, bind, visibility, shndx, _ = symbol
            if shndx and bind and visibility in (0, 3):
                yield symbol

    def copy(self):
        for _, _, offset, vaddr, _, filesz, _, _ in self.loads:
            at = vaddr - self.low
            self.image[at:at + filesz] = self.data[offset:offset + filesz]

    def write(self, vaddr, value):
        struct.pack_into('<Q', self.image, vaddr - self.low, value & MASK)

    def add_bias(self, vaddr):
        self.write(vaddr, struct.unpack_from('<Q', self.image, vaddr - self.low)[0] + self.bias)

    def relocate_packed(self):
        size = self.dynamic.get(35, 0)
        if not size:
            return
        start = self.file_offset(self.dynamic[36])
        where = 0
        for (word,) in struct.iter_unpack('<Q', self.data[start:start + size]):
            if word % 2 == 0:
                self.add_bias(word)
                where = word + 8
                continue
            for bit in range(63):
                if word >> (bit + 1) & 1:
                    self.add_bias(where + 8 * bit)
            where += 63 * 8

    def entries(self):
        for tag, size_tag in ((7, 8), (23, 2)):
            size = self.dynamic.get(size_tag, 0)
            if size:
                start = self.file_offset(self.dynamic[tag])
                yield from struct.iter_unpack('<QIIq', self.data[start:start + size])

    def bind(self, number, definitions, undefined):
        """The symbol's value; None if it is a strong reference that nobody satisfies: then there is nothing to add to."""
        symbol = self.symbols[number]
        name, bind, visibility, shndx, _ = symbol
        symbolic = 16 in self.dynamic or self.dynamic.get(30, 0) & 2
        if shndx and (bind == 0 or visibility or symbolic):
            return self.address(symbol)
        if name in definitions and visibility in (0, 3):
            owner, found = definitions[name]
            return owner.address(found)
        if shndx:
            return self.address(symbol)
        if bind == 2:
            return 0
        undefined.add((self.path, name.decode()))
        return None

    def is_lazy(self):
        """May jump slots wait for the first call? Not if the file says otherwise, or if they do not lead to its PLT."""
        slots = [offset for offset, kind, _, _ in self.entries() if kind == R_JUMP_SLOT]
        now = 24 in self.dynamic or self.dynamic.get(30, 0) & 8 or self.dynamic.get(0x6ffffffb, 0) & 1
        if now or not slots or 3 not in self.dynamic:
            return False
        stubs = [struct.unpack_from('<Q', self.data, self.file_offset(slot))[0] for slot in slots]
        code = [(vaddr, vaddr + memsz) for _, flags, _, vaddr, _, _, memsz, _ in self.loads if flags & 1]
        return all(any(start <= stub < end for start, end in code) for stub in stubs)

    def relocate(self, definitions, undefined, lazy):
        self.relocate_packed()
        lazy = lazy and self.is_lazy()
        for offset, kind, symbol, addend in self.entries():
            if kind == R_JUMP_SLOT and lazy:
                self.bind(symbol, definitions, undefined)
                self.add_bias(offset)
            elif kind == R_RELATIVE:
                self.write(offset, self.bias + addend)
            elif kind in (R_64, R_GLOB_DAT, R_JUMP_SLOT):
                value = self.bind(symbol, definitions, undefined)
                self.write(offset, 0 if value is None else value + (addend if kind == R_64 else 0))
            elif kind:
                raise ValueError(f'{self.path}: relocation type {kind}')

    def result(self):
        segments = []
        for _, flags, _, vaddr, _, _, memsz, _ in self.loads:
            at = vaddr - self.low
            segments.append({
                'vaddr': hex(vaddr), 'memsz': memsz,
                'flags': ''.join(c if flags & bit else '-' for c, bit in (('r', 4), ('w', 2), ('x', 1))),
                'sha256': hashlib.sha256(self.image[at:at + memsz]).hexdigest()})
        return {'file': self.path, 'bias': hex(self.bias), 'segments': segments}


def link(paths, base, lazy=False):
    modules = [Module(p) for p in paths]
    end = base
    for i, m in enumerate(modules):
        start = -(-end // m.align) * m.align if i else base
        m.bias = (start - m.low) & MASK
        end = start + m.size
    definitions = {}
    for m in modules:
        for symbol in m.exports():
            definitions.setdefault(symbol[0], (m, symbol))
    undefined = set()
    for m in modules:
        m.copy()
        m.relocate(definitions, undefined, lazy)
    return [m.result() for m in modules], undefined


def run_link(tool, paths, base, options):
    """What plinthctl computed, or complaints."""
    run = subprocess.run([*tool, 'link', '--base', hex(base), '--json', *options, *paths],
                         capture_output=True, text=True, check=False)
    got = json.loads(run.stdout)
    if run.returncode or got['errors']:
        return None, [f'refused: {e["text"]}' for e in got['errors']] or [f'exit status {run.returncode}']
    return got, []


def differences(want, undefined, got):
    problems = []
    for w, g in zip(want, got['modules'], strict=True):
        if w['bias'] != g['bias']:
            problems.append(f'{w["file"]}: bias {g["bias"]}, not {w["bias"]}')
        for i, (ws, gs) in enumerate(zip(w['segments'], g['segments'], strict=True)):
            if ws != gs:
                problems.append(f'{w["file"]}: segment {i}: {gs}, not {ws}')
    missing = sorted({s for _, s in undefined} ^ {u['symbol'] for u in got['undefined']})
    if missing:
        problems.append(f'undefined symbols differ: {" ".join(missing)}')
    return problems


class Compared:
    """One set, linked by the tool and by the oracle; by the index and, if its modules can have one, by a link plan."""

    def __init__(self, tool, paths, base, rules):
        self.tool, self.paths, self.base, self.rules = tool, paths, base, rules
        self.planned = False
        got, self.problems = run_link(tool, paths, base, rules)
        if self.problems:
            return
        self.want, self.undefined = link(paths, base, '--lazy' in rules)
        self.problems = differences(self.want, self.undefined, got)
        with tempfile.TemporaryDirectory() as folder:
            self.problems += self.by_plan(os.path.join(folder, 'plan'))

    def by_plan(self, plan):
        rules = [r for r in self.rules if r != '--lazy']
        run = subprocess.run([*self.tool, 'plan', '-o', plan, *rules, *self.paths], capture_output=True, text=True, check=False)
        if run.returncode:
            reasons = [line for line in run.stderr.splitlines() if not line.startswith('note: ')]
            return [f'no plan: {line}' for line in reasons if 'has no SHA-1 build-id' not in line]
        self.planned = True
        got, problems = run_link(self.tool, self.paths, self.base, [*self.rules, '--plan', plan])
        if problems:
            return problems
        if not got['plan']['used']:
            return [f'the plan was {got["plan"]["text"]}']
        return [f'by a plan: {p}' for p in differences(self.want, self.undefined, got)]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('command', choices=['link', 'compare'])
    p.add_argument('--tool', help='for compare: plinthctl')
    p.add_argument('--base', type=lambda s: int(s, 0), default=0x10000000)
    p.add_argument('--elf-rules', action='store_true')
    p.add_argument('files', nargs='+')
    o = p.parse_args()
    if o.command == 'link':
        modules, undefined = link(o.files, o.base)
        json.dump({'modules': modules, 'undefined': sorted(undefined)}, sys.stdout, indent=1)
        return 0
    problems = Compared([os.path.abspath(o.tool)], o.files, o.base, ['--elf-rules'] if o.elf_rules else []).problems
    print('\n'.join(problems) or f'{len(o.files)} files: the same')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
