"""The last resort against a test that does not end: it shows where every thread and task is and ends the process.

pytest-timeout fails a slow test, but two hangs escape it: its timer is off while the fixtures of a failed test are torn
down, and its alarm is lost where it meets an asyncio callback, which logs any exception and goes on.
"""

import asyncio
import faulthandler
import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import psutil  # type: ignore[import-untyped]

_TIMES_ITS_TIMEOUT = 2


@contextmanager
def deadline(name: str, timeout: float, stderr: int) -> Iterator[None]:
    """End this process if the body takes twice the timeout that should have ended it."""
    seconds = timeout * _TIMES_ITS_TIMEOUT
    timer = threading.Timer(seconds, _end, [f"\n{name} has not ended after {seconds:g} s:", stderr])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(sentence: str, stderr: int) -> None:
    with open(stderr, "w", encoding="utf-8", errors="replace", closefd=False) as file:
        print(sentence, file=file, flush=True)
        faulthandler.dump_traceback(file)
        _print_tasks(file)
    # no fixture will stop what it has started: without this, servers would stay and keep their ports
    for child in psutil.Process().children(recursive=True):
        child.kill()
    os._exit(1)


def _print_tasks(file: TextIO) -> None:
    # another thread's loop can be asked for its tasks, but must be found first
    for loop in [each for each in gc.get_objects() if issubclass(type(each), asyncio.AbstractEventLoop)]:
        for task in asyncio.all_tasks(loop):
            task.print_stack(file=file)
