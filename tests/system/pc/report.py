# SPDX-License-Identifier: MIT
"""What the user sees of a run: progress, console, and why it failed."""

import os
import re
import sys

import cpus
from places import Places

QUIET_SECONDS = 10              # a line this often where there is no terminal
SILENCE_SECONDS = 20            # of a script, then it is mentioned
CONSOLE_LINES = 25
LOG_LINES = 12
CRASH_LINES = 60
VMCS_LINE = re.compile(r":   [A-Z][A-Z0-9_]{6,} +0x")


class Progress:
    """One line on standard error that tells phase and seconds.

    While the script runs its own output is progress enough; only a silence
    is mentioned.
    """

    def __init__(self, label, enabled=True):
        self._label = label
        self._enabled = enabled
        self._terminal = sys.stderr.isatty()
        self._shown = None
        self._open = False
        self._seconds = 0.0
        self._output_at = 0.0

    def __call__(self, phase, seconds):
        self._seconds = seconds
        if not self._enabled:
            return
        if phase == "script":
            self._mention_silence(phase, seconds)
            return
        step = 1 if self._terminal else QUIET_SECONDS
        self._show(phase, (phase, int(seconds) // step))

    def _mention_silence(self, phase, seconds):
        silent = int(seconds - self._output_at)
        if silent >= SILENCE_SECONDS:
            self._show(f"{phase}, no output for {silent} s",
                       (phase, silent // SILENCE_SECONDS))
        else:
            self.close()

    def _show(self, text, state):
        if state == self._shown:
            return
        self._shown = state
        line = f"[{self._label}] {int(self._seconds):3d} s  {text}"
        if self._terminal:
            sys.stderr.write("\r\033[K" + line)
            self._open = True
        else:
            sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def output_seen(self):
        """The guest said something: end our line before it is shown."""
        self._output_at = self._seconds
        self.close()

    def close(self):
        if self._open:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._open = False


class Console:
    """Shows the guest's console as it comes, without carriage returns."""

    def __init__(self, progress, enabled=True):
        self._progress = progress
        self._enabled = enabled

    def __call__(self, data):
        if data and self._enabled:
            self._progress.output_seen()
            sys.stdout.buffer.write(data.replace(b"\r", b""))
            sys.stdout.buffer.flush()


def explain(config, emulator, reason):
    """Tells on standard error why a run failed, with what is known."""
    uart = _lines(config.uart)
    places = Places(config.build, uart)
    words = emulator.words()
    lines = [f"pc: {reason}"]
    lines += _section("the CPUs' complaints", cpus.complaints(words)[-LOG_LINES:])
    lines += _section("where the CPUs were", cpus.positions(words, places))
    lines += _section("last console lines", _last_lines(config.console))
    lines += _section("the emulator's log", emulator.notable()[-LOG_LINES:])
    lines += _section("the VMM's UART",
                      [places.complete(line) for line in _crash(uart) or uart[-CONSOLE_LINES:]])
    lines.append(f"pc: everything is in {config.folder}")
    print("\n".join(lines), file=sys.stderr)


def _crash(lines):
    """The VMM's own report of its crash, if there is one: without the VMCS."""
    for i, line in enumerate(lines):
        if "==== crash report" in line:
            return [line for line in lines[i:] if not VMCS_LINE.search(line)][:CRASH_LINES]
    return []


def _section(title, lines):
    return [f"  {title}:"] + [f"    {line}" for line in lines] if lines else []


def _last_lines(path):
    return _lines(path)[-CONSOLE_LINES:]


def _lines(path):
    if not os.path.exists(path):
        return []
    with open(path, errors="replace", encoding="utf-8") as file:
        return [line.rstrip() for line in file.read().splitlines()]
