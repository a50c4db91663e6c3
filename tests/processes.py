"""The end of processes that tests start: it comes in bounded time, whatever the process thinks of it."""

import os
import signal
import subprocess
from contextlib import suppress

_PATIENCE_SECONDS = 10.0


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
