#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Assembler for a module that wants 70,000 functions which nobody has: crowd.py OUT."""
import pathlib
import sys

COUNT = 70_000

pathlib.Path(sys.argv[1]).write_text(
    '.data\n.balign 8\n' + ''.join(f'.quad nobody_has_number_{i}\n' for i in range(COUNT)) + '.section .note.GNU-stack,"",@progbits\n',
    encoding='ascii')
