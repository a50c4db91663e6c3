"""What every server under test is, ours and the peers alike: how to start it, what its clients say, what it costs.

A server runs on the first core, the load client and helpers such as Valkey on the second. `start` gives the process ids
whose CPU time and memory count as the server's; everything else that it needs it starts on the client's core.
A text to publish holds `%T`, which the load client replaces by '~' and the time, and `%I`, a number for the command.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Dialect = Literal["plain", "centrifuge", "socketio"]

SERVER_CORE = 0
CLIENT_CORE = 1
MESSAGE_BYTES = 200


@dataclass(frozen=True)
class Client:
    """What one connection says first, and what it publishes; a listener publishes nothing."""

    hello: str = ""
    publish: str = ""


@dataclass(frozen=True)
class Running:
    """A started server: where clients connect, and the processes (with their children) that it consists of."""

    port: int
    path: str
    processes: tuple[int, ...]


class Server(Protocol):
    """One room that everybody is in; what a publisher sends reaches all connections, its own included."""

    @property
    def name(self) -> str:
        """What tables and plots call it."""

    @property
    def dialect(self) -> Dialect:
        """How the load client speaks to it."""

    def needs(self) -> str | None:
        """Say why it cannot run on this machine, or None. May install what it needs, once."""

    def start(self, folder: Path, count: int) -> AbstractContextManager[Running]:
        """Run it for `count` connections; `folder` is empty and its own. Ends all of its processes."""

    def clients(self, count: int, publishers: int) -> Sequence[Client]:
        """Give the connections; so many of them publish, the first is one of them. Called while it runs."""


def text(size: int = MESSAGE_BYTES) -> str:
    """Give a body of this size: the stamp, which is 17 characters long in the end, and filling."""
    return "%T" + "x" * (size - 17)


def pinned(command: Sequence[str], core: int) -> list[str]:
    """Have a command run on one core; its process id stays that of the command."""
    return ["taskset", "-c", str(core), *command]
