#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds once more with instrumented native code, runs the tests that consist of it, and reports.

sanitize: address and undefined-behaviour sanitizer; a finding ends the test it is in.
coverage: lines and branches of rtld, drivers/common, lib and the modules' C, by component.
"""

import argparse
import json
import os
import subprocess
import sys

SUITES = ['unit', 'native']
BUILDS = {
    'sanitize': {'c_args': ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
                 'c_link_args': ['-fsanitize=address,undefined']},
    'coverage': {'c_args': ['--coverage', '-O0'], 'c_link_args': ['--coverage']},
}
COMPONENTS = ['rtld', 'lib', 'drivers/common', 'modules']
LINES_WANTED, BRANCHES_WANTED = 95.0, 90.0


def run(*command, **options):
    return subprocess.run(command, check=False, text=True, **options)


def counters(build):
    """The data files; their names may begin with a dot."""
    for folder, _, names in os.walk(build):
        for name in names:
            if name.endswith('.gcda'):
                yield os.path.join(folder, name)


def build_and_test(kind, top, build):
    if not os.path.exists(f'{build}/build.ninja'):
        options = [f'-Dbuild.{name}={args!r}' for name, args in BUILDS[kind].items()]
        result = run('meson', 'setup', build, top, '--cross-file', f'{top}/cross/x86_64-clang.ini', *options,
                     capture_output=True)
        if result.returncode:
            print(result.stdout[-2000:])
            return 2
    for old in list(counters(build)):
        os.remove(old)
    result = run('ninja', '-C', build, capture_output=True)
    if result.returncode:
        print(result.stdout[-3000:])
        return 2
    # Leaks are found by counting what is owned (tests/mocks), not at exit.
    env = dict(os.environ, ASAN_OPTIONS='detect_leaks=0')
    return run('meson', 'test', '-C', build, '--no-rebuild', '--print-errorlogs', '--timeout-multiplier', '4',
               *[f'--suite={s}' for s in SUITES], env=env).returncode


def component_of(path):
    parts = path.split('/')
    if parts[0] == 'modules':
        return '/'.join(parts[:2])
    return next((c for c in COMPONENTS if path.startswith(c + '/')), None)


def merge(files, top, document):
    """Add the counts of one compilation; a source is compiled into several tests."""
    for f in document['files']:
        path = os.path.relpath(os.path.join(document['current_working_directory'], f['file']), top)
        if path.startswith('..') or component_of(path) is None:
            continue
        lines = files.setdefault(path, {})
        for line in f['lines']:
            entry = lines.setdefault(line['line_number'], {'count': 0, 'branches': []})
            entry['count'] += line['count']
            counts = [b['count'] for b in line['branches']]
            if len(counts) > len(entry['branches']):
                entry['branches'] += [0] * (len(counts) - len(entry['branches']))
            for i, count in enumerate(counts):
                entry['branches'][i] += count


def collect(top, build):
    files = {}
    for data in counters(build):
        result = run('gcov', '--json-format', '--branch-counts', '--branch-probabilities', '--stdout', data, cwd=build,
                     capture_output=True)
        for line in result.stdout.splitlines():
            merge(files, top, json.loads(line))
    return files


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def report(files, missing):
    totals = {}
    for path, lines in sorted(files.items()):
        branches = [b for entry in lines.values() for b in entry['branches']]
        numbers = (sum(e['count'] > 0 for e in lines.values()), len(lines), sum(b > 0 for b in branches), len(branches))
        for key in (component_of(path), 'all'):
            totals[key] = [a + b for a, b in zip(totals.get(key, [0] * 4), numbers)]
        if missing:
            for number, entry in sorted(lines.items()):
                if not entry['count']:
                    print(f'{path}:{number}: not executed')
                elif 0 in entry['branches']:
                    print(f'{path}:{number}: {entry["branches"].count(0)} of {len(entry["branches"])} branches not taken')
    print(f'{"component":24} {"lines":>14} {"branches":>14}')
    for key in sorted(totals, key=lambda k: (k == 'all', k)):
        hit, lines, taken, branches = totals[key]
        print(f'{key:24} {percent(hit, lines):6.1f} % {lines:5} {percent(taken, branches):6.1f} % {branches:5}')
    hit, lines, taken, branches = totals['all']
    return percent(hit, lines) >= LINES_WANTED and percent(taken, branches) >= BRANCHES_WANTED


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('kind', choices=sorted(BUILDS))
    p.add_argument('top', help='the sources')
    p.add_argument('build', help='a build folder of its own')
    p.add_argument('--missing', action='store_true', help='coverage: list what is not executed')
    args = p.parse_args()
    top, build = os.path.abspath(args.top), os.path.abspath(args.build)
    status = build_and_test(args.kind, top, build)
    if status or args.kind != 'coverage':
        return status
    if report(collect(top, build), args.missing):
        return 0
    print(f'coverage: {LINES_WANTED:.0f} % of lines and {BRANCHES_WANTED:.0f} % of branches are wanted')
    return 1


if __name__ == '__main__':
    sys.exit(main())
