#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No two files have a static function of the same name: one can search for it, and a backtrace names one function.

    static_names.py TOP
"""

import collections
import glob
import os
import re
import sys

FOLDERS = ["modules", "drivers", "rtld", "lib", "tools"]
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)\s*")
DEFINITION = re.compile(r"^static\s[^;{}=()]*?(\w+)\((?:[^(){};]|\([^()]*\))*\)\s*\{", re.M)
ALIKE = {"a.c": "static int find(int (*by)(void))\n{\n}\nstatic const struct x *\nlast(\n\tint a)\n{\n}\nstatic int own(void)\n{\n}\n",
         "b.h": "static __attribute__((cold, section(\"x\"))) void find(void)\n{\n}\nstatic inline int last(void)\n{\n}\n",
         "c.c": "static int own(void);\nstatic int table[] = {own(1)};\nint own(void)\n{\n\tstatic int own;\n}\n"}
ARE_ALIKE = ["find", "last"]


def alike(texts):
    """{name: files} of the static functions that more than one of {file: text} defines."""
    places = collections.defaultdict(list)
    for file, text in sorted(texts.items()):
        for name in set(DEFINITION.findall(ATTRIBUTE.sub("", text))):
            places[name].append(file)
    return {name: files for name, files in sorted(places.items()) if len(files) > 1}


def sources(top):
    for folder in FOLDERS:
        for name in glob.glob(os.path.join(top, folder, "**", "*.[ch]"), recursive=True):
            with open(name, encoding="utf-8") as file:
                yield os.path.relpath(name, top), file.read()


def main():
    found, bad = alike(dict(sources(sys.argv[1]))), 0
    if sorted(alike(ALIKE)) != ARE_ALIKE:
        print(f"this check is wrong: it finds {sorted(alike(ALIKE))} where {ARE_ALIKE} are alike")
        bad = 1
    for name, files in found.items():
        print(f"{name}() is static in {', '.join(files)}: one name, one function")
        bad = 1
    print(f"{len(found)} names in more than one file")
    return bad


sys.exit(main())
