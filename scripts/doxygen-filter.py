# SPDX-License-Identifier: MIT
"""Makes our comments Doxygen's: the sections of a function's contract, and file comments.

Reads the file named, writes to standard output. Lines stay where they are, so that warnings point at the source.
"""

import re
import sys

SECTIONS = re.compile(r'^(\s*\* *)(Context|Return|Returns|Undo|Source):', re.M)
TITLE = re.compile(r'/\*\* ?(\n \* )?([\w, ()*]+\(\)[\w, ()]*|\w+) - ')
ARGUMENT = re.compile(r'(?<![\w\\])@(\w+)')
COMMENT = re.compile(r'/\*.*?\*/', re.S)


def convert(comment):
    """One comment; Doxygen's commands are taken for text, and ours become theirs."""
    text = comment.group()
    text = TITLE.sub(lambda found: f'/** {found.group(1) or ""}{found.group(2)} - ', text)
    text = re.sub(r'[<>#\\]', lambda found: '\\' + found.group(), text)
    text = ARGUMENT.sub(r'<b>\1</b>', text)
    return SECTIONS.sub(r'\1<br><b>\2</b>:', text)


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        text = file.read()
    first = text.find('/*', text.find('SPDX'))
    if first > 0 and text.find('#') > first:
        text = text[:first] + '/** \\file */' + text[first:]
    sys.stdout.write(COMMENT.sub(lambda c: c.group() if '\\file' in c.group() else convert(c), text))


if __name__ == '__main__':
    main()
