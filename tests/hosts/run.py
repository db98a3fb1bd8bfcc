# SPDX-License-Identifier: MIT
"""The matrix: what ./test leaves out on this machine, and all of it on each Debian, as somebody meets it who has just installed it.

    run.py TOP FOLDER [HOST...] [--suite SUITE]...

HOST is `here`, this machine, where the rows of tests/system/cases.txt named host- run; or a Debian, where all of ./test runs and
those rows after it. --suite: only that, as ./test takes it. Without HOST: here, and each Debian that this machine is not.

Each Debian is a root of its own, FOLDER/HOST/root, which mmdebstrap makes from the mirror that this machine's own source
lists name, and which is kept. In it lies a copy of the sources, and there ./test gets what it needs, builds and tests.
What is mounted for that is seen in a mount namespace of its own alone and is gone with the last process in it, and they
all end when this one does, however it ends.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import results  # pylint: disable=wrong-import-position

HERE = os.path.dirname(os.path.abspath(__file__))
THIS = "here"
DEBIANS = ("bookworm", "trixie")
ROWS = "system/host-*"                  # of cases.txt: only here
MAKE_LIMIT, TEST_LIMIT = 1200, 7200     # seconds
ROOM = 10 << 30                         # a root with what ./test installs, and a build
# A mount and a PID namespace: whoever kills the first process ends all, and with the last the mounts are gone.
CONFINED = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]


class Impossible(Exception):
    """A host cannot be tried; the text says why."""


def output(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def sources(host):
    """The release's source lists, at this machine's mirrors."""
    found = subprocess.run([os.path.join(HERE, "..", "..", "scripts", "mirror.sh"), host],
                           capture_output=True, text=True, check=False)
    if found.returncode:
        raise Impossible(found.stderr.strip())
    return [f"deb {line} main" for line in found.stdout.splitlines()]


def how_to_fetch(path):
    """What this machine's apt needs to reach the mirror, for the root's."""
    wanted = re.findall(r'^Acquire::(?:https?::Proxy|Check-\w|Retries).* ".*";$', output("apt-config", "dump"), re.M)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in wanted)


def run_logged(argv, log, limit, mode="w"):
    with open(log, mode, encoding="utf-8") as file:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=limit, check=False).returncode


def last_line(log):
    with open(log, errors="replace", encoding="utf-8") as file:
        return ([""] + [line.strip() for line in file if line.strip()])[-1]


def make_root(host, folder):
    root, log = os.path.join(folder, "root"), os.path.join(folder, "make.log")
    if os.path.isdir(root):
        return root
    if not shutil.which("mmdebstrap"):
        raise Impossible("mmdebstrap is not installed: apt-get install mmdebstrap")
    if shutil.disk_usage(folder).free < ROOM:
        raise Impossible(f"less than {ROOM >> 30} GiB are free in {folder}")
    half, apt = root + ".new", os.path.join(folder, "apt.conf")
    shutil.rmtree(half, ignore_errors=True)
    how_to_fetch(apt)
    if run_logged(CONFINED + ["--mount-proc", "mmdebstrap", "--mode=root", "--variant=minbase", "--include=ca-certificates,git",
                   f"--aptopt={apt}", host, half, *sources(host)], log, MAKE_LIMIT):
        raise Impossible(f"mmdebstrap makes no Debian {host} from this machine's mirror (no network?): {last_line(log)}")
    os.rename(half, root)
    return root


def copy_sources(top, root):
    """The tree as it is now; builds there and what was fetched for them stay."""
    copy = os.path.join(root, "plinth")
    os.makedirs(copy, exist_ok=True)
    for name in os.listdir(copy):
        if name not in ("build", "subprojects"):
            path = os.path.join(copy, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    names = output("git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    with subprocess.Popen(["tar", "-C", copy, "-x"], stdin=subprocess.PIPE) as unpack:
        subprocess.run(["tar", "-C", top, "-c", "--null", "--ignore-failed-read", "--files-from=-"],
                       input=names.encode(), stdout=unpack.stdin, stderr=subprocess.DEVNULL, check=True)
    output("git", "-C", copy, "init", "-q")
    output("git", "-C", copy, "add", "-A")


def test_command(host, top, folder):
    """(how ./test begins there, its build folder, how about.sh begins there)"""
    if host == THIS:
        return [os.path.join(top, "test")], os.path.dirname(os.path.dirname(folder)), [os.path.join(HERE, "about.sh")]
    root = make_root(host, folder)
    copy_sources(top, root)
    inside = CONFINED + ["sh", os.path.join(HERE, "inside.sh"), root]
    return inside + ["./test"], os.path.join(root, "plinth", "build"), inside + ["tests/hosts/about.sh"]


def try_host(host, top, folder, suites):
    """[passed, failed, skipped] of all that ran."""
    os.makedirs(folder, exist_ok=True)
    test, build, about = test_command(host, top, folder)
    log, total = os.path.join(folder, "test.log"), [0, 0, 0]
    run_logged(["true"], log, None)
    for argv in [suites] if suites else [[ROWS]] if host == THIS else [[], [ROWS]]:
        results.forget(build)
        run_logged(test + argv, log, TEST_LIMIT, "a")
        found = results.of_last_run(build)
        if not found:
            raise Impossible(f"./test {' '.join(argv)} did not end: {last_line(log)} (all of it: {log})")
        results.keep(folder, found)
        total = [sum(counts) for counts in zip(total, *found.values())]
    run_logged(about, os.path.join(folder, "about.txt"), 60)
    show_failures(log)
    return total


def show_failures(log):
    with open(log, errors="replace", encoding="utf-8") as file:
        for line in re.findall(r"^FAILED .*$", file.read(), re.M):
            print(f"    {line}")


def usage_error(words):
    print(f"test: {words} (see ./test --help)", file=sys.stderr)
    sys.exit(2)


def arguments(words):
    """(hosts, suites)"""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME")
    hosts, suites = [], []
    words = iter(words)
    for word in words:
        if word == "--suite":
            suites.append(next(words, None) or usage_error("--suite wants a value"))
        elif word in (THIS, *DEBIANS):
            hosts.append(word)
        else:
            usage_error(f"no such host: {word}; there are {', '.join((THIS, *DEBIANS))}")
    return hosts or [THIS] + [name for name in DEBIANS if name != own], suites


def main():
    top, folder = map(os.path.abspath, sys.argv[1:3])
    hosts, suites = arguments(sys.argv[3:])
    if os.geteuid() and set(hosts) - {THIS}:
        sys.exit("test: hosts wants root: it makes Debians in folders of their own and mounts /proc there")
    total = [0, 0, 0]
    for host in hosts:
        started = time.monotonic()
        print(f"[test] {host}: log in {os.path.join(folder, host)}", file=sys.stderr)
        try:
            counts, words = try_host(host, top, os.path.join(folder, host), suites), ""
        except (Impossible, subprocess.TimeoutExpired, subprocess.CalledProcessError, OSError) as error:
            counts, words = [0, 1, 0], f"; {error}"
        print(f"{'not ok' if counts[1] or not counts[0] else 'ok'} hosts/{host}: {counts[0]} passed, {counts[1]} failed, "
              f"{time.monotonic() - started:.0f} s{words}", flush=True)
        total = [a + b for a, b in zip(total, counts)]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 0 if total[0] and not total[1] else 1


if __name__ == "__main__":
    sys.exit(main())
