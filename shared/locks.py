"""A lock beside a file that one process at a time holds; the system frees it when the holder ends, however it ends.

Who waits for it waits in a queue, unlike at SQLite's own lock, where the waiters poll and starve.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of the file at `path`; blocks until it is free."""
    with path.with_name(path.name + ".lock").open("a") as side:
        fcntl.flock(side, fcntl.LOCK_EX)
        yield
