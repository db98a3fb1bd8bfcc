#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the combinations that the sweeps tried those that docs/testing.md tells of?

    numbers.py SWEEPS.TXT TESTING.MD

The page's numbers are lower bounds, and not far: at least MOST of what was tried, each and all together. A sweep that the
page does not tell of is named. Where one ran more than once, its last run counts.
"""

import re
import sys

MOST = 0.5
RUN = re.compile(r'^sweep (.*): ([0-9]+) combinations$')
ROW = re.compile(r'^\| ([^|]+) \| ([0-9,]+) \|$')
HEAD = '| sweep | combinations, at least |\n'
TOTAL = 'all of them'


def tried(path):
    with open(path, encoding='utf-8') as file:
        found = {m[1]: int(m[2]) for m in map(RUN.match, file) if m}
    return found | {TOTAL: sum(found.values())}


def told(path):
    with open(path, encoding='utf-8') as file:
        page = file.read()
    if HEAD not in page:
        sys.exit(f'not ok: {path} has no table "{HEAD.strip()}"')
    rows = page.split(HEAD)[1].split('\n\n')[0].splitlines()
    return {m[1]: int(m[2].replace(',', '')) for m in map(ROW.match, rows) if m}


def main():
    try:
        run = tried(sys.argv[1])
    except FileNotFoundError:
        sys.exit(f'not ok: {sys.argv[1]} is not there: this looks at what the sweeps wrote, so run the whole suite')
    page = told(sys.argv[2])
    for name in run.keys() - page.keys():
        print(f'# {name}: {run[name]} combinations, the page does not say so yet')
    bad = [f'{name}: {sys.argv[2]} tells of it, but it did not run' for name in page if name not in run]
    for name in page.keys() & run.keys():
        if not MOST * run[name] <= page[name] <= run[name]:
            bad.append(f'{name}: {run[name]} combinations, {sys.argv[2]} says at least {page[name]}')
    print('\n'.join(f'not ok: {line}' for line in bad) or f'ok: {run[TOTAL]} combinations')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
