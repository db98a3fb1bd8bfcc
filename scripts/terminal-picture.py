# SPDX-License-Identifier: MIT
"""Draws a terminal's text as SVG: terminal-picture.py <docs/demo.txt >docs/demo.svg

Lines that begin with "# " are what was typed. The text is a recording of ./run, without the
tables in between; tests/install/docs_test.py checks both.
"""

import html
import sys

WIDTH, LINE, TOP = 960, 19, 46


def row(y, line):
    colour = "#9fd39f" if line.startswith("# ") else "#e6e6e6"
    return (f'<text x="18" y="{y}" fill="{colour}" xml:space="preserve">{html.escape(line)}</text>')


def main():
    lines = sys.stdin.read().splitlines()
    height = TOP + LINE * len(lines) + 8
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
          'font-family="ui-monospace, DejaVu Sans Mono, monospace" font-size="13">')
    print(f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#1d2126"/>')
    for i, colour in enumerate(("#ff5f56", "#ffbd2e", "#27c93f")):
        print(f'<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{colour}"/>')
    for i, line in enumerate(lines):
        print(row(TOP + LINE * i, line))
    print("</svg>")


if __name__ == "__main__":
    main()
