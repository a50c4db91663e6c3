"""A server that Parley is measured against: a minimal program of a framework, as the framework's own pages write it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench.peers.installed import Missing
from tests.bench.processes import free_port, process, valkey
from tests.bench.servers import SERVER_CORE, Client, Dialect, Running, text

_PATHS: dict[Dialect, str] = {"plain": "/", "socketio": "/socket.io/?EIO=4&transport=websocket"}


@cache
def _ready(installed: Callable[[], Sequence[str]]) -> Sequence[str] | Missing:
    """Try once a run: a registry that does not answer is not asked for each scenario."""
    try:
        return installed()
    except Missing as missing:
        return missing


@dataclass(frozen=True)
class Peer:
    """Its program takes a port, then the address of a Redis where it wants one, then `arguments`."""

    name: str
    installed: Callable[[], Sequence[str]]
    dialect: Dialect = "plain"
    redis: bool = False
    arguments: tuple[str, ...] = ()

    def needs(self) -> str | None:
        ready = _ready(self.installed)
        return str(ready) if isinstance(ready, Missing) else None

    @contextmanager
    def start(self, folder: Path, _count: int) -> Iterator[Running]:
        port = free_port()
        ready = _ready(self.installed)
        if isinstance(ready, Missing):
            raise ready
        with ExitStack() as stack:
            words = [*ready, str(port)]
            if self.redis:
                words.append(f"redis://127.0.0.1:{stack.enter_context(valkey(folder))}/0")
            words += self.arguments
            log = folder / "peer.log"
            started = stack.enter_context(process(words, core=SERVER_CORE, port=port, log=log, cwd=folder))
            yield Running(port=port, path=_PATHS[self.dialect], processes=(started,))

    def clients(self, count: int, publishers: int) -> Sequence[Client]:
        publish = json.dumps({"text": text()})
        if self.dialect == "socketio":
            publish = f'42["message",{publish}]'
        return [Client(publish=publish if number < publishers else "") for number in range(count)]
