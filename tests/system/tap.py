# SPDX-License-Identifier: MIT
"""Prints test results as TAP, for Meson."""


def report(results):
    """results: [(name, problem)], problem None if all is well.
    Returns the exit status."""
    print(f"1..{len(results)}")
    for number, (name, problem) in enumerate(results, 1):
        print(f"{'not ok' if problem else 'ok'} {number} - {name}")
        if problem:
            print("\n".join("# " + line for line in problem.splitlines()))
    return 1 if any(problem for _, problem in results) else 0


def difference(wanted, found):
    """None, or what is different."""
    return None if wanted == found else f"wanted {wanted}\nfound  {found}"
