#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants defects one at a time into a copy of the sources and says which sweep of the mocks catches each.

Exit status 0: all were caught; 1: some were not; 2: it could not be tried (a pattern is not there any more, the copy
does not build, or the sweeps fail without any defect).
"""

import argparse
import collections
import filecmp
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from defects import DEFECTS

# Quick ones first: (name, executable, arguments, seconds on an idle machine). The first need the modules that ship and no others.
FIRST_SWEEPS = [
    ('smoke', 'tests/mocks/test_mocks_smoke', [], 10),
    ('hidden pages', 'tests/mocks/test_mocks_ept', [], 10),
    ('more CPUs than tables', 'tests/mocks/test_mocks_crowd', [], 10),
    ('events', 'tests/mocks/test_mocks_events', [], 20),
    ('nmi', 'tests/mocks/test_mocks_nmi', [], 30),
    ('signals', 'tests/mocks/test_mocks_signals', [], 10),
    ('features', 'tests/mocks/test_mocks_features', [], 10),
    ('control registers', 'tests/mocks/test_mocks_control', [], 10),
    ('segments', 'tests/mocks/test_mocks_segments', [], 10),
    ('single faults', 'tests/mocks/test_mocks_faults', ['--filter', 'faults/single'], 60),
    ('state', 'tests/mocks/test_mocks_state', [], 10),
    ('exits', 'tests/mocks/test_mocks_exits', [], 120),
    ('commands', 'tests/mocks/test_mocks_commands', [], 60),
    ('worlds', 'tests/mocks/test_mocks_worlds', [], 30),
]
MORE_SWEEPS = [
    ('calls', 'tests/mocks/test_mocks_calls', [], 10),
    ('trapped pages', 'tests/mocks/test_mocks_traps', [], 10),
    ('introspection', 'tests/mocks/test_mocks_introspection', [], 10),
    ('introspection', 'tests/mocks/test_mocks_introspection_access', [], 10),
    ('introspection', 'tests/mocks/test_mocks_introspection_registers', [], 10),
    ('introspection', 'tests/mocks/test_mocks_introspection_cpus', [], 30),
    ('watched pages', 'tests/mocks/test_mocks_watched', [], 10),
    ('watched pages', 'tests/mocks/test_mocks_watched_ends', [], 10),
    ('watched MSRs', 'tests/mocks/test_mocks_watched_msrs', [], 10),
    ('hidden breakpoint', 'tests/mocks/test_mocks_breakpoint', [], 10),
    ('variants', 'tests/mocks/test_mocks_variants', [], 60),
    ('interfaces', 'tests/mocks/test_mocks_interfaces', [], 10),
    ('replacement', 'tests/mocks/test_mocks_replacement', [], 60),
    ('pairs of faults', 'tests/mocks/test_mocks_faults', ['--filter', 'faults/pairs_*'], 300),
]
# For defects that only CPUs in the VMM at once can show.
AT_ONCE = ('threads', 'tests/mocks/test_mocks_threads', [], 30)
SWEEPS = FIRST_SWEEPS + MORE_SWEEPS + [AT_ONCE]
# Where a defect in these files shows first, nearly always: that sweep is tried right after the smoke test, then the file's
# unit tests, which are named by its folder.
LIKELY = {'modules/exit_handler/': 'exits', 'modules/vcpu/action.c': 'exits', 'modules/vcpu_intel/exit.c': 'exits',
          'modules/vcpu_intel/regs.c': 'exits', 'modules/vcpu_intel/control_registers.c': 'exits', 'modules/vcpu/event.c': 'events',
          'modules/vcpu/redeliver.c': 'events', 'modules/vcpu_intel/event.c': 'events',
          'modules/memory/': 'single faults', 'drivers/common/': 'single faults', 'modules/ept/': 'hidden pages',
          'modules/introspection/': 'introspection', 'modules/events/': 'watched pages', 'modules/ept/watch.c': 'watched pages'}
UNITS = {'modules/': lambda file: file.split('/')[1], 'drivers/common/': lambda file: 'core',
         'drivers/linux/': lambda file: 'driver'}
OTHER_UNITS = ['vcpu_intel', 'vcpu', 'exit_handler', 'memory', 'ept', 'core']
SURVIVED, NOT_THERE, DOES_NOT_BUILD = 'SURVIVED', 'not there', 'does not build'
PATIENCE = 10  # times as long on a busy one
FAILED = ('Assertion Failed', '[FAIL]', 'CRASH')


def copy_sources(top, copy):
    files = subprocess.run(['git', '-C', top, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                           check=True, capture_output=True, text=True).stdout.split('\0')
    for name in filter(None, files):
        source, target = os.path.join(top, name), os.path.join(copy, name)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            # What is the same keeps its time, and is not compiled again.
            if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
                shutil.copyfile(source, target)
                shutil.copymode(source, target)
    for musl in glob.glob('subprojects/musl-*/', root_dir=top):
        shutil.copytree(os.path.join(top, musl), os.path.join(copy, musl), dirs_exist_ok=True)
    cache = 'subprojects/packagecache'
    if os.path.isdir(os.path.join(top, cache)):
        shutil.copytree(os.path.join(top, cache), os.path.join(copy, cache), dirs_exist_ok=True)


class Targets:
    """What the build can make: nothing of it needs a kernel."""

    def __init__(self, build):
        listing = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True, capture_output=True,
                                 text=True).stdout
        names = [line.split(':')[0] for line in listing.splitlines()]
        mocks = [n for n in names if n.startswith('tests/mocks/') and '.p/' not in n and n.endswith('.so')]
        self.units = [n for n in names if re.fullmatch(r'tests/unit/test_\w+', n)]
        self.few = ['plinth-modules', 'tests/mocks/mock_intrinsics.so', 'tests/mocks/native_bridge.so']
        self.all = self.few + mocks

    def of(self, program):
        alone = any(program == sweep[1] for sweep in FIRST_SWEEPS + [AT_ONCE])
        return (self.few if alone else self.all) + [program]


def compile_all(build, wanted):
    return subprocess.run(['ninja', '-C', build, *wanted], capture_output=True, text=True)


def run_sweep(build, program, arguments, seconds):
    """What is wrong, or None; the first failure is enough."""
    env = dict(os.environ, PLINTH_MODULES=f'{build}/modules', PLINTH_MOCKS=f'{build}/tests/mocks',
               MOCK_MODULES=f'{build}/tests/mocks/modules')
    sweep = subprocess.Popen([f'{build}/{program}', *arguments], env=env, text=True, errors='replace',
                             start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    late = threading.Timer(PATIENCE * seconds, os.killpg, (sweep.pid, signal.SIGKILL))
    late.start()
    failed = any(word in line for line in sweep.stdout for word in FAILED)
    if failed:
        os.killpg(sweep.pid, signal.SIGKILL)
    hangs = not late.is_alive()
    late.cancel()
    status = sweep.wait()
    if failed:
        return 'fails'
    return 'hangs' if hangs else 'fails' if status else None


def first_failure(build, targets, sweeps):
    """The sweep that fails first, or None."""
    for name, program, arguments, seconds in sweeps:
        if compile_all(build, targets.of(program)).returncode:
            return DOES_NOT_BUILD
        wrong = run_sweep(build, program, arguments, seconds)
        if wrong:
            return name if wrong == 'fails' else f'{name} (hangs)'
    return None


def component(file):
    return next((name(file) for start, name in UNITS.items() if file.startswith(start)), None)


def units(targets, whose):
    """Unit tests of a component, as sweeps; those of vcpu_intel are not vcpu's."""
    longer = tuple(f'tests/unit/test_{other}_' for other in OTHER_UNITS if other.startswith(f'{whose}_'))
    return [(f'unit tests of {whose}', program, [], 60) for program in targets.units
            if program.startswith(f'tests/unit/test_{whose}_') and not program.startswith(longer)]


def ordered(targets, name, file):
    """All that can catch the defect, what does so likely before the rest, and what takes long last."""
    likely = next((sweep for start, sweep in LIKELY.items() if file.startswith(start)), None)
    sweeps = [AT_ONCE] if 'at once' in name else []
    sweeps += [sweep for sweep in SWEEPS if sweep[0] in ('smoke', likely)]
    sweeps += units(targets, component(file)) + FIRST_SWEEPS
    sweeps += [sweep for whose in OTHER_UNITS for sweep in units(targets, whose)] + MORE_SWEEPS + [AT_ONCE]
    return [sweep for i, sweep in enumerate(sweeps) if sweep not in sweeps[:i]]


def try_defect(copy, build, targets, defect):
    name, file, old, new = defect
    path = os.path.join(copy, file)
    with open(path, encoding='utf-8') as f:
        text = f.read()
    if text.count(old) < 1:
        return NOT_THERE
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text.replace(old, new, 1))
    try:
        return first_failure(build, targets, ordered(targets, name, file)) or SURVIVED
    finally:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('top', help='the sources')
    p.add_argument('work', help='a folder for the copy and its build; kept between runs')
    p.add_argument('--cross', default='cross/x86_64-clang.ini')
    p.add_argument('--only', default='', help='defects whose name this regular expression finds')
    p.add_argument('--first', type=int, default=1, metavar='N',
                   help='go on with the N-th of them; the sweeps are not tried without a defect before')
    args = p.parse_args()
    top, copy, build = os.path.abspath(args.top), os.path.abspath(f'{args.work}/src'), os.path.abspath(f'{args.work}/build')

    copy_sources(top, copy)
    if not os.path.exists(f'{build}/build.ninja'):
        subprocess.run(['meson', 'setup', build, copy, '--cross-file', f'{copy}/{args.cross}'], check=True,
                       stdout=subprocess.DEVNULL)
    targets = Targets(build)
    everything = SWEEPS + [(program, program, [], 60) for program in targets.units]
    failed = first_failure(build, targets, everything) if args.first == 1 else None
    if failed:
        print(f'mutants: without any defect "{failed}" fails: repair that first')
        return 2

    chosen = [d for d in DEFECTS if re.search(args.only, d[0])]
    outcomes = []
    for number, defect in list(enumerate(chosen, 1))[args.first - 1:]:
        began = time.time()
        outcomes.append(try_defect(copy, build, targets, defect))
        print(f'{number:3}/{len(chosen)} {outcomes[-1]:16} {defect[0]} ({time.time() - began:.0f} s)', flush=True)
    caught = [o for o in outcomes if o not in (SURVIVED, NOT_THERE, DOES_NOT_BUILD)]
    print(f'mutants: {len(caught)} of {len(outcomes)} caught')
    for name, n in collections.Counter(o.removesuffix(' (hangs)') for o in caught).most_common():
        print(f'  {n:3} by {name}')
    if any(o in (NOT_THERE, DOES_NOT_BUILD) for o in outcomes):
        return 2
    return len(caught) != len(outcomes)


if __name__ == '__main__':
    sys.exit(main())
