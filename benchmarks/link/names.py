#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names that people and compilers make, as a linker writes them: none costs much more than names drawn by chance.

Names that differ in little have hashes that do, and many have the same. Each kind is loaded (checked, bound, written) under
callgrind: that repeats exactly. Prints TAP.
"""
import argparse
import os
import random
import re
import subprocess
import tempfile

TIMES = 3           # of what as many names drawn by chance take
NUMBERS = (900, 10_000)
DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
WORDS = ('get', 'set', 'read', 'write', 'init', 'exit', 'open', 'close', 'map', 'unmap', 'alloc', 'free', 'lock', 'unlock', 'start',
         'stop', 'add', 'find', 'next', 'page', 'table', 'entry', 'list')


def digits(i, base, count, first=0):
    return ''.join(DIGITS[first + i // base ** k % base] for k in reversed(range(count)))


KINDS = {
    'a prefix and a counter': lambda i: f'func{i}',
    'a counter and a suffix': lambda i: f'irq_{i:05}_handler_of_a_device',
    'counters in hexadecimal': lambda i: f'sub_{0x401000 + 16 * i:08X}',
    'registers': lambda i: f'msr_{i:08x}_read',
    'pins': lambda i: f'GPIO{digits(i // 64, 26, 2, 10)}_PIN{i % 16}_MODE{i // 16 % 4}',
    'letters of both cases and digits': lambda i: f'fx{digits(i, 62, 3)}',
    'the same before a suffix': lambda i: f'n{digits(i, 62, 3)}_handler',
    'capital letters': lambda i: f'reg_{digits(i, 26, 4, 10)}',
    'bits': lambda i: f'bit_{i:017b}',
    'words': lambda i: '_'.join(WORDS[i // len(WORDS) ** k % len(WORDS)] for k in range(3)),
    'four entries of each system call': lambda i: f'{("", "__x64_", "__ia32_", "__se_")[i % 4]}sys_{WORDS[i // 4 % 23]}{i // 92}',
    'C++, numbered methods': lambda i: f'_ZN4unit6method{i % 100:02}Ev{i // 100}',
    'C++, templates': lambda i: f'_ZN3VecILi{i // 16}ELi{i % 16}EE3addERKS0_',
    'C++, lambdas': lambda i: f'_ZZN4main{i // 10}vENKUlvE{i % 10}_clEv',
    'Rust, hashes': lambda i: f'_ZN4core3fmt17h{i * 2654435761 % 2 ** 32:08x}{i * 40503 % 2 ** 32:08x}E',
    'Rust, version 0': lambda i: f'_RNvNtCs{digits(i, 62, 4)}_7mycrate3foo',
    'Go, closures': lambda i: f'main.func{i // 8}.{i % 8 + 1}',
}


def drawn(count):
    draw = random.Random(1)
    return [f'x{i}' + ''.join(draw.choice(DIGITS) for _ in range(8)) for i in range(count)]


def link(o, folder, names):
    """A module that defines them, and the tables that a linker makes for them."""
    source, path = os.path.join(folder, 'names.s'), os.path.join(folder, 'names.so')
    with open(source, 'w', encoding='ascii') as f:
        f.write('.text\n' + ''.join(f'.globl {n}\n.type {n},@function\n{n}: ret\n.size {n},1\n' for n in names)
                + '.section .note.GNU-stack,"",@progbits\n')
    subprocess.run([*o.cc, '-shared', '-nostdlib', '-s', '-Wl,--hash-style=gnu', source, '-o', path], check=True)
    return path


def instructions(o, folder, names):
    run = subprocess.run(['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', '--toggle-collect=load_set', o.rtld, '0',
                          link(o, folder, names)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise AssertionError(f'refused: {run.stdout}')
    return int(re.search(r'Collected : (\d+)', run.stderr).group(1))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('rtld', help='bench-rtld')
    p.add_argument('cc', nargs='+')
    o = p.parse_args()
    print(f'1..{len(KINDS) * len(NUMBERS)}')
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for count in NUMBERS:
            usual = instructions(o, folder, drawn(count))
            for title, name in KINDS.items():
                number += 1
                try:
                    names = [name(i) for i in range(count)]
                    assert len(set(names)) == count, 'a name twice'
                    times = instructions(o, folder, names) / usual
                    print(f'{"ok" if times <= TIMES else "not ok"} {number} - {count} names, {title}: {times:.2f} times as much', flush=True)
                except AssertionError as e:
                    print(f'not ok {number} - {count} names, {title}: {e}', flush=True)


if __name__ == '__main__':
    main()
