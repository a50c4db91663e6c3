"""Processes that tests start: what they inherit, and an end in bounded time, whatever the process thinks of it."""

import os
import signal
import subprocess
from contextlib import suppress

_PATIENCE_SECONDS = 10.0


def inherited() -> dict[str, str]:
    """Give the environment for a child: ours, but not our coverage, for that takes a third of the child's time.

    What runs in the test's own process covers the same lines.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}  # noqa: TID251


def end(
    process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, seconds: float = _PATIENCE_SECONDS
) -> None:
    """Signal the leader of a group and wait; then kill what is left of the group, be it the leader or its orphans."""
    process.send_signal(how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(seconds)
