"""From a fresh clone to a running Parley (`run`) or to a developer's tools (`setup`): checks, environment, packages.

It runs on the machine's own Python with the standard library only; what comes after runs on the environment's.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from deploy.checks import StartError, check_platform, check_ports, check_writable, parse_port
from deploy.packages import ensure_packages, ensure_venv

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bootstrap")
    parser.add_argument("command", choices=["run", "setup"])
    parser.add_argument("--port", default="8080")
    chosen = parser.parse_args(arguments)
    # as an exception, a signal also ends the pip that may run at that moment
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(chosen.port) if chosen.command == "run" else _setup()
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _run(port: str) -> int:
    check_platform()
    ports = parse_port(port)
    check_writable(ROOT)
    check_ports(ports)
    python = ensure_venv(ROOT)
    make_private(ROOT / "var")
    ensure_packages(python, ROOT / "requirements" / "local.txt", ROOT / "var" / "pip.log")
    os.chdir(ROOT)
    # databases, their locks, run.env: whatever is made from here on is its owner's alone
    os.umask(0o077)
    # the same process goes on as the one that owns everything it starts
    os.execv(python, [str(python), "-m", "deploy.serve", str(ports.front)])  # noqa: S606 -- no shell is wanted


def make_private(folder: Path) -> None:
    """No other user of the machine reads what is in the folder: logs and databases, whatever rights those have."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)


def _setup() -> int:
    check_platform()
    check_writable(ROOT)
    python = ensure_venv(ROOT)
    make_private(ROOT / "var")
    ensure_packages(python, ROOT / "requirements" / "dev.txt", ROOT / "var" / "pip.log")
    os.chdir(ROOT)
    os.execv(python, [str(python), "-m", "deploy.client", "dependencies"])  # noqa: S606 -- no shell is wanted
