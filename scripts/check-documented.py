# SPDX-License-Identifier: MIT
"""Every function of the public headers has a contract: check-documented.py HEADER...

A function is documented when the lines it stands among, between two empty ones, have a comment: one comment may serve
several functions, such as a pair that does and undoes. Doxygen itself would want one each.
"""

import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
BODY = re.compile(r"\{[^{}]*\}")
FUNCTION = re.compile(r"\b(\w+)\((?!\*)[^;]*\)[^;()]*$", re.S)
NO_FUNCTION = re.compile(r"\s*(typedef|struct \w+$|enum \w+$|return)")
ATTRIBUTE = re.compile(r"__attribute__\(\(.*?\)\)|PLINTH_VERSION\(.*?\)")


def without_bodies(text):
    while BODY.search(text):
        text = BODY.sub(";", text)
    return text


def blocks(text):
    """Runs of lines between empty lines, preprocessor and what is in braces left out."""
    text = without_bodies(re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", text, flags=re.M))
    return re.split(r"\n[ \t]*\n", text)


def functions(code):
    """Names that the code declares or defines, in order; nothing of structures, enumerations and types."""
    for declaration in ATTRIBUTE.sub("", code).split(";"):
        found = FUNCTION.search(declaration.strip())
        if found and not found.group(1).isupper() and not NO_FUNCTION.match(declaration):
            yield found.group(1)


def undocumented(text):
    for block in blocks(text):
        comments = " ".join(COMMENT.findall(block))
        names = list(functions(COMMENT.sub("", block)))
        if names and not comments:
            yield from names


def main():
    bad = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for name in undocumented(file.read()):
                print(f"{path}: {name}() has no comment that says what it does")
                bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
