# SPDX-License-Identifier: MIT
"""Runs one emulated PC from power-on to power-off, within a time limit."""

import os
import re
import subprocess
import time

# Linux' command line. Each option is there for a reason:
KERNEL_OPTIONS = (
    "console=ttyS0,115200",     # the console is COM1; the default 9600 is slow
    "loglevel=4",               # until /init asks for warnings as well
    "panic=0",                  # stay, so that the host sees the last lines
    "no_timer_check",           # emulated timers need no calibration
    "tsc=reliable",
    "mitigations=off",          # the emulator has no speculation to defend
    "idle=halt",                # MWAIT idling makes 4 CPUs in Bochs crawl
    "cryptomgr.notests=1",      # self-tests that cost 10 s and tell nothing here
)

NOT_MOVED = "nokaslr"           # the kernel is loaded where it was linked

# What the kernel does not do when it boots: it costs time, and tells nothing here.
LEFT_OUT = ["cubictcp_register", "bpf_rstat_kfunc_init",         # whichever is first has the types of all of the kernel checked
            "init_blk_tracer", "init_kprobe_trace", "trace_eval_init",
            "ftrace_check_for_weak_functions"]                   # looks up 40,000 names
# The certificates that were compiled in: without them its keyrings are empty, and no signature holds.
CERTIFICATES = "load_system_certificate_list"

POLL_SECONDS = 0.1
POWER_OFF_LIMIT = 240           # seconds from the script's end; a busy machine needs 40
MARK = re.compile(rb"@pc (\w+)(?: (\d+))?\r?\n")
DEAD = re.compile(rb"Kernel panic - not syncing|Attempted to kill init")
PHASES = {"loader": "boot loader", "kernel": "kernel", "ready": "script",
          "status": "power-off", "disk_error": "disk error"}


class Outcome:
    """How a run ended: the script's status, or why there is none."""

    def __init__(self):
        self.status = None
        self.failure = None
        self.boot_seconds = None
        self.seconds = 0.0


class Tail:
    """Reads what another process appends to a file."""

    def __init__(self, path):
        self._path = path
        self._file = None

    def read(self):
        if self._file is None:
            if not os.path.exists(self._path):
                return b""
            self._file = open(self._path, "rb")
        return self._file.read()

    def close(self):
        if self._file is not None:
            self._file.close()


# QEMU was seen to hang before the kernel's first word, on a machine with much other work.
NEVER_BEGAN = "the emulator hangs: not a word from the kernel"


class Machine:
    """One run; progress is told to `progress`, console bytes to `output`."""

    def __init__(self, config, emulator, progress, output):
        self.config = config
        self.emulator = emulator
        self.phase = "power-on"
        self._progress = progress
        self._output = output
        self._marks = b""
        self._last = b""        # end of the console, to find a panic in

    def command_line(self):
        left_out = LEFT_OUT if self.config.certificates else [CERTIFICATES, *LEFT_OUT]
        options = list(KERNEL_OPTIONS) + ["initcall_blacklist=" + ",".join(left_out)]
        options += self.config.model.kernel_options
        options += self._place()
        khz = str(self.emulator.khz())
        return " ".join(o.replace("@KHZ@", khz) for o in options
                        + self.config.kernel_options)

    def _place(self):
        """Words of no meaning to the kernel it hands to /init: there report.sh finds where it has to be."""
        moved = self.config.relocated
        return [f"KERNEL_TEXT={moved.text():x}", f"KERNEL_CODE={moved.start():08x}"] if moved else [NOT_MOVED]

    def run(self):
        """Starts the emulator, follows it to the end, leaves no process; once more if it never began."""
        outcome = self._run_once()
        if outcome.failure == NEVER_BEGAN:
            self._progress("power-on, again", outcome.seconds)
            outcome = self._run_once()
        return outcome

    def _run_once(self):
        outcome = Outcome()
        console, control = Tail(self.config.console), Tail(self.emulator.control())
        started = time.monotonic()
        with open(self.config.path("emulator.out"), "wb") as words:
            # A session of its own: Ctrl-C is ours to handle.
            process = subprocess.Popen(
                self.emulator.argv(), stdout=words, stderr=words, start_new_session=True,
                stdin=subprocess.PIPE if self.config.debug else subprocess.DEVNULL)
        try:
            if self.config.debug:
                self._debug(process, console, control, outcome)
            else:
                self._follow(process, console, control, started, outcome)
        finally:
            process.kill()
            process.wait()
            self._output(console.read())
            console.close()
            control.close()
            outcome.seconds = time.monotonic() - started
        return outcome

    def _follow(self, process, console, control, started, outcome):
        powered_off_by = None
        while outcome.failure is None:
            running = process.poll() is None
            now = time.monotonic() - started
            self._take_console(console.read())
            self._take_marks(control.read(), outcome, now)
            self._progress(self.phase, now)
            if outcome.status is not None and powered_off_by is None:
                powered_off_by = now + POWER_OFF_LIMIT
            if powered_off_by and self.config.reset_is_the_end and self.emulator.was_reset():
                return
            if not running:
                if outcome.status is None:
                    outcome.failure = "the PC stopped by itself before the script ended"
                return
            outcome.failure = self._overdue(now, outcome, powered_off_by)
            if outcome.failure is None:
                time.sleep(POLL_SECONDS)

    def _debug(self, process, console, control, outcome):
        """At the function the debugger has the word: its limit is the user's patience."""
        def read():
            time.sleep(POLL_SECONDS)
            self._take_console(console.read())
            return control.read()

        self.config.debug.follow(process, read)
        outcome.status = 0
        if not self.config.debug.stopped:
            outcome.failure = f"the PC ended without coming to {self.config.debug.place}"

    def _take_console(self, data):
        self._output(data)
        self._last = (self._last + data)[-4096:]

    def _take_marks(self, data, outcome, now):
        self._marks += data
        end = 0
        for mark in MARK.finditer(self._marks):
            end = mark.end()
            word = mark[1].decode()
            self.phase = PHASES.get(word, self.phase)
            if word == "ready":
                outcome.boot_seconds = now
            elif word == "status":
                outcome.status = int(mark[2])
            elif word == "disk_error":
                outcome.failure = "the boot loader could not read its disk"
        self._marks = self._marks[end:][-4096:]

    def _overdue(self, now, outcome, powered_off_by):
        """Why the run has to end now, or None."""
        config = self.config
        if not config.reset_is_the_end and DEAD.search(self._last):
            time.sleep(1)       # let the last words reach the file
            return "the guest's kernel panicked"
        mute_limit = self.emulator.MUTE_SECONDS
        if mute_limit and now > mute_limit and not self._last and self.phase == "power-on":
            return NEVER_BEGAN
        if outcome.boot_seconds is None and now > config.boot_limit:
            return (f"no boot within {config.boot_limit} s "
                    f"(stuck in phase: {self.phase})")
        if powered_off_by is not None:
            if now > powered_off_by:
                return (f"the script ended, but the PC did not power off "
                        f"within {POWER_OFF_LIMIT} s")
        elif outcome.boot_seconds is not None and \
                now > outcome.boot_seconds + config.time_limit:
            return f"the script did not end within the limit of {config.time_limit} s"
        return None
