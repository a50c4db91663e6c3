"""The virtual environment and what is installed in it: only from the locked, hashed lists, only as wheels.

A stamp in the environment holds the list's hash, so an unchanged list costs nothing.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.checks import StartError

_LAST_LINES = 400


def ensure_venv(root: Path) -> Path:
    """The Python of the project's environment, made (or made anew, if it does not start) where needed."""
    python = root / ".venv" / "bin" / "python"
    probe = [str(python), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if python.exists() and subprocess.run(probe, check=False, capture_output=True).returncode == 0:
        return python
    print("Making the virtual environment .venv ...", flush=True)
    making = [sys.executable, "-m", "venv", "--clear", str(root / ".venv")]
    made = subprocess.run(making, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(root / ".venv", ignore_errors=True)
        raise StartError(
            "Python could not make a virtual environment: install its venv and pip parts "
            "(on Debian and Ubuntu: `apt install python3-venv`)."
        )
    return python


def ensure_packages(python: Path, requirements: Path, log: Path) -> None:
    """What the list asks for is installed, at these versions with these hashes. Raises StartError."""
    stamp = python.parent.parent / f"installed-{requirements.stem}"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("ascii") == wanted:
        return
    print(
        f"Installing the packages of requirements/{requirements.name} (takes a minute the first time) ...", flush=True
    )
    options = [
        "--require-hashes",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar=off",
    ]
    command = [str(python), "-m", "pip", "install", *options, "-r", str(requirements)]
    lines = _show(command, log)
    if lines is not None:
        raise StartError(explain(lines, log))
    stamp.write_text(wanted, "ascii")


def _show(command: list[str], log: Path) -> list[str] | None:
    """Runs pip with a count of what it has found so far; answers its last lines if it failed."""
    count, lines = 0, list[str]()
    log.parent.mkdir(exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as pip,
    ):
        for line in pip.stdout or ():
            file.write(line)
            lines = [*lines[1 - _LAST_LINES :], line.rstrip()]
            if line.startswith("Collecting "):
                count += 1
                if sys.stdout.isatty() or count % 20 == 0:
                    print(f"  {count} packages found", end="\r" if sys.stdout.isatty() else "\n", flush=True)
            if line.startswith("Installing collected"):
                print(f"  {count} packages found, unpacking", flush=True)
    return lines if pip.returncode else None


def explain(lines: list[str], log: Path) -> str:
    """Say in one sentence why pip failed."""
    text = "\n".join(lines)
    missing = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", text)
    if re.search(
        r"Failed to establish a new connection|Temporary failure in name resolution|Max retries|ReadTimeout", text
    ):
        reason = "the package registry could not be reached: check the network, then run it again"
    elif missing:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        reason = (
            f"there is no ready-made {missing[1].split('==')[0]} for {sys.platform} with Python {version} here: "
            f"use Linux (x86-64, ARM) or macOS with Python 3.11 to 3.14, or `docker compose up`"
        )
    elif "DO NOT MATCH THE HASHES" in text:
        reason = (
            "a downloaded package is not the one that was locked: empty pip's cache (`pip cache purge`), run it again"
        )
    else:
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        reason = errors[-1].rstrip(".") if errors else "pip stopped without a reason"
    return f"The packages could not be installed, {reason} (all that pip said: {log})."
