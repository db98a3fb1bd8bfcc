# SPDX-License-Identifier: MIT
"""Plinth on each Debian it is for, as somebody meets it who has just installed that Debian.

    run.py TOP FOLDER [HOST...]

Each host is a root of its own, FOLDER/HOST/root, which mmdebstrap makes from the mirror that this machine's own source
lists name, and which is kept. In it lies a copy of the sources, and there ./test gets what it needs, builds and tests.
What is mounted for that is seen in a mount namespace of its own alone and is gone with the last process in it, and they
all end when this one does, however it ends.
"""

import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = ("bookworm", "trixie")
# What differs where compilers, libraries, kernels and emulators do.
TESTS = ("unit", "rtld", "mocks", "build-checks", "docs", "fuzz", "install",
         "system/demo-2", "system/hotplug", "system/kexec", "system/fault-page")
MAKE_LIMIT, TEST_LIMIT = 1200, 5400     # seconds
ROOM = 10 << 30                         # a root with what ./test installs, and a build
# A mount and a PID namespace: whoever kills the first process ends all, and with the last the mounts are gone.
CONFINED = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


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


def run_logged(argv, log, limit):
    with open(log, "w", encoding="utf-8") as file:
        return subprocess.run(CONFINED + argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                              timeout=limit, check=False).returncode


def last_line(log):
    """What was said last, beside what the host is."""
    with open(log, errors="replace", encoding="utf-8") as file:
        return ([""] + [line.strip() for line in file if line.strip() and not line.startswith("host: ")])[-1]


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
    if run_logged(["--mount-proc", "mmdebstrap", "--mode=root", "--variant=minbase", "--include=ca-certificates,git",
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


def try_host(host, top, folder):
    """(passed, failed, skipped), words."""
    os.makedirs(folder, exist_ok=True)
    root = make_root(host, folder)
    copy_sources(top, root)
    log = os.path.join(folder, "test.log")
    run_logged(["sh", os.path.join(HERE, "inside.sh"), root, *TESTS], log, TEST_LIMIT)
    with open(log, errors="replace", encoding="utf-8") as file:
        text = file.read()
    counts = COUNTS.findall(text)
    if not counts:
        raise Impossible(f"./test did not end: {last_line(log)} (all of it: {log})")
    for line in re.findall(r"^FAILED .*$", text, re.M):
        print(f"    {line}")
    host_is = re.search(r"^host: (.*)$", text, re.M)
    return [int(n) for n in counts[-1]], host_is[1] if host_is else ""


def main():
    top, folder, hosts = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:] or HOSTS
    unknown = sorted(set(hosts) - set(HOSTS))
    if unknown:
        print(f"test: no such host: {', '.join(unknown)}; there are {', '.join(HOSTS)}", file=sys.stderr)
        return 2
    if os.geteuid():
        sys.exit("test: hosts wants root: it makes Debians in folders of their own and mounts /proc there")
    total = [0, 0, 0]
    for host in hosts:
        started = time.monotonic()
        print(f"[test] {host}: log in {os.path.join(folder, host)}", file=sys.stderr)
        try:
            counts, words = try_host(host, top, os.path.join(folder, host))
        except (Impossible, subprocess.TimeoutExpired, subprocess.CalledProcessError, OSError) as error:
            counts, words = [0, 1, 0], str(error)
        print(f"{'not ok' if counts[1] or not counts[0] else 'ok'} hosts/{host}: {counts[0]} passed, {counts[1]} failed, "
              f"{time.monotonic() - started:.0f} s; {words}", flush=True)
        total = [a + b for a, b in zip(total, counts)]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 0 if total[0] and not total[1] else 1


if __name__ == "__main__":
    sys.exit(main())
