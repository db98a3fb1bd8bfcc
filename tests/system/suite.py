# SPDX-License-Identifier: MIT
"""Runs the system tests of cases.txt, two emulated PCs at a time.

    suite.py --build BUILD [--results FILE] [--jobs N] [NAME...]
    suite.py --list
    suite.py --kernels | --sets | --emulators [NAME...]

Each check a guest script reports counts; a PC that crashes, hangs or reports
nothing counts as one failure more. NAME may be a pattern, as hostile*. Results go to FILE, one check a line. A row whose options
name an environment variable ($PLINTH_LIBVMI) that is not set is not run, and counts as skipped.
"""

import argparse
import fnmatch
import os
import re
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "pc"))
# pylint: disable=wrong-import-position
import unpacked
from config import END_WITH_US

# pylint: enable=wrong-import-position

CHECK = re.compile(r"^(ok|not ok) (.*)$")
COST = re.compile(r"^\[pc\] .* (\d+ s of a CPU)$", re.MULTILINE)
TAIL_LINES = 30
NAMED = ("long-", "host-", "libvmi")   # cases that run only when named: ./test endurance, ./test hosts, ./test 'system/libvmi*'
VARIABLE = re.compile(r"\$(PLINTH_\w+)")   # in an option: of the environment, for what nothing here brings along

KERNEL = "--kernel="             # option of a case: not on the stock kernel
SETS = "--module-sets="          # of modules, in turn; those of the other Debian only where tests/hosts/other.sh could make them

Case = namedtuple("Case", "name script emulator cpus model limit modules options")
Result = namedtuple("Result", "case checks seconds words")


def read_cases():
    """Those of cases.txt; what begins with # is none."""
    with open(os.path.join(HERE, "cases.txt"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and line[0] != "#"]
    return [Case(*row[:7], row[7:]) for row in rows]


def choose(cases, names):
    """The cases of the names and patterns (host-*), or all but NAMED; a name or a pattern of none ends the program."""
    unknown = [name for name in names if not fnmatch.filter([case.name for case in cases], name)]
    if unknown:
        sys.exit(f"suite.py: no such system test: {', '.join(unknown)}")
    if not names:
        return [case for case in cases if not case.name.startswith(NAMED)]
    return [case for case in cases if any(fnmatch.fnmatchcase(case.name, name) for name in names)]


def sets_there(option, build):
    """The option without sets of the other Debian that could not be made: other.sh has said why."""
    if not option.startswith(SETS):
        return option
    names = [name for name in option.removeprefix(SETS).split(",")
             if not name.startswith("other-") or os.path.isdir(os.path.join(build, "tests", "toolchains", name))]
    return SETS + ",".join(names or ["own"])


def command(case, build, folder):
    argv = END_WITH_US + [
        sys.executable, os.path.join(HERE, "pc"), "--quiet", "--strict",
        "--build", build, "--folder", folder,
        "--script", os.path.join(HERE, "cases", case.script),
        "--emulator", case.emulator, "--cpus", case.cpus,
        "--time-limit", case.limit]
    if case.model != "-":
        argv += ["--cpu-model", case.model]
    if case.modules != "-":
        argv += [word for name in case.modules.split(",") for word in ("--module", name)]
    return argv + [VARIABLE.sub(lambda match: os.environ[match[1]], sets_there(option, build)) for option in case.options]


def not_set(case):
    """The environment variables that it wants and that are not there."""
    names = {name for option in case.options for name in VARIABLE.findall(option)}
    return sorted(name for name in names if not os.environ.get(name))


def read_checks(folder):
    """[(passed, text)] as the guest's console tells."""
    try:
        with open(os.path.join(folder, "console.txt"), errors="replace",
                  encoding="utf-8") as file:
            found = [CHECK.match(line.rstrip()) for line in file]
    except FileNotFoundError:
        return []
    return [(match[1] == "ok", match[2]) for match in found if match]


def run_case(case, build):
    if missing := not_set(case):
        return Result(case, [(True, f"not run # SKIP {' and '.join(missing)} not set")], 0, "")
    folder = os.path.join(build, "system", case.name)
    started = time.monotonic()
    result = subprocess.run(command(case, build, folder), text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    checks = read_checks(folder) if result.returncode != 2 else []
    if result.returncode and all(passed for passed, _ in checks):
        checks.append((False, f"the run ended with status {result.returncode}"))
    if not checks:
        checks.append((False, "nothing was checked"))
    return Result(case, checks, time.monotonic() - started, result.stdout)


def show(result):
    """One line if all is well, else what failed and the last lines of the run."""
    failed = [text for passed, text in result.checks if not passed]
    if "# SKIP" in result.checks[0][1]:
        print(f"skipped system/{result.case.name}: {result.checks[0][1]}", flush=True)
        return
    cost = COST.search(result.words)
    print(f"{'not ok' if failed else 'ok'} system/{result.case.name}: "
          f"{len(result.checks) - len(failed)} passed, {len(failed)} failed, "
          f"{result.seconds:.0f} s{', ' + cost[1] if cost else ''}", flush=True)
    if failed:
        for text in failed:
            print(f"    not ok {text}")
        for line in result.words.splitlines()[-TAIL_LINES:]:
            print(f"    | {line}")


def main():
    parser = argparse.ArgumentParser(prog="suite.py")
    parser.add_argument("--build")
    parser.add_argument("--results")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--kernels", action="store_true", help="which kernels they run on beside the stock one")
    parser.add_argument("--sets", action="store_true", help="which sets of modules they load")
    parser.add_argument("--emulators", action="store_true", help="and in which emulators beside those of this machine")
    args = parser.parse_args()
    cases = choose(read_cases(), args.names)
    if args.list:
        print("\n".join("system/" + case.name for case in cases))
        return 0
    for asked, option in ((args.kernels, KERNEL), (args.sets, SETS)):
        if asked:
            print("\n".join(sorted({word.removeprefix(option) for case in cases for word in case.options if word.startswith(option)})))
            return 0
    if args.emulators:
        print("\n".join(sorted({case.emulator for case in cases} & unpacked.to_unpack())))
        return 0
    good = True
    # The quick ones last: a long one that began late would end alone.
    cases.sort(key=lambda case: -int(case.limit))
    with ThreadPoolExecutor(args.jobs) as pool:
        results = list(pool.map(lambda case: finish(run_case(case, args.build)), cases))
    if args.results:
        with open(args.results, "w", encoding="utf-8") as file:
            for result in results:
                for passed, text in result.checks:
                    file.write(f"{'ok' if passed else 'not ok'} "
                               f"system/{result.case.name}: {text}\n")
    for result in results:
        good = good and all(passed for passed, _ in result.checks)
    return 0 if good else 1


def finish(result):
    show(result)
    return result


if __name__ == "__main__":
    sys.exit(main())
