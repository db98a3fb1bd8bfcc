#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure rtld: instructions by callgrind, and wall time against the dlopen of glibc and of musl on the same files.

bench.py --rtld BENCH_RTLD --source DIR --work DIR [--sizes 1,2,5,...] [--plot FILE]. Instruction counts repeat exactly; wall
times are minimum and median of many runs in one session. Copying the segments is measured on its own and taken off the counts.
Exit status 1 if one of the musts is broken; goals are only reported.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

import plot
import real_sets

MUST_INSTRUCTIONS = 1_200_000
MUST_SHARE = 0.5            # of glibc's and of musl's wall time
GOAL_INSTRUCTIONS = 450_000
GOAL_COPIES = 1.25
ROUNDS = 200
PROCESSES = 30
SIZES = (1, 2, 5, 10, 20, 40, 80, 120, 160, 200)


class Rtld:
    """bench_rtld on one set."""

    def __init__(self, o, modules, options=(), rounds=ROUNDS):
        self.tool, self.work, self.modules, self.options, self.rounds = o.rtld, o.work, modules, options, rounds

    def instructions(self, function, options=()):
        run = subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={self.work}/callgrind.{function}',
                              f'--toggle-collect={function}', self.tool, '0', *self.options, *options, *self.modules],
                             capture_output=True, text=True, check=True)
        return int(re.search(r'Collected : (\d+)', run.stderr).group(1))

    def counts(self):
        """Instructions by the index and by a plan, copying taken off."""
        copy = self.instructions('copy_set')
        return self.instructions('load_set') - copy, self.instructions('load_by_plan', ['--plan']) - copy

    def run(self, *options):
        return subprocess.run([self.tool, str(self.rounds), *self.options, *options, *self.modules],
                              capture_output=True, text=True, check=True).stdout

    def times(self, *options):
        """Phase: (minimum, median) in us."""
        return {name: (float(low), float(middle)) for name, low, middle in
                re.findall(r'(\w+)\s+min\s+([\d.]+) us, median\s+([\d.]+) us', self.run(*options))}


def beside(modules):
    """musl finds a DT_NEEDED that is loaded already by its path only."""
    return dict(os.environ, LD_LIBRARY_PATH=str(pathlib.Path(modules[0]).parent))


def dlopen(program, modules):
    env = beside(modules)
    times = [int(subprocess.run([program, *modules], capture_output=True, text=True, check=True, env=env).stdout) / 1000
             for _ in range(PROCESSES)]
    return min(times), statistics.median(times)


def build_dlopen(source, work):
    programs = {}
    for name, compiler in (('glibc', 'gcc'), ('musl', 'musl-gcc')):
        programs[name] = str(work / f'dlopen-{name}')
        subprocess.run([compiler, '-O2', '-o', programs[name], str(source / 'dlopen.c')], check=True)
    return programs


def generate(source, work, count):
    """The first modules of 40, or of 200 if that is not enough: a module uses only those before it."""
    made = 40 if count <= 40 else max(count, 200)
    out = work / f'modules-{made}'
    if not (out / 'complete').exists():
        subprocess.run([sys.executable, str(source / 'generate.py'), '--modules', str(made), str(out)], check=True)
        (out / 'complete').touch()
    return sorted(str(p) for p in out.glob('*.so'))[:count]


def line(name, times):
    print(f'  {name:8} {times[0]:9.1f} us min {times[1]:9.1f} us median')


def goal(what, reached):
    print(f'goal {"reached" if reached else "not reached"}: {what}')


def compare(o, programs):
    """The 40 modules; the musts that are broken."""
    rtld = Rtld(o, generate(o.source, o.work, 40))
    index, plan = rtld.counts()
    times, planned = rtld.times(), rtld.times('--plan')
    print(f'40 modules, instructions without copying: {index:,} by the index, {plan:,} by a link plan')
    line('copy', times['copy'])
    line('probe', times['probe'])
    line('link', times['link'])
    line('load', times['load'])
    line('by plan', planned['load'])
    broken = []
    if index > MUST_INSTRUCTIONS:
        broken.append(f'{index:,} instructions by the index, at most {MUST_INSTRUCTIONS:,} are allowed')
    for name, program in programs.items():
        theirs = dlopen(program, rtld.modules)
        line(name, theirs)
        print(f'    {theirs[1] / times["load"][1]:.1f} times rtld, {theirs[1] / planned["load"][1]:.1f} times rtld by a plan')
        if times['load'][1] > MUST_SHARE * theirs[1]:
            broken.append(f'a load takes {times["load"][1]:.1f} us, more than half of the {theirs[1]:.1f} us of {name}')
    copies = planned['load'][1] / planned['copy'][1]
    goal(f'{plan:,} instructions by a plan; {GOAL_INSTRUCTIONS:,}', plan <= GOAL_INSTRUCTIONS)
    goal(f'a load by a plan takes {copies:.2f} times the copying; {GOAL_COPIES}', copies <= GOAL_COPIES)
    return broken


def table(o):
    print('modules    by index     by plan  load us  by plan  copy us   (minima)')
    rows = []
    for size in o.sizes:
        rtld = Rtld(o, generate(o.source, o.work, size))
        index, plan = rtld.counts()
        times, planned = rtld.times(), rtld.times('--plan')
        rows.append((size, index, plan))
        print(f'{size:7}  {index:10,}  {plan:10,}  {times["load"][0]:7.1f}  {planned["load"][0]:7.1f}  {times["copy"][0]:7.1f}',
              flush=True)
    if o.plot:
        o.plot.write_text(plot.svg(rows))


def real(o, programs):
    """Sets of this machine. rtld takes what it supports of them; the C library loads them all, with their start functions."""
    for title, root, package in real_sets.ROOTS:
        modules = real_sets.closure(root)
        if not modules:
            print(f'{title}: not measured, {root} is not on this machine (Debian package {package})')
            continue
        rtld = Rtld(o, modules, ['--elf-rules', '--skip-refused'], rounds=50)
        print(f'{title}, {len(modules)} files: {rtld.run().splitlines()[0]}')
        index, plan = rtld.counts()
        print(f'  {index:,} instructions by the index, {plan:,} by a link plan')
        times, planned = rtld.times(), rtld.times('--plan')
        line('copy', times['copy'])
        line('load', times['load'])
        line('by plan', planned['load'])
        theirs = dlopen(programs['glibc'], modules[:1])
        line('glibc', theirs)
        print(f'    {theirs[1] / times["load"][1]:.1f} times rtld, {theirs[1] / planned["load"][1]:.1f} times rtld by a plan; '
              f'without copying {theirs[1] / (times["load"][1] - times["copy"][1]):.1f} and '
              f'{theirs[1] / (planned["load"][1] - planned["copy"][1]):.1f} times')
        tried = subprocess.run([programs['musl'], modules[0]], capture_output=True, text=True, check=False, env=beside(modules))
        print(f'  musl     {"loads it" if not tried.returncode else "cannot: " + tried.stderr.splitlines()[0][:120]}')


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--rtld', required=True)
    p.add_argument('--source', type=pathlib.Path, required=True)
    p.add_argument('--work', type=pathlib.Path, required=True)
    p.add_argument('--plot', type=pathlib.Path, help='write an SVG of instructions against modules')
    p.add_argument('--sizes', type=lambda s: [int(n) for n in s.split(',')], default=SIZES)
    o = p.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    programs = build_dlopen(o.source, o.work)
    broken = compare(o, programs)
    real(o, programs)
    table(o)
    if broken:
        print(f'bench: broken: {"; ".join(broken)}', file=sys.stderr)
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
