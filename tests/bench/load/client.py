"""The load client (load.c) as Python drives it: compiled once a run, told what to do by lines, typed answers."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.bench.servers import CLIENT_CORE, Client, Dialect, Running, pinned

SOURCE = Path(__file__).with_name("load.c")
_END_SECONDS = 10.0
_ATTEMPTS = 5


class LoadError(Exception):
    """The load client could not do what it was told."""


class Answer(msgspec.Struct, frozen=True):
    """What happened during one command; latencies in microseconds, 0 where nothing was sampled."""

    seconds: float
    open: int
    deliveries: int
    published: int
    acks: int
    errors: int
    closed: int
    bytes: int
    client_cpu_seconds: float
    delivery_p50_us: int
    delivery_p99_us: int
    delivery_max_us: int
    ack_p50_us: int
    ack_p99_us: int
    ack_max_us: int


def compiled(folder: Path) -> Path:
    """Compile the load client into the folder, once."""
    program = folder / "load"
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", program, SOURCE], check=True)
    return program


class LoadClient:
    """One process of connections to one server; a context manager. `ask` does one command and waits for its end."""

    def __init__(self, program: Path, folder: Path, running: Running, dialect: Dialect) -> None:
        self._command = [str(program), "127.0.0.1", str(running.port), running.path, dialect]
        self._file = folder / f"clients-{running.port}.txt"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def start(self, clients: Sequence[Client]) -> None:
        self._file.write_text("".join(f"{client.hello}\t{client.publish}\n" for client in clients))
        command = pinned([*self._command, str(self._file)], CLIENT_CORE)
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=_END_SECONDS)
            self._process = None
        self._file.unlink(missing_ok=True)

    def ask(self, command: str) -> Answer:
        self.tell(command)
        return self.answer()

    def tell(self, command: str) -> None:
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(command.encode() + b"\n")
        process.stdin.flush()

    def answer(self) -> Answer:
        """Wait for the end of what was told. Raises LoadError."""
        process = self._started()
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise LoadError("the load client has ended by itself")
        return msgspec.json.decode(line, type=Answer)

    def connect(self, count: int, first: int = 0) -> None:
        """Open those from `first` on, so that `count` are open; who is refused comes again, as SDKs do.

        Raises LoadError where one does not come about.
        """
        opened = 0
        for _ in range(_ATTEMPTS):
            opened = self.ask(f"connect {first} {count}").open
            if opened == count:
                return
        raise LoadError(f"{opened} of {count} connections are open after {_ATTEMPTS} attempts")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise LoadError("the load client is not started")
        return self._process
