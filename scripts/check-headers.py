#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each public header compiles alone: as strict C11, and as C++ for tools of others."""

import argparse
import glob
import os
import subprocess
import sys

LANGUAGES = (
    ('C11', 'cc', ['-x', 'c', '-std=c11']),
    ('C++', 'c++', ['-x', 'c++', '-std=c++17']),
)
WARNINGS = ['-pedantic', '-Wall', '-Wextra', '-Werror', '-fsyntax-only']


def compile_alone(folder, header, language):
    _, compiler, flags = language
    return subprocess.run([compiler, *flags, *WARNINGS, '-I', folder, '-'], text=True, capture_output=True, check=False,
                          input=f'#include <{header}>\n#include <{header}>\ntypedef int not_empty;\n')


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument('folder', help='holds plinth/')
    folder = p.parse_args().folder
    headers = sorted(os.path.relpath(h, folder) for h in glob.glob(f'{folder}/plinth/**/*.h', recursive=True))
    if not headers:
        print(f'{folder}: no header found')
        return 1
    failed = 0
    for header in headers:
        for language in LANGUAGES:
            result = compile_alone(folder, header, language)
            if result.returncode:
                failed += 1
                print(f'{header}: does not compile alone as {language[0]}:\n{result.stderr}')
    print(f'{len(headers)} headers, {failed} failures')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
