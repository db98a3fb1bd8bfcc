#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make the fuzzers' starting inputs from the samples of the unit tests: corpus.py OUT SAMPLE...

OUT/probe holds the samples themselves, OUT/set pairs of them in the form that fuzz_set.c reads.
"""
import pathlib
import shutil
import struct
import sys


def pack(paths, flags):
    out = struct.pack('<Q', flags)
    for path in paths:
        data = path.read_bytes()
        out += struct.pack('<Q', len(data)) + data + bytes(-len(data) % 8)
    return out


def main():
    out, samples = pathlib.Path(sys.argv[1]), [pathlib.Path(p) for p in sys.argv[2:]]
    by_name = {p.stem: p for p in samples}
    shutil.rmtree(out, ignore_errors=True)
    (out / 'probe').mkdir(parents=True)
    (out / 'set').mkdir()
    for p in samples:
        shutil.copy(p, out / 'probe' / p.name)
    for name, base in by_name.items():
        user = by_name.get(name.replace('base-', 'user-'))
        if name.startswith('base-') and user:
            for flags in (0, 1):
                (out / 'set' / f'{name[5:]}-{flags}').write_bytes(pack([user, base, by_name['strong']], flags))
    (out / 'set' / 'lonely').write_bytes(pack([by_name['lonely']], 1))
    (out.parent / 'done').touch()


if __name__ == '__main__':
    main()
