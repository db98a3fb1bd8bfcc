#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every defect can still be planted: defects_test.py SOURCES. Planting them all takes long, a change of the sources is made every day."""

import os
import sys

from defects import DEFECTS


def main():
    bad = 0
    for name, file, good, worse in DEFECTS:
        with open(os.path.join(sys.argv[1], file), encoding='utf-8') as source:
            found = source.read().count(good)
        if found == 0 or good == worse:
            print(f'tests/mutants/defects.py: "{name}": {"what it changes is not in " + file if found == 0 else "changes nothing"}')
            bad = 1
    print(f'{len(DEFECTS)} defects')
    return bad or not DEFECTS


if __name__ == '__main__':
    sys.exit(main())
