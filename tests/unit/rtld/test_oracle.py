#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plinthctl link against the oracle: the samples, and every shared object of this machine that nobody here wrote.

Prints TAP. A foreign object may be refused only for what rtld does not support by policy, never as malformed.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import oracle

POLICY = {'PHDR_TLS', 'PHDR_INTERP', 'TAG_TLS', 'TAG_PIE', 'TAG_TEXTREL', 'TAG_FILTER', 'STACK_EXEC', 'LOAD_WX',
          'SYMBOL_TLS', 'SYMBOL_IFUNC', 'RELOC_TLS', 'RELOC_IFUNC', 'RELOC_COPY', 'RELOC_CODE', 'EHDR_CLASS',
          'EHDR_TYPE', 'EHDR_MACHINE'}
FORMS = ('gnu', 'lazy', 'sysv', 'both', 'lld', 'relr', 'version', 'tags', 'marked')
GROUP = 6


def foreign_objects(root):
    found = set()
    for path in sorted(pathlib.Path(root).rglob('*.so*')):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open('rb') as f:
            if f.read(4) == b'\x7fELF':
                found.add(str(path))
    return sorted(found)


def probe(tool, paths):
    """The paths that are accepted, and complaints about how others were refused."""
    good, problems, refused = [], [], 0
    for start in range(0, len(paths), 200):
        group = paths[start:start + 200]
        run = subprocess.run([tool, 'check', '--elf-rules', '--json', *group], capture_output=True, text=True,
                             check=False)
        if run.returncode not in (0, 1):
            problems.append(f'exit status {run.returncode} for a group with {group[0]}')
            continue
        errors = json.loads(run.stdout)['errors']
        bad = {e['module'] for e in errors}
        refused += len(bad)
        good += [p for p in group if p not in bad]
        problems += [e['text'] for e in errors if e['check'] not in POLICY and e['check'] != 'NAME_TWICE']
    return good, problems, refused


def link_all(tool, good):
    problems, linked, planned = [], 0, 0
    for start in range(0, len(good), GROUP):
        group, names = [], set()
        for path in good[start:start + GROUP]:
            name = oracle.Module(path).soname()
            if name not in names:
                names.add(name)
                group.append(path)
        # Every other group with jump slots left for the first call.
        rules = ['--elf-rules', '--lazy'] if start // GROUP % 2 else ['--elf-rules']
        compared = oracle.Compared([tool], group, 0x10000000, rules)
        problems += compared.problems
        linked += len(group)
        planned += len(group) if compared.planned else 0
    return problems, linked, planned


def compare(tool, paths, rules):
    """Complaints about a set of samples, all of which can have a plan."""
    compared = oracle.Compared([tool], paths, 0x7f0000000000, rules)
    return compared.problems or ([] if compared.planned else ['no plan was made'])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('tool')
    p.add_argument('samples', type=pathlib.Path)
    p.add_argument('--root', default='/usr/lib')
    o = p.parse_args()
    results = []
    for form in FORMS:
        for strong in ([], [str(o.samples / 'strong.so')]):
            paths = [str(o.samples / f'{name}-{form}.so') for name in ('base', 'user')] + strong
            rules = ['--elf-rules'] if strong else []
            results.append((f'samples {form}{" with strong" if strong else ""}',
                            compare(o.tool, paths, rules)))
        results.append((f'samples {form}, lazy', compare(o.tool, paths[:2], ['--elf-rules', '--lazy'])))
    results.append(('undefined symbols', compare(o.tool, [str(o.samples / 'lonely.so')], ['--elf-rules'])))
    results.append(('a lowest page that is no multiple of the alignment',
                    oracle.Compared([o.tool], [str(o.samples / f'{n}.so') for n in ('base-gnu', 'odd')], 0x10000000, ['--elf-rules']).problems))
    good, problems, refused = probe(o.tool, foreign_objects(o.root))
    results.append((f'probe {len(good) + refused} foreign objects, {refused} refused by policy', problems))
    problems, linked, planned = link_all(o.tool, good)
    if not linked or not planned:
        problems.append('no foreign object was linked, or none by a plan')
    results.append((f'link {linked} foreign objects, {planned} of them by a plan too', problems))
    print(f'1..{len(results)}')
    for number, (name, problems) in enumerate(results, 1):
        print(f'{"not ok" if problems else "ok"} {number} - {name}')
        for line in problems[:20]:
            print(f'# {line}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
