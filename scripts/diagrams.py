# SPDX-License-Identifier: MIT
"""Draws docs/*.svg from docs/diagrams/*.txt.

    diagrams.py [--check]		--check: only say which pictures are older than their text

A text begins with what it is. `sequence WIDTH`: then `actors A, B, ...`, and downwards `A -> B: words` or
`A: words`. `canvas WIDTH HEIGHT`: then, with places in pixels,

    box X Y WIDTH HEIGHT COLOUR [RADIUS] | title | smaller line
    frame X Y WIDTH HEIGHT        a dashed one, without words
    arrow X Y X Y
    text X Y SIZE [bold] [middle] | words
"""

import glob
import html
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs")
HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" font-family="sans-serif" font-size="13">\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>\n<rect width="{0}" height="{1}" fill="#fff"/>')
STEP, MARGIN = 30, 40


def words(x, y, text, size=13, bold=False, middle=False):
    style = f' font-size="{size}"' if size != 13 else ""
    style += ' font-weight="bold"' if bold else ""
    style += ' text-anchor="middle"' if middle else ""
    return f'<text x="{x:g}" y="{y:g}"{style}>{html.escape(text)}</text>'


def arrow(x1, y1, x2, y2):
    return f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="#444" fill="none" marker-end="url(#a)"/>'


def sequence(lines, width):
    actors = [name.strip() for name in lines[0].split(" ", 1)[1].split(",")]
    place = {name: MARGIN + i * (width - 2 * MARGIN) / (len(actors) - 1) for i, name in enumerate(actors)}
    height = 2 * STEP + STEP * len(lines[1:])
    out = [HEAD.format(width, height)]
    for name, x in place.items():
        out += [words(x, 24, name, bold=True, middle=True), f'<path d="M{x:g} 34V{height - 12}" stroke="#bbb"/>']
    for i, line in enumerate(lines[1:]):
        y, (who, text) = 2 * STEP + STEP * i, line.split(": ", 1)
        if "->" not in who:
            out.append(words(place[who.strip()] + 6, y, text, 11))
            continue
        start, end = (place[name.strip()] for name in who.split("->"))
        out += [arrow(start, y, end, y), words((start + end) / 2, y - 5, text, 11, middle=True)]
    return out


def box(numbers, colour, rest, texts):
    x, y, w, h = numbers
    radius = f' rx="{rest[0]}"' if rest else ""
    out = [f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}"{radius} fill="{colour}" stroke="#567"/>']
    for i, text in enumerate(texts):
        line = y + h / 2 + 5 + (2 * i - len(texts) + 1) * 8
        out.append(words(x + w / 2, line, text, 11 if i else 13 if rest else 12, not i and bool(rest), True))
    return out


def canvas(lines, width, height):
    out = [HEAD.format(width, height)]
    for line in lines:
        (kind, *args), *texts = [part.strip() for part in line.split("|")][0].split(), *line.split("|")[1:]
        texts = [text.strip() for text in texts]
        if kind == "box":
            out += box([float(n) for n in args[:4]], args[4], args[5:], texts)
        elif kind == "frame":
            out.append('<rect x="{}" y="{}" width="{}" height="{}" rx="8" fill="none" stroke="#99a" '
                       'stroke-dasharray="6 4"/>'.format(*args))
        elif kind == "arrow":
            out.append(arrow(*(float(n) for n in args)))
        elif kind == "text":
            out.append(words(float(args[0]), float(args[1]), texts[0], int(args[2]), "bold" in args, "middle" in args))
        else:
            raise ValueError(f"no such thing: {line}")
    return out


def draw(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    kind, *numbers = lines[0].split()
    draws = {"sequence": sequence, "canvas": canvas}[kind]
    return "\n".join(draws(lines[1:], *(int(n) for n in numbers))) + "\n</svg>\n"


def main():
    stale = 0
    for path in sorted(glob.glob(os.path.join(FOLDER, "diagrams", "*.txt"))):
        target = os.path.join(FOLDER, os.path.basename(path)[:-4] + ".svg")
        picture = draw(path)
        if "--check" not in sys.argv:
            with open(target, "w", encoding="utf-8") as file:
                file.write(picture)
            continue
        with open(target, encoding="utf-8") as file:
            if file.read() != picture:
                stale += 1
                print(f"{os.path.relpath(target)}: does not show {os.path.relpath(path)}: run scripts/diagrams.py")
    return stale != 0


if __name__ == "__main__":
    sys.exit(main())
