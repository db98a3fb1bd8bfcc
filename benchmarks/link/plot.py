# SPDX-License-Identifier: MIT
"""Instructions of a link against the number of modules, as SVG."""
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 320, 70, 40, 20


def svg(rows):
    """rows: (modules, instructions, instructions by a plan), both linear from 0."""
    most = max(count for _, count, _ in rows)
    last = max(size for size, _, _ in rows)

    def x(size):
        return LEFT + (WIDTH - LEFT - 20) * size / last

    def y(count):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * count / most

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - 20}" fill="none" stroke="black"/>']
    for part in range(5):
        count = most * part / 4
        out.append(f'<text x="{LEFT - 6}" y="{y(count) + 4:.0f}" text-anchor="end">{count / 1e6:.1f} M</text>')
    for size, _, _ in rows:
        if size >= last / 10 or size == 1:
            out.append(f'<text x="{x(size):.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{size}</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">modules</text>')
    for column, colour, name in ((1, '#1f5fa8', 'by the index'), (2, '#b0541e', 'by a link plan')):
        points = ' '.join(f'{x(row[0]):.1f},{y(row[column]):.1f}' for row in rows)
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{LEFT + 12}" y="{TOP + 16 * column}" fill="{colour}">{name}</text>')
    return '\n'.join([*out, '</svg>']) + '\n'
