#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants defects one at a time into a copy of the sources and says which sweep of the mocks catches each.

Exit status 0: all were caught; 1: some were not; 2: it could not be tried (a pattern is not there any more, the copy
does not build, or the sweeps fail without any defect).
"""

import argparse
import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from defects import DEFECTS

# Quick ones first: (name, executable, arguments, seconds on an idle machine). The first need the modules and nothing
# else to be built; unit tests only see what no sweep does.
FIRST_SWEEPS = [
    ('smoke', 'tests/mocks/test_mocks_smoke', [], 10),
    ('hidden pages', 'tests/mocks/test_mocks_ept', [], 10),
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
    ('variants', 'tests/mocks/test_mocks_variants', [], 60),
    ('interfaces', 'tests/mocks/test_mocks_interfaces', [], 120),
    ('replacement', 'tests/mocks/test_mocks_replacement', [], 120),
    ('pairs of faults', 'tests/mocks/test_mocks_faults', ['--filter', 'faults/pairs_*'], 300),
    ('unit tests of memory', 'tests/unit/test_memory_heap', [], 30),
    ('unit tests of memory', 'tests/unit/test_memory_pool', [], 30),
    ('unit tests of memory', 'tests/unit/test_memory_mapping', [], 30),
    ('unit tests of serial', 'tests/unit/test_serial_uart', [], 30),
    ('unit tests of serial', 'tests/unit/test_serial_log', [], 30),
    ('unit tests of the core', 'tests/unit/test_core_space', [], 60),
    ('unit tests of the core', 'tests/unit/test_core_shared', [], 60),
    ('unit tests of ept', 'tests/unit/test_ept_table', [], 30),
    ('unit tests of ept', 'tests/unit/test_ept_window', [], 30),
    ('unit tests of ept', 'tests/unit/test_ept_guest', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_crash', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_events', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_launch', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_machine_check', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_registers', [], 30),
    ('unit tests of vcpu_intel', 'tests/unit/test_vcpu_intel_step', [], 30),
    ('more CPUs than tables', 'tests/mocks/test_mocks_crowd', [], 10),
    ('unit tests of exit_handler', 'tests/unit/test_exit_handler_chain', [], 30),
    ('unit tests of exit_handler', 'tests/unit/test_exit_handler_handlers', [], 30),
    ('unit tests of exit_handler', 'tests/unit/test_exit_handler_msrs', [], 30),
]
# For defects that only CPUs in the VMM at once can show.
AT_ONCE = ('threads', 'tests/mocks/test_mocks_threads', [], 30)
SWEEPS = FIRST_SWEEPS + MORE_SWEEPS + [AT_ONCE]
# Where a defect in these files shows first, nearly always: that sweep is tried first.
LIKELY = {'modules/exit_handler/': 'exits', 'modules/vcpu_intel/exit.c': 'exits', 'modules/vcpu_intel/regs.c': 'exits',
          'modules/vcpu_intel/event.c': 'events', 'modules/memory/': 'single faults', 'drivers/common/': 'single faults',
          'modules/ept/': 'hidden pages'}
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
    musl = 'subprojects/musl-1.2.3'
    if os.path.isdir(os.path.join(top, musl)):
        shutil.copytree(os.path.join(top, musl), os.path.join(copy, musl), dirs_exist_ok=True)
    cache = 'subprojects/packagecache'
    if os.path.isdir(os.path.join(top, cache)):
        shutil.copytree(os.path.join(top, cache), os.path.join(copy, cache), dirs_exist_ok=True)


def targets(build):
    """What the first sweeps need, and what the others do; nothing that needs a kernel."""
    names = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True, capture_output=True,
                           text=True).stdout
    wanted = [line.split(':')[0] for line in names.splitlines()]
    mocks = [n for n in wanted if n.startswith('tests/mocks/') and '.p/' not in n and n.endswith('.so')]
    first = ['plinth-modules', 'tests/mocks/mock_intrinsics.so', 'tests/mocks/native_bridge.so', AT_ONCE[1]] + sorted({program for _, program, *_ in FIRST_SWEEPS})
    return first, first + mocks + sorted({program for _, program, *_ in MORE_SWEEPS})


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


def first_failure(build, sweeps):
    """The sweep that fails first, or None."""
    for name, program, arguments, seconds in sweeps:
        wrong = run_sweep(build, program, arguments, seconds)
        if wrong:
            return name if wrong == 'fails' else f'{name} (hangs)'
    return None


def ordered(name, file):
    """The first sweeps, the likely one before all but the smoke test."""
    if 'at once' in name:
        return [AT_ONCE] + FIRST_SWEEPS
    likely = next((name for start, name in LIKELY.items() if file.startswith(start)), None)
    return FIRST_SWEEPS[:1] + sorted(FIRST_SWEEPS[1:], key=lambda sweep: sweep[0] != likely)


def catch(build, wanted, name, file):
    """Who catches the defect that is in the copy of a file."""
    first, everything = wanted
    if compile_all(build, first).returncode:
        return 'does not build'
    caught = first_failure(build, ordered(name, file))
    if caught:
        return caught
    if compile_all(build, everything).returncode:
        return 'does not build'
    return first_failure(build, MORE_SWEEPS + [AT_ONCE]) or 'SURVIVED'


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
        return catch(build, wanted, name, file)
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
    wanted = targets(build)
    result = compile_all(build, wanted[1])
    if result.returncode:
        print(result.stdout[-2000:])
        return 2
    failed = first_failure(build, SWEEPS) if args.first == 1 else None
    if failed:
        print(f'mutants: without any defect "{failed}" fails: repair that first')
        return 2

    chosen = [d for d in DEFECTS if re.search(args.only, d[0])]
    outcomes = []
    for number, defect in list(enumerate(chosen, 1))[args.first - 1:]:
        began = time.time()
        outcomes.append(try_defect(copy, build, wanted, defect))
        print(f'{number:3}/{len(chosen)} {outcomes[-1]:16} {defect[0]} ({time.time() - began:.0f} s)', flush=True)
    caught = [o for o in outcomes if o not in ('SURVIVED', 'not there', 'does not build')]
    print(f'mutants: {len(caught)} of {len(outcomes)} caught')
    for name in dict.fromkeys(name for name, *_ in SWEEPS):
        print(f'  {sum(o.startswith(name) for o in caught):3} by {name}')
    if any(o in ('not there', 'does not build') for o in outcomes):
        return 2
    return len(caught) != len(outcomes)


if __name__ == '__main__':
    sys.exit(main())
