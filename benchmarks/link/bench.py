#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure rtld: instructions by callgrind, and wall time against the dlopen of glibc and of musl on the same files.

bench.py --rtld BENCH_RTLD --source DIR --work DIR [--sizes 1,2,5,...]. Instruction counts repeat exactly; wall times are
minimum and median of many runs in one session. Copying the segments is measured on its own and taken off the counts.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

import plot

MUST_INSTRUCTIONS = 1_200_000
GOAL_INSTRUCTIONS = 450_000
ROUNDS = 200
PROCESSES = 30


def instructions(tool, function, modules, work, options=()):
    run = subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={work}/callgrind.{function}',
                          f'--toggle-collect={function}', tool, '0', *options, *modules],
                         capture_output=True, text=True, check=True)
    return int(re.search(r'Collected : (\d+)', run.stderr).group(1))


def link_instructions(tool, modules, work):
    return instructions(tool, 'load_set', modules, work) - instructions(tool, 'copy_set', modules, work)


def plan_instructions(tool, modules, work):
    # With --plan the set is loaded twice: once to make the plan, once by it.
    both = instructions(tool, 'load_set', modules, work, ['--plan'])
    return both - instructions(tool, 'load_set', modules, work) - instructions(tool, 'copy_set', modules, work)


def phases(tool, modules, options=()):
    out = subprocess.run([tool, str(ROUNDS), *options, *modules], capture_output=True, text=True, check=True).stdout
    return {name: (float(low), float(middle)) for name, low, middle in
            re.findall(r'(\w+)\s+min\s+([\d.]+) us, median\s+([\d.]+) us', out)}


def dlopen(program, modules):
    # musl finds a DT_NEEDED that is loaded already by its path only.
    env = dict(os.environ, LD_LIBRARY_PATH=str(pathlib.Path(modules[0]).parent))
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
    out = work / f'modules-{count}'
    if not (out / 'complete').exists():
        subprocess.run([sys.executable, str(source / 'generate.py'), '--modules', str(count), str(out)], check=True)
        (out / 'complete').touch()
    return sorted(str(p) for p in out.glob('*.so'))


def report(o):
    modules = generate(o.source, o.work, 40)
    count = link_instructions(o.rtld, modules, o.work)
    times = phases(o.rtld, modules)
    print(f'40 modules, instructions without copying: {count:,} (must be at most {MUST_INSTRUCTIONS:,})')
    print(f'by a link plan: {plan_instructions(o.rtld, modules, o.work):,} (goal {GOAL_INSTRUCTIONS:,})')
    planned = phases(o.rtld, modules, ['--plan'])['load']
    print(f'  by plan  {planned[0]:9.1f} us min {planned[1]:9.1f} us median')
    for name, (low, middle) in times.items():
        print(f'  {name:8} {low:9.1f} us min {middle:9.1f} us median')
    print(f'  load / copy: {times["load"][1] / times["copy"][1]:.2f}')
    for name, program in build_dlopen(o.source, o.work).items():
        low, middle = dlopen(program, modules)
        print(f'  {name:8} {low:9.1f} us min {middle:9.1f} us median: {middle / times["load"][1]:.2f} times rtld')
    print('modules  instructions    by plan  load us  copy us')
    rows = []
    for size in o.sizes:
        modules = generate(o.source, o.work, size)
        times = phases(o.rtld, modules)
        count, plan = link_instructions(o.rtld, modules, o.work), plan_instructions(o.rtld, modules, o.work)
        rows.append((size, count, plan))
        print(f'{size:7}  {count:12,} {plan:10,}  {times["load"][1]:7.1f}  {times["copy"][1]:7.1f}')
    if o.plot:
        o.plot.write_text(plot.svg(rows))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--rtld', required=True)
    p.add_argument('--source', type=pathlib.Path, required=True)
    p.add_argument('--work', type=pathlib.Path, required=True)
    p.add_argument('--plot', type=pathlib.Path, help='write an SVG of instructions against modules')
    p.add_argument('--sizes', type=lambda s: [int(n) for n in s.split(',')], default=[1, 2, 5, 10, 20, 40])
    o = p.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)
    report(o)
    return 0


if __name__ == '__main__':
    sys.exit(main())
