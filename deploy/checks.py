"""What must hold before anything is installed or started; each refusal is one sentence that says what to do.

Nothing here changes the machine.
"""

import errno
import os
import socket
import tempfile
from pathlib import Path

from deploy.ports import Ports

_FIRST_FREE_FOR_ALL = 1024
_LAST_FRONT = 65535 - 13


class StartError(Exception):
    """One sentence for the person at the terminal. It ends the command with exit code 1."""


def check_platform() -> None:
    if os.name != "posix":
        raise StartError("Parley runs on Linux and macOS: on Windows, run it inside WSL.")


def check_writable(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StartError(
            f"The folder {folder} cannot be written to ({error.strerror}): "
            f"clone Parley to a folder of your own, or change this one's owner."
        ) from error


def parse_port(text: str) -> Ports:
    if not text.isascii() or not text.isdigit() or not _FIRST_FREE_FOR_ALL <= int(text) <= _LAST_FRONT:
        raise StartError(f"PORT must be a number from {_FIRST_FREE_FOR_ALL} to {_LAST_FRONT}, and {text!r} is not.")
    return Ports(int(text))


def check_ports(ports: Ports) -> None:
    taken = [port for port in ports.all if not all(is_free(address, port) for address in loopback_addresses())]
    if not taken:
        return
    numbers = ", ".join(str(port) for port in taken)
    what = f"Port {numbers} is" if len(taken) == 1 else f"The ports {numbers} are"
    raise StartError(
        f"{what} in use by another program (perhaps a Parley that runs already): "
        f"stop it, or choose another port, like `make run PORT={_elsewhere(ports.front)}`."
    )


def is_free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # without it, connections of a Parley that was just stopped would look like a program in the way
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE
        return True


def loopback_addresses() -> tuple[str, ...]:
    """127.0.0.1, and ::1 where this machine has it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return "127.0.0.1", "::1"


def _elsewhere(front: int) -> int:
    return front + 20 if front + 20 <= _LAST_FRONT else front - 20
