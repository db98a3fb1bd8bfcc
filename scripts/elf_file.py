# SPDX-License-Identifier: MIT
"""The parts of an ELF64 x86-64 shared object that the build checks look at.

It reads what a loader reads: program headers and PT_DYNAMIC (gABI, "Program Header", "Dynamic Section"),
and the sections only to name code.
"""

import struct
from collections import namedtuple

PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_TLS, PT_GNU_STACK = 1, 2, 4, 7, 0x6474E551
PF_X, PF_W = 1, 2
DT_NEEDED, DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ = 1, 2, 5, 6, 7, 8
DT_SONAME, DT_RPATH, DT_REL, DT_TEXTREL, DT_JMPREL, DT_RUNPATH, DT_FLAGS = 14, 15, 17, 22, 23, 29, 30
DF_TEXTREL = 4
SHT_DYNSYM = 11
STT_TLS = 6
STV_DEFAULT, STV_PROTECTED = 0, 3

Segment = namedtuple('Segment', 'type flags offset vaddr paddr filesz memsz align')
Section = namedtuple('Section', 'name type flags addr offset size link info align entsize')
Symbol = namedtuple('Symbol', 'name info other section value size')
Relocation = namedtuple('Relocation', 'offset type symbol addend')
Note = namedtuple('Note', 'name type desc')


class ElfError(Exception):
    """The file is not what the linker should have made."""


def text_at(data, offset):
    return data[offset:data.index(b'\0', offset)].decode()


class ElfFile:
    def __init__(self, path):
        with open(path, 'rb') as file:
            self.data = file.read()
        if self.data[:6] != b'\x7fELF\x02\x01' or struct.unpack_from('<HH', self.data, 16) != (3, 62):
            raise ElfError('not a shared object for x86-64')
        phoff, shoff = struct.unpack_from('<QQ', self.data, 32)
        phnum, _, shnum, shstrndx = struct.unpack_from('<HHHH', self.data, 56)
        self.segments = [self._segment(phoff + 56 * i) for i in range(phnum)]
        self.sections = self._sections(shoff, shnum, shstrndx)
        self.dynamic = self._dynamic()
        self.symbols = self._symbols()

    def _segment(self, at):
        kind, flags, *rest = struct.unpack_from('<IIQQQQQQ', self.data, at)
        return Segment(kind, flags, *rest)

    def _sections(self, shoff, shnum, shstrndx):
        raw = [struct.unpack_from('<IIQQQQIIQQ', self.data, shoff + 64 * i) for i in range(shnum)]
        names = raw[shstrndx][4] if raw else 0
        return [Section(text_at(self.data, names + r[0]), *r[1:]) for r in raw]

    def _dynamic(self):
        for segment in self.segments:
            if segment.type == PT_DYNAMIC:
                part = self.data[segment.offset:segment.offset + segment.filesz]
                return [entry for entry in struct.iter_unpack('<QQ', part) if entry[0]]
        raise ElfError('no PT_DYNAMIC')

    def tags(self, tag):
        return [value for t, value in self.dynamic if t == tag]

    def offset_of(self, address):
        for s in self.segments:
            if s.type == PT_LOAD and s.vaddr <= address < s.vaddr + s.filesz:
                return address - s.vaddr + s.offset
        raise ElfError(f'address {address:#x} is not in the file')

    def dynamic_text(self, tag):
        table = self.offset_of(self.tags(DT_STRTAB)[0])
        return [text_at(self.data, table + value) for value in self.tags(tag)]

    def _symbols(self):
        names = self.offset_of(self.tags(DT_STRTAB)[0])
        for s in self.sections:
            if s.type == SHT_DYNSYM:
                entries = struct.iter_unpack('<IBBHQQ', self.data[s.offset:s.offset + s.size])
                return [Symbol(text_at(self.data, names + e[0]), *e[1:]) for e in entries]
        raise ElfError('no .dynsym')

    def exports(self):
        """What other modules can bind to: GNU ld lists some hidden symbols too."""
        return {s.name: s for s in self.symbols
                if s.section and s.info >> 4 and s.other & 3 in (STV_DEFAULT, STV_PROTECTED)}

    def undefined(self):
        return sorted(s.name for s in self.symbols if not s.section and s.name)

    def relocations(self):
        for table, size in ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ)):
            for start, length in zip(self.tags(table), self.tags(size)):
                at = self.offset_of(start)
                for offset, info, addend in struct.iter_unpack('<QQq', self.data[at:at + length]):
                    yield Relocation(offset, info & 0xffffffff, self.symbols[info >> 32].name, addend)

    def notes(self):
        for s in self.segments:
            at, end = s.offset, s.offset + s.filesz
            while s.type == PT_NOTE and at < end:
                name_size, desc_size, kind = struct.unpack_from('<III', self.data, at)
                name = self.data[at + 12:at + 12 + name_size]
                at += 12 + (name_size + 3 & ~3)
                yield Note(name.rstrip(b'\0').decode(), kind, self.data[at:at + desc_size])
                at += desc_size + 3 & ~3
