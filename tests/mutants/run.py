#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants defects one at a time into a copy of the sources and says which sweep of the mocks catches each.

Exit status 0: all were caught; 1: some were not; 2: it could not be tried (a pattern is not there any more, the copy
does not build, or the sweeps fail without any defect).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time

from defects import DEFECTS

# Quick ones first: (name, executable, arguments, seconds on an idle machine). Unit tests only see what no sweep does.
SWEEPS = [
    ('smoke', 'tests/mocks/test_mocks_smoke', [], 10),
    ('hidden pages', 'tests/mocks/test_mocks_ept', [], 10),
    ('events', 'tests/mocks/test_mocks_events', [], 20),
    ('nmi', 'tests/mocks/test_mocks_nmi', [], 30),
    ('single faults', 'tests/mocks/test_mocks_faults', ['--filter', 'faults/single'], 60),
    ('variants', 'tests/mocks/test_mocks_variants', [], 60),
    ('exits', 'tests/mocks/test_mocks_exits', [], 120),
    ('commands', 'tests/mocks/test_mocks_commands', [], 60),
    ('interfaces', 'tests/mocks/test_mocks_interfaces', [], 120),
    ('replacement', 'tests/mocks/test_mocks_replacement', [], 120),
    ('pairs of faults', 'tests/mocks/test_mocks_faults', ['--filter', 'faults/pairs_*'], 300),
    ('unit tests of memory', 'tests/unit/memory/test_memory_heap', [], 30),
    ('unit tests of memory', 'tests/unit/memory/test_memory_pool', [], 30),
]
PATIENCE = 4  # times as long on a busy one


def copy_sources(top, copy):
    files = subprocess.run(['git', '-C', top, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                           check=True, capture_output=True, text=True).stdout.split('\0')
    for name in filter(None, files):
        source, target = os.path.join(top, name), os.path.join(copy, name)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(source, target)
            shutil.copymode(source, target)
    musl = 'subprojects/musl-1.2.3'
    if os.path.isdir(os.path.join(top, musl)):
        shutil.copytree(os.path.join(top, musl), os.path.join(copy, musl), dirs_exist_ok=True)
    cache = 'subprojects/packagecache'
    if os.path.isdir(os.path.join(top, cache)):
        shutil.copytree(os.path.join(top, cache), os.path.join(copy, cache), dirs_exist_ok=True)


def targets(build):
    """What the sweeps need, and nothing that needs a kernel."""
    names = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True, capture_output=True,
                           text=True).stdout
    wanted = [line.split(':')[0] for line in names.splitlines()]
    return ['plinth-modules'] + sorted({program for _, program, *_ in SWEEPS}) + [
        n for n in wanted if n.startswith('tests/mocks/') and '.p/' not in n and n.endswith('.so')]


def compile_all(build, wanted):
    return subprocess.run(['ninja', '-C', build, *wanted], capture_output=True, text=True)


def first_failure(build):
    """The sweep that fails first, or None."""
    env = dict(os.environ, PLINTH_MODULES=f'{build}/modules', PLINTH_MOCKS=f'{build}/tests/mocks')
    for name, program, arguments, seconds in SWEEPS:
        try:
            result = subprocess.run([f'{build}/{program}', *arguments], env=env, timeout=PATIENCE * seconds,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return f'{name} (hangs)'
        if result.returncode:
            return name
    return None


def try_defect(copy, build, wanted, defect):
    name, file, old, new = defect
    path = os.path.join(copy, file)
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if text.count(old) < 1:
        return 'not there'
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace(old, new, 1))
    try:
        if compile_all(build, wanted).returncode:
            return 'does not build'
        return first_failure(build) or 'SURVIVED'
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('top', help='the sources')
    p.add_argument('work', help='a folder for the copy and its build; kept between runs')
    p.add_argument('--cross', default='cross/x86_64-clang.ini')
    p.add_argument('--only', default='', help='defects whose name this regular expression finds')
    args = p.parse_args()
    top, copy, build = os.path.abspath(args.top), os.path.abspath(f'{args.work}/src'), os.path.abspath(f'{args.work}/build')

    copy_sources(top, copy)
    if not os.path.exists(f'{build}/build.ninja'):
        subprocess.run(['meson', 'setup', build, copy, '--cross-file', f'{copy}/{args.cross}'], check=True,
                       stdout=subprocess.DEVNULL)
    wanted = targets(build)
    result = compile_all(build, wanted)
    if result.returncode:
        print(result.stdout[-2000:])
        return 2
    failed = first_failure(build)
    if failed:
        print(f'mutants: without any defect "{failed}" fails: repair that first')
        return 2

    chosen = [d for d in DEFECTS if re.search(args.only, d[0])]
    outcomes = []
    for number, defect in enumerate(chosen, 1):
        began = time.time()
        outcomes.append(try_defect(copy, build, wanted, defect))
        print(f'{number:3}/{len(chosen)} {outcomes[-1]:16} {defect[0]} ({time.time() - began:.0f} s)', flush=True)
    caught = [o for o in outcomes if o not in ('SURVIVED', 'not there', 'does not build')]
    print(f'mutants: {len(caught)} of {len(chosen)} caught')
    for name in dict.fromkeys(name for name, *_ in SWEEPS):
        print(f'  {sum(o.startswith(name) for o in caught):3} by {name}')
    if any(o in ('not there', 'does not build') for o in outcomes):
        return 2
    return len(caught) != len(chosen)


if __name__ == '__main__':
    sys.exit(main())
