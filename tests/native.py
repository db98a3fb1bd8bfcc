#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds once more with instrumented native code, runs the tests that consist of it, and reports.

sanitize: address and undefined-behaviour sanitizer; a finding ends the test it is in.
coverage: lines and branches of rtld, lib, drivers/common and each module's C, of all those tests together. What they
leave is in tests/coverage.txt, with reasons; a line or a branch that is not there, too little of a component, and a
row of that file that is not needed fail.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

BUILDS = {
    'sanitize': {'c_args': ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer',
                            '-DPLINTH_FAULT_STACK_PAGES=2u'],
                 'c_link_args': ['-fsanitize=address,undefined']},
    # Two threads of one test count what they do together.
    'coverage': {'c_args': ['--coverage', '-fprofile-update=atomic', '-O0'], 'c_link_args': ['--coverage']},
}
SUITES = ['unit', 'native', 'rtld', 'fuzz']
COMPONENTS = ['rtld', 'lib', 'drivers/common', 'modules']
LINES_WANTED, BRANCHES_WANTED = 95.0, 90.0
GCOV_BATCH = 16 # data files for one run of it


def run(*command, **options):
    return subprocess.run(command, check=False, text=True, **options)


def counters(build):
    """The data files; their names may begin with a dot."""
    for folder, _, names in os.walk(build):
        for name in names:
            if name.endswith('.gcda'):
                yield os.path.join(folder, name)


def described(what, build):
    result = run('meson', 'introspect', what, build, capture_output=True)
    return json.loads(result.stdout)


def chosen(kind, build):
    """
    The tests to run. For coverage also what the mocks do with the shipped modules only: those are not instrumented,
    but the core and rtld that load them are.
    """
    tests = described('--tests', build)
    twins = {test['name'].replace('native_', 'mocks_') for test in tests if test['name'].startswith('native_')}
    twins.add('mocks_numbers')  # which wants all the sweeps to have run
    for test in tests:
        suites = {suite.split(':')[-1] for suite in test['suite']}
        if 'threads' in suites:
            continue  # instrumented in a way of its own
        if suites & set(SUITES) or (kind == 'coverage' and 'mocks' in suites and test['name'] not in twins):
            yield test


def files_of(tests, build):
    """What the tests want to be built: all else, instrumented, is of no use."""
    wanted = {target for test in tests for target in test['depends']}
    return [os.path.relpath(name, build) for target in described('--targets', build) if target['id'] in wanted
            for name in target['filename']]


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
    run('ninja', '-C', build, 'build.ninja', capture_output=True)
    tests = list(chosen(kind, build))
    result = run('ninja', '-C', build, *files_of(tests, build), capture_output=True)
    if result.returncode:
        print(result.stdout[-3000:])
        return 2
    # Leaks are found by counting what is owned (tests/mocks), not at exit; a process without rights or room counts nothing.
    env = dict(os.environ, ASAN_OPTIONS='detect_leaks=0', GCOV_ERROR_FILE='/dev/null')
    os.umask(0)
    # The suites too: Meson leaves native out of what is asked for by name alone.
    suites = [f'--suite={name}' for name in [*SUITES, 'mocks']]
    return run('meson', 'test', '-C', build, '--no-rebuild', '--print-errorlogs', '--timeout-multiplier', '4',
               *suites, *[test['name'] for test in tests], env=env).returncode


# -- what was executed ------------------------------------------------------------------


def component_of(path):
    parts = path.split('/')
    if parts[0] == 'modules':
        return '/'.join(parts[:2])
    return next((c for c in COMPONENTS if path.startswith(c + '/')), None)


class Source:
    """A file: counts by line, and where its functions are."""

    def __init__(self):
        self.lines = {}
        self.functions = {}

    def add(self, document):
        for f in document['functions']:
            self.functions[f['name']] = (f['start_line'], f['end_line'])
        for line in document['lines']:
            entry = self.lines.setdefault(line['line_number'], {'count': 0, 'branches': []})
            entry['count'] += line['count']
            counts = [b['count'] for b in line['branches']]
            if len(counts) > len(entry['branches']):
                entry['branches'] += [0] * (len(counts) - len(entry['branches']))
            for i, count in enumerate(counts):
                entry['branches'][i] += count

    def left(self):
        """Lines that were not executed, and those of which a branch was not taken."""
        return {n for n, e in self.lines.items() if not e['count'] or 0 in e['branches']}


def gcov(build, data):
    return run('gcov', '--json-format', '--branch-counts', '--branch-probabilities', '--stdout', *data, cwd=build,
               capture_output=True).stdout.splitlines()


def collect(top, build):
    """A source is compiled into several tests; the counts of all are added."""
    data = sorted(counters(build))
    batches = [data[i:i + GCOV_BATCH] for i in range(0, len(data), GCOV_BATCH)]
    files = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for lines in pool.map(lambda batch: gcov(build, batch), batches):
            for document in map(json.loads, lines):
                for f in document['files']:
                    path = os.path.join(document['current_working_directory'], f['file'])
                    path = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
                    if component_of(path):
                        files.setdefault(path, Source()).add(f)
    return files


# -- what need not be -------------------------------------------------------------------


def exceptions(top):
    """Rows (file, code, reason): code is a function's name with (), or part of a line."""
    path = None
    with open(f'{top}/tests/coverage.txt', encoding='utf-8') as listing:
        for line in listing:
            row = re.fullmatch(r'\t`([^`]+)` (.+)\n', line)
            if row:
                yield path, row[1], row[2]
            elif line.strip() and not line.startswith('#'):
                path = line.strip()


def lines_of(top, path, source, code):
    name = re.fullmatch(r'(\w+)\(\)', code)
    if name:
        first, last = source.functions.get(name[1], (1, 0))
        return set(range(first, last + 1))
    with open(f'{top}/{path}', encoding='utf-8') as text:
        return {n for n, line in enumerate(text, 1) if code in line}


def excused(top, files):
    """Lines by file that are excepted, and complaints about rows of the list."""
    lines, complaints = {}, []
    for path, code, _ in exceptions(top):
        found = lines_of(top, path, files[path], code) & files[path].left() if path in files else set()
        if not found:
            complaints.append(f'tests/coverage.txt: {path}: `{code}` excepts nothing: take the row out')
        lines.setdefault(path, set()).update(found)
    return lines, complaints


# -- the report -------------------------------------------------------------------------


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def numbers_of(source, exceptions):
    """Lines executed, lines, branches taken, branches, and how much of what is left is not excepted: lines, branches."""
    numbers = [0] * 6
    for number, entry in source.lines.items():
        taken = sum(b > 0 for b in entry['branches'])
        missed = len(entry['branches']) - taken
        numbers[0] += entry['count'] > 0
        numbers[1] += 1
        numbers[2] += taken
        numbers[3] += taken + missed
        numbers[4] += not entry['count'] and number not in exceptions
        numbers[5] += missed if number not in exceptions else 0
    return numbers


def print_missing(path, source, exceptions):
    for number in sorted(source.left() - exceptions):
        entry = source.lines[number]
        what = f'{entry["branches"].count(0)} of {len(entry["branches"])} branches not taken'
        print(f'{path}:{number}: {what if entry["count"] else "not executed"}')


def report(top, files, missing):
    """Print all; return what is wrong with it."""
    lines, complaints = excused(top, files)
    totals = {}
    for path, source in sorted(files.items()):
        numbers = numbers_of(source, lines.get(path, set()))
        for key in (component_of(path), 'all'):
            totals[key] = [a + b for a, b in zip(totals.get(key, [0] * 6), numbers)]
        if missing:
            print_missing(path, source, lines.get(path, set()))
    print(f'{"component":24} {"lines":>14} {"branches":>14}   not listed: lines, branches')
    for key in sorted(totals, key=lambda k: (k == 'all', k)):
        hit, all_lines, taken, branches, lines_left, branches_left = totals[key]
        shares = percent(hit, all_lines), percent(taken, branches)
        print(f'{key:24} {shares[0]:6.1f} % {all_lines:5} {shares[1]:6.1f} % {branches:5} {lines_left:20}, {branches_left:8}')
        if shares[0] < LINES_WANTED or shares[1] < BRANCHES_WANTED:
            complaints.append(f'{key}: {LINES_WANTED:.0f} % of lines and {BRANCHES_WANTED:.0f} % of branches are wanted')
        if lines_left:
            complaints.append(f'{key}: {lines_left} lines are neither executed nor in tests/coverage.txt; --missing names them')
        if branches_left:
            complaints.append(f'{key}: {branches_left} branches are neither taken nor in tests/coverage.txt; --missing names them')
    return complaints


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('kind', choices=sorted(BUILDS))
    p.add_argument('top', help='the sources')
    p.add_argument('build', help='a build folder of its own')
    p.add_argument('--missing', action='store_true', help='coverage: list what is neither executed, or taken, nor excepted')
    args = p.parse_args()
    top, build = os.path.abspath(args.top), os.path.abspath(args.build)
    status = build_and_test(args.kind, top, build)
    if status or args.kind != 'coverage':
        return status
    complaints = report(top, collect(top, build), args.missing)
    for complaint in complaints:
        print(f'coverage: {complaint}')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
