"""Keeps one program running: `keep.py --while PID -- program arguments`.

A program that dies is started again, after a growing pause; one that dies at once five times in a row ends the keeper
too. SIGTERM and SIGINT stop the program and then the keeper. When the process PID is gone, by whatever death, the
program is stopped as well: nothing is left behind. Standard library only.
"""

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

_LOOK_SECONDS = 0.5
_STOP_SECONDS = 4.0  # the process manager kills what is there after 5
_EARLY_SECONDS = 2.0
_EARLY_DEATHS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_PR_SET_PDEATHSIG = 1


class Signals:
    """The signals of this process, as bytes that a wait can end on."""

    def __init__(self) -> None:
        self._read_end, write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        self.asked_to_stop = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _stop(self, *_: object) -> None:
        self.asked_to_stop = True

    def wait(self, seconds: float) -> None:
        """Until any signal came, at most so long."""
        if select.select([self._read_end], [], [], seconds)[0]:
            os.read(self._read_end, 1024)


def bound_to_parent() -> Callable[[], None] | None:
    """On Linux the program gets SIGTERM even where this keeper is killed outright."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Keeper:
    def __init__(self, command: list[str], owner: int, signals: Signals) -> None:
        self._command, self._owner, self._signals = command, owner, signals
        self._before_start = bound_to_parent()

    def run(self) -> int:
        """The exit code of this keeper: 0 after a stop that was asked for."""
        early_deaths, pause = 0, _FIRST_PAUSE
        while True:
            started = time.monotonic()
            code = self._run_once()
            if self._is_over():
                return 0
            lived = time.monotonic() - started
            early_deaths = early_deaths + 1 if lived < _EARLY_SECONDS else 0
            if early_deaths == _EARLY_DEATHS:
                print(
                    f"ended {_EARLY_DEATHS} times right after its start, the last time with {code}: giving up",
                    flush=True,
                )
                return 1
            pause = min(pause * 2, _LONGEST_PAUSE) if early_deaths > 1 else _FIRST_PAUSE
            print(f"ended with {code}, starting again in {pause:g} s", flush=True)
            if self._rest(pause):
                return 0

    def _is_over(self) -> bool:
        return self._signals.asked_to_stop or not is_there(self._owner)

    def _rest(self, seconds: float) -> bool:
        """Waits; answers whether it is over."""
        until = time.monotonic() + seconds
        while not self._is_over() and (left := until - time.monotonic()) > 0:
            self._signals.wait(min(left, _LOOK_SECONDS))
        return self._is_over()

    def _run_once(self) -> int:
        # a session of its own: the manager's signal to our group must not reach the program twice
        program = subprocess.Popen(self._command, start_new_session=True, preexec_fn=self._before_start)  # noqa: PLW1509 -- this process has one thread
        try:
            while program.poll() is None and not self._is_over():
                self._signals.wait(_LOOK_SECONDS)
            if program.poll() is None:
                program.terminate()
            until = time.monotonic() + _STOP_SECONDS
            while program.poll() is None and (left := until - time.monotonic()) > 0:
                self._signals.wait(min(left, _LOOK_SECONDS))
        finally:
            self._clear_group(program.pid)
        return program.wait()

    def _clear_group(self, group: int) -> None:
        """What is left of the program and its own children: workers of a killed nginx would keep its port."""
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--while", dest="owner", type=int, required=True, metavar="PID")
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args()
    # what the program writes is its owner's alone: databases and their locks, logs, sockets
    os.umask(0o077)
    return Keeper(chosen.command, chosen.owner, Signals()).run()


if __name__ == "__main__":
    sys.exit(main())
