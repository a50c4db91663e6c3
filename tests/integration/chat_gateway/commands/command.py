"""One command of the gateway's command line, as a process on this database."""

import subprocess
import sys
from pathlib import Path

from tests.processes import inherited

ROOT = Path(__file__).resolve().parent.parent.parent.parent.parent


def run(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in inherited().items() if not name.startswith(("CHAT_", "PARLEY_"))}
    return subprocess.run(
        [sys.executable, "-m", "chat_gateway", *arguments],
        check=False,
        cwd=ROOT,
        env={**kept, "CHAT_DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=60,
    )
