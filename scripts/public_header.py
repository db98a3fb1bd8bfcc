# SPDX-License-Identifier: MIT
"""The names that a public header promises: declarations marked PLINTH_EXPORT."""

import re

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
EXPORT = re.compile(r'\bPLINTH_EXPORT\b([^;{=]*)')
ATTRIBUTE = re.compile(r'__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)')
FUNCTION = re.compile(r'(\w+)\s*\(')
VERSION = re.compile(r'\bPLINTH_VERSION\s*\(\s*(\w+)\s*,\s*(\d+)\s*\)')
VARIABLE = re.compile(r'(\w+)\s*(?:\[[^\]]*\]\s*)*$')


def exported_names(path):
    with open(path, encoding='utf-8') as file:
        text = DIRECTIVE.sub('', COMMENT.sub(' ', file.read()))
    names = set()
    for declaration in EXPORT.findall(text):
        declaration = ATTRIBUTE.sub(' ', declaration)
        version = VERSION.search(declaration)
        if version:
            names.add(f'{version.group(1)}.v{version.group(2)}')
            continue
        found = FUNCTION.search(declaration) or VARIABLE.search(declaration)
        if found:
            names.add(found.group(1))
    return names
