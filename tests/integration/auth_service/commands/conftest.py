"""A command line of auth on the database of the test: what it printed, and with which status it ended."""

import asyncio
import io
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import pytest

from auth_service.__main__ import main
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def sentences(self) -> str:
        """What stderr holds for people: the log goes there too, one JSON object a line."""
        return "".join(f"{line}\n" for line in self.err.splitlines() if not line.startswith("{"))

    @property
    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


Run: TypeAlias = Callable[..., Awaitable[Said]]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, settings: AuthSettings) -> None:
    """The settings of the service, as a command reads them."""
    for field in AuthSettings.model_fields:
        monkeypatch.delenv(AuthSettings.env_name(field), raising=False)
    for field in ("database_url", "parley_mode", "public_url", "redis_url", "registration"):
        monkeypatch.setenv(AuthSettings.env_name(field), str(getattr(settings, field)))
    for field in ("internal_key", "refresh_keys", "key_encryption_keys"):
        monkeypatch.setenv(AuthSettings.env_name(field), getattr(settings, field).get_secret_value())
    # The real thing at a price tests can pay.
    cheap = partial(ArgonPasswords, memory_kib=64, time_cost=1)
    monkeypatch.setattr("auth_service.commands.opened.ArgonPasswords", cheap)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`python -m auth_service` with these arguments, and this on its stdin."""

    async def run(*arguments: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            status = await asyncio.to_thread(main, arguments)
        except SystemExit as end:  # argparse's
            status = int(end.code or 0)
        printed = capsys.readouterr()
        return Said(status, printed.out, printed.err)

    return run
