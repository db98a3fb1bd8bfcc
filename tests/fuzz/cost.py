#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the most expensive files known cost rtld, in instructions: cost.py COST FILE

FILE has the numbers of one file a line, as `cost search` prints them (cost.c says what they are). Each is made with
SIZE bytes and handled as the driver would, under callgrind. None may take more than 20 times the instructions of
copying it, eight bytes at a time.
"""
import re
import subprocess
import sys

SIZE = 2 << 20
TIMES = 20


def instructions(cost, function, genes):
    run = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', f'--toggle-collect={function}',
                          cost, 'run', str(SIZE), *genes], capture_output=True, text=True, check=True)
    return int(re.search(r'Collected : (\d+)', run.stderr).group(1)), run.stdout.strip()


def main():
    cost, path = sys.argv[1:]
    with open(path, encoding='ascii') as f:
        files = [line.split('#')[0].split() for line in f]
    files = [genes for genes in files if genes]
    copy, _ = instructions(cost, 'cost_copy', files[0])
    print(f'1..{len(files) + 1}')
    print(f'{"ok" if SIZE // 8 <= copy <= SIZE // 2 else "not ok"} 1 - copying takes {copy:,} instructions')
    for number, genes in enumerate(files, 2):
        work, check = instructions(cost, 'cost_work', genes)
        print(f'{"ok" if work <= TIMES * copy else "not ok"} {number} - {work / copy:.1f} times copying, {check}', flush=True)


if __name__ == '__main__':
    main()
