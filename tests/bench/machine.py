"""Where and when a run took place, for whoever reads its results."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def today() -> str:
    return datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC")  # noqa: TID251 - a bench has a clock


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Linux {platform.release()}"


def versions() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], check=False, capture_output=True, text=True)
    made_of = f", commit {commit.stdout.strip()}" if commit.returncode == 0 else ""
    return f"Python {platform.python_version()}{made_of}."
