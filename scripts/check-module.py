#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks one built module against the rules that Plinth's design depends on.

One line per finding: module, rule, place, what is wrong, what to do. Exit status 0: none; 1: findings;
2: the check itself could not run. With --expect RULE it is the other way round: success means that this rule,
and no other, was broken (the proof that the rule can fail).
"""

import argparse
import os
import struct
import subprocess
import sys

import code_rules
import elf_file as elf
from public_header import exported_names

RELOCATIONS = {1: 'R_X86_64_64', 6: 'R_X86_64_GLOB_DAT', 7: 'R_X86_64_JUMP_SLOT', 8: 'R_X86_64_RELATIVE'}
NOTE_NAME, NOTE_TYPE = 'Plinth', 1
NOTE_DESCRIPTOR = struct.Struct('<II32s16s96s')     # struct plinth_module, include/plinth/abi.h

MODULE_RULES = []


def rule(name):
    def register(function):
        MODULE_RULES.append((name, function))
        return function
    return register


@rule('wx')
def writable_and_executable(module, _):
    both = elf.PF_W | elf.PF_X
    for i, s in enumerate(module.segments):
        if s.type == elf.PT_LOAD and s.flags & both == both:
            yield f'segment {i} at {s.vaddr:#x} is writable and executable: fix its sections\' flags'
        if s.type == elf.PT_GNU_STACK and s.flags & elf.PF_X:
            yield 'asks for an executable stack: link with -z noexecstack'


@rule('tls')
def thread_local(module, _):
    for s in module.symbols:
        if s.info & 15 == elf.STT_TLS:
            yield f'{s.name} is thread-local: keep per-CPU state in struct vcpu'
    if any(s.type == elf.PT_TLS for s in module.segments):
        yield 'has thread-local storage: keep per-CPU state in struct vcpu'


@rule('textrel')
def text_relocations(module, _):
    flags = module.tags(elf.DT_FLAGS) or [0]
    if module.tags(elf.DT_TEXTREL) or flags[0] & elf.DF_TEXTREL:
        yield 'has relocations in read-only segments: compile with -fPIC, link with -z text'


@rule('runpath')
def library_path(module, _):
    for tag, name in ((elf.DT_RPATH, 'RPATH'), (elf.DT_RUNPATH, 'RUNPATH')):
        for path in module.dynamic_text(tag):
            yield f'has {name} {path}: link needed modules by full path, not with link_with'


@rule('soname')
def role_is_soname(module, args):
    names = module.dynamic_text(elf.DT_SONAME)
    if names != [args.role]:
        yield f'SONAME is {names}, the role is {args.role}: link with -soname,{args.role}'


@rule('needed')
def needed_as_declared(module, args):
    found, declared = module.dynamic_text(elf.DT_NEEDED), [role for role, _ in args.needs]
    for role in found:
        if role not in declared:
            yield f'needs {role}, which is not declared: add it to "needs" in modules/meson.build'
    for role in declared:
        if role not in found:
            yield f'declares that it needs {role} but has no DT_NEEDED for it: link it'
    if len(found) != len(set(found)):
        yield f'names a needed module twice: {", ".join(found)}'


@rule('undefined')
def imports_provided(module, args):
    provided = set()
    for _, path in args.needs:
        provided |= set(elf.ElfFile(path).exports())
    for name in module.undefined():
        if name not in provided:
            yield f'{name} is undefined and no needed module exports it: define it, or add its module to "needs"'


@rule('undeclared-export')
def exports_declared(module, args):
    declared = set().union(*map(exported_names, args.header))
    for name in sorted(set(module.exports()) - declared):
        yield f'exports {name}, which {" ".join(args.header)} does not declare with PLINTH_EXPORT: declare or hide it'


@rule('missing-export')
def declared_exported(module, args):
    for header in args.header:
        for name in sorted(exported_names(header) - set(module.exports())):
            yield f'{header} declares {name} with PLINTH_EXPORT and the module does not export it: define it'


@rule('reloc')
def relocation_types(module, _):
    if module.tags(elf.DT_REL):
        yield 'has DT_REL relocations: only RELA and RELR are handled'
    for r in module.relocations():
        if r.type not in RELOCATIONS:
            yield (f'relocation of type {r.type} at {r.offset:#x} {r.symbol or "without symbol"}: '
                   f'only {", ".join(RELOCATIONS.values())} are handled')


@rule('note')
def module_note(module, args):
    notes = [n for n in module.notes() if (n.name, n.type) == (NOTE_NAME, NOTE_TYPE)]
    if len(notes) != 1:
        yield f'has {len(notes)} Plinth notes instead of one: write PLINTH_MODULE(...) once'
        return
    if len(notes[0].desc) != NOTE_DESCRIPTOR.size:
        yield f'its note has {len(notes[0].desc)} bytes instead of {NOTE_DESCRIPTOR.size}: use PLINTH_MODULE'
        return
    abi, size, *texts = NOTE_DESCRIPTOR.unpack(notes[0].desc)
    name, version, about = (t.partition(b'\0') for t in texts)
    if size != NOTE_DESCRIPTOR.size or not abi:
        yield f'its note says ABI {abi}, size {size}: use PLINTH_MODULE of include/plinth/abi.h'
    if name[0].decode() != args.name:
        yield f'its note names {name[0].decode()!r}, the file is {args.name}: name them alike'
    if not all(part[1] and part[0] for part in (name, version, about)):
        yield 'its note has an empty or unterminated text: shorten or fill in PLINTH_MODULE\'s strings'


def findings(args):
    """(rule, text) for everything that is wrong."""
    module = elf.ElfFile(args.module)
    for name, check in MODULE_RULES:
        for text in check(module, args):
            yield name, text
    for f in code_rules.check_code(args.objdump, args.module, args.allow_fp):
        yield f.rule, f'{f.function}+{f.offset:#x}: {f.text}: {f.advice}'


def role_and_path(text):
    role, _, path = text.partition('=')
    return role, path


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('module')
    p.add_argument('--role', required=True, help='the SONAME it must have')
    p.add_argument('--header', action='append', required=True, help='a public header that this role provides')
    p.add_argument('--needs', type=role_and_path, action='append', default=[], metavar='ROLE=FILE',
                   help='a module it is declared to need')
    p.add_argument('--allow-fp', action='append', default=[], metavar='FUNCTION',
                   help='may use x87 and SSE: code that switches their state')
    p.add_argument('--objdump', default='llvm-objdump')
    p.add_argument('--expect', metavar='RULE', help='succeed when exactly this rule is broken')
    args = p.parse_args()
    args.name = os.path.splitext(os.path.basename(args.module))[0]
    return args


def main():
    args = parse_arguments()
    try:
        found = list(findings(args))
    except (OSError, elf.ElfError, struct.error, subprocess.CalledProcessError) as error:
        print(f'{args.module}: cannot be checked: {error}', file=sys.stderr)
        return 2
    for name, text in found:
        print(f'{args.name}.so: {name}: {text}')
    broken = sorted({name for name, _ in found})
    if args.expect:
        if broken != [args.expect]:
            print(f'expected the rule {args.expect} to be broken and no other; broken: {broken}')
        return broken != [args.expect]
    return bool(found)


if __name__ == '__main__':
    sys.exit(main())
