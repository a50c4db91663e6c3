"""Our own gateway as a server of the bench: the real processes with a real database and a real Valkey.

Limits that protect a gateway from one client are raised, since one load client is everybody here; nothing that costs
time is left out: tokens are verified, every message is authorised, written and committed before it is delivered.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.auth import PUBLIC_URL, auth_stub
from tests.bench.databases import CONFIG, ROOT, Database, DatabaseKind, database
from tests.bench.processes import free_port, process, valkey
from tests.bench.seeds import Layout
from tests.bench.servers import SERVER_CORE, Client, Dialect, Running

PATH = "/connection/websocket"
_LIMITS = {
    "CHAT_COMMANDS_BURST": "1000000",
    "CHAT_COMMANDS_PER_MINUTE": "100000000",
    "CHAT_CONNECTS_IN_PROGRESS": "1000",
    "CHAT_CONNECT_SECONDS": "60",
    "CHAT_CONNECT_WAIT_SECONDS": "50",
    "CHAT_DRAIN_SECONDS": "0",
    "CHAT_HALF_OPEN_PER_ADDRESS": "30000",
    "CHAT_HALF_OPEN_SOCKETS": "30000",
    "CHAT_LOOP_LAG_SECONDS": "30",
    "CHAT_MESSAGES_BURST": "1000000",
    "CHAT_MESSAGES_PER_MINUTE": "100000000",
    "LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class Site:
    """Gateways that run, and their database."""

    gateways: tuple[Running, ...]
    database: Database

    @property
    def processes(self) -> tuple[int, ...]:
        return tuple(one for gateway in self.gateways for one in gateway.processes)


@dataclass(frozen=True)
class Parley:
    """Without a layout all connections are in one room. A seeded SQLite file takes the place of the layout's rows."""

    name: str = "Parley"
    database: DatabaseKind = "SQLite"
    layout: Layout | None = None
    seeded: Path | None = None
    settings: dict[str, str] = field(default_factory=dict)
    dialect: Dialect = "centrifuge"

    def needs(self) -> str | None:
        return None

    def laid_out(self, count: int) -> Layout:
        return self.layout or Layout(clients=count)

    def clients(self, count: int, publishers: int) -> Sequence[Client]:
        return self.laid_out(count).posting(count, publishers)

    @contextmanager
    def start(self, folder: Path, count: int) -> Iterator[Running]:
        with self.site(folder, count) as site:
            yield site.gateways[0]

    @contextmanager
    def site(self, folder: Path, count: int, *, gateways: int = 1) -> Iterator[Site]:
        """Run gateways on one database; each is a server of its own to the load client."""
        with ExitStack() as running:
            stored = running.enter_context(database(self.database, folder, self.seeded))
            if self.seeded is None:
                stored.execute(self.laid_out(count).sql())
            port, auth = running.enter_context(valkey(folder)), running.enter_context(auth_stub())
            shared = {
                "CHAT_AUTH_URL": auth,
                "CHAT_DATABASE_URL": stored.url,
                "PUBLIC_URL": PUBLIC_URL,
                "REDIS_URL": f"redis://127.0.0.1:{port}/0",
                **_LIMITS,
                **self.settings,
            }
            started = [running.enter_context(_gateway(folder, number, shared)) for number in range(gateways)]
            yield Site(tuple(started), stored)


@contextmanager
def _gateway(folder: Path, number: int, settings: dict[str, str]) -> Iterator[Running]:
    port = free_port()
    own = {"CHAT_PORT": str(port), "CHAT_OPS_PORT": str(free_port()), "CHAT_INSTANCE": f"gateway{number}"}
    command = [sys.executable, "-m", "chat_gateway", "serve", "--config", str(CONFIG)]
    log = folder / f"gateway{number}.log"
    with process(command, core=SERVER_CORE, port=port, log=log, env={**settings, **own}, cwd=ROOT) as process_id:
        yield Running(port, PATH, (process_id,))
