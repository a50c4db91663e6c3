"""Centrifugo, which speaks Parley's protocol: its binary from PATH or from CENTRIFUGO=, version 6 or newer.

Everybody is subscribed by the token, as Parley's clients are by the server, and may publish into the room.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jwt

from tests.bench.processes import free_port, process
from tests.bench.servers import SERVER_CORE, Client, Dialect, Running, text

_CHANNEL = "room:bench"
_OLDEST = 6
_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Centrifugo:
    name: str = "Centrifugo"
    dialect: Dialect = "centrifuge"
    _secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def needs(self) -> str | None:
        binary = shutil.which(_program())
        if binary is None:
            return f"there is no program `{_program()}`: put Centrifugo on PATH or name it by CENTRIFUGO="
        said = subprocess.run([binary, "version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\bv?(\d+)\.", said)
        if version is None or int(version[1]) < _OLDEST:
            return f"`{binary} version` is not {_OLDEST} or newer, whose configuration the bench writes"
        return None

    @contextmanager
    def start(self, folder: Path, _count: int) -> Iterator[Running]:
        port = free_port()
        config = folder / "centrifugo.json"
        config.write_text(json.dumps(self._configuration(port)))
        command = [_program(), "--config", str(config)]
        log = folder / "centrifugo.log"
        with process(command, core=SERVER_CORE, port=port, log=log, cwd=folder) as started:
            yield Running(port=port, path="/connection/websocket", processes=(started,))

    def clients(self, count: int, publishers: int) -> Sequence[Client]:
        command = {"id": 0, "publish": {"channel": _CHANNEL, "data": {"text": text()}}}
        publish = json.dumps(command).replace('"id": 0', '"id":%I', 1)
        return [
            Client(hello=self._hello(number), publish=publish if number < publishers else "") for number in range(count)
        ]

    def _configuration(self, port: int) -> dict[str, object]:
        return {
            "http_server": {"address": "127.0.0.1", "port": port},
            "client": {"token": {"hmac_secret_key": self._secret}},
            "channel": {"namespaces": [{"name": "room", "allow_publish_for_subscriber": True}]},
            "log": {"level": "error"},
        }

    def _hello(self, number: int) -> str:
        claims = {"sub": f"user{number}", "exp": int(time.time()) + _TOKEN_SECONDS, "subs": {_CHANNEL: {}}}
        return json.dumps({"id": 1, "connect": {"token": jwt.encode(claims, self._secret, algorithm="HS256")}})


def _program() -> str:
    return os.environ.get("CENTRIFUGO") or "centrifugo"  # noqa: TID251 -- a program of the machine, no setting of ours
