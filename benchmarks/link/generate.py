#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generate the modules of the link benchmark.

40 modules without a C library, so that rtld, glibc and musl can all load them: 202 exports each, together 1,600 calls
(JUMP_SLOT) and 440 pointers (GLOB_DAT) to functions and data of other modules, 2,440 pointers into the module itself
(RELATIVE), about 4.3 MB of image. A fixed seed: every run gives the same files. A module uses up to five of those before it,
as modules do. --modules N makes a set of another size in the same proportions.
"""
import argparse
import pathlib
import random
import subprocess
import sys

FUNCTIONS, OBJECTS = 190, 12
CALLS, POINTERS, OWN_POINTERS = 40, 10, 61
PROVIDERS = 5
WORDS = ('page', 'table', 'guest', 'map', 'cpu', 'exit', 'entry', 'state', 'msr', 'queue', 'irq', 'timer', 'alloc',
         'walk', 'flush', 'read', 'write', 'check', 'reset', 'notify', 'region', 'vector', 'access', 'control')


def names(rng, module, count, kind):
    made = []
    for i in range(count):
        words = '_'.join(rng.choice(WORDS) for _ in range(rng.randint(1, 3)))
        made.append(f'mod{module:03}_{words}_{kind}{i}')
    return made


def source(rng, module, defined, functions, objects):
    out = ['#define EXPORT __attribute__((visibility("default")))']
    older = rng.sample(defined[:module], min(module, PROVIDERS))
    calls, data = [], []
    if older:
        calls = rng.sample([f for fs, _ in older for f in fs], CALLS + (2 if module % 2 else 0))
        data = rng.sample([o for _, os in older for o in os], POINTERS + 1)
    else:
        data = objects[:POINTERS + 1]
    out += [f'int {f}(int);' for f in calls] + [f'EXPORT extern int {o}[64];' for o in data]
    body = rng.randint(600, 1500)
    for i, f in enumerate(functions):
        call = f' a += {calls[i]}(a);' if i < len(calls) else ''
        if i < len(data):
            call += f' a += {data[i]}[1];'
        steps = ' '.join(f'a = a * {rng.randint(3, 99999)} + {i};' for _ in range(body // 60))
        out.append(f'EXPORT int {f}(int a) {{{call} {steps} return a; }}')
    out += [f'EXPORT int {o}[64] = {{ {module}, {i} }};' for i, o in enumerate(objects)]
    own = ', '.join(f'&local[{rng.randrange(4096)}]' for _ in range(OWN_POINTERS))
    out.append(f'static char local[4096] = "x"; __attribute__((used)) static char *own[] = {{ {own} }};')
    out.append(f'__attribute__((used)) static const char text[{rng.randint(45, 100) * 1024}] = "module {module}";')
    return '\n'.join(out) + '\n'


def build(out, module, compiler):
    needed = [str(out / f'mod{k:03}.so') for k in range(module)]
    # A module names what it uses; --as-needed drops the others.
    command = [compiler, '-O1', '-fPIC', '-mno-red-zone', '-fvisibility=hidden', '-shared', '-nostdlib', '-fno-builtin',
               '-fno-optimize-sibling-calls', '-fno-stack-protector', '-fcf-protection=none',
               '-Wl,--hash-style=gnu,--as-needed,-z,relro,-z,lazy,-z,noexecstack,--build-id=sha1', f'-Wl,-soname,mod{module:03}.so',
               '-o', str(out / f'mod{module:03}.so'), str(out / f'mod{module:03}.c'), *needed]
    subprocess.run(command, check=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--modules', type=int, default=40)
    p.add_argument('--compiler', default='gcc')
    p.add_argument('out', type=pathlib.Path)
    o = p.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(40)
    defined = [(names(rng, m, FUNCTIONS, 'f'), names(rng, m, OBJECTS, 'd')) for m in range(o.modules)]
    for m in range(o.modules):
        text = source(rng, m, defined, *defined[m])
        (o.out / f'mod{m:03}.c').write_text(text)
        build(o.out, m, o.compiler)
    return 0


if __name__ == '__main__':
    sys.exit(main())
