import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from auth_service.commands import setup
from auth_service.commands.opened import operator
from auth_service.core.auth import Auth
from auth_service.core.links import Offer
from auth_service.settings import MigrationSettings
from auth_service.store.migrate import downgrade, newest
from shared.errors import Forbidden
from shared.web import StartError
from tests.integration.auth_service.commands.conftest import Run, Said
from tests.integration.auth_service.offers import set_up, token_of
from tests.integration.auth_service.sql import rows

LINK = re.compile(r"http://localhost:8080/setup#token=[A-Za-z0-9_-]{43}\n")


def told(said: Said) -> list[dict[str, Any]]:
    return [line for line in said.logged if line["logger"] == "audit"]


def token(printed: str) -> str:
    assert LINK.fullmatch(printed)
    return token_of(Offer(printed.strip(), datetime.max.replace(tzinfo=UTC)))


async def test_migration_of_an_empty_site_prints_the_link_of_its_administrator(auth: Auth, run: Run) -> None:
    said = await run("migrate")
    assert said.status == 0
    assert said.sentences.startswith("The site has no account yet. Whoever opens this link makes the first account")
    assert [line["event"] for line in said.logged] == ["link.made"]
    assert (await set_up(auth, token(said.out))).role == "administrator"
    again = await run("migrate")
    assert (again.status, again.out, again.sentences) == (0, "", "")


async def test_newer_migration_prints_a_new_link_that_replaces_the_older(
    auth: Auth, run: Run, migrated_url: str
) -> None:
    older, newer = [token((await run("migrate")).out) for _ in range(2)]
    assert await rows(migrated_url, "SELECT kind, role FROM link") == [("setup", "administrator")]
    with pytest.raises(Forbidden, match="link_invalid"):
        await set_up(auth, older)
    await set_up(auth, newer)


async def test_demo_prints_none(run: Run, monkeypatch: pytest.MonkeyPatch, migrated_url: str) -> None:
    monkeypatch.setenv("PARLEY_MODE", "demo")
    said = await run("migrate")
    assert (said.status, said.out, said.sentences) == (0, "", "")
    assert await rows(migrated_url, "SELECT * FROM link") == []


async def test_migration_that_changed_something_leaves_a_record_and_a_line_in_the_log(
    run: Run, monkeypatch: pytest.MonkeyPatch, migrated_url: str
) -> None:
    monkeypatch.setenv("PARLEY_MODE", "demo")
    await asyncio.to_thread(downgrade, migrated_url, "0002")
    (line,) = told(await run("migrate"))
    details = {"before": "0002", "after": newest(), "os_user": operator().os_user}
    assert (line["event"], line["actor"], line["details"]) == ("database.migrated", "command line", details)
    assert told(await run("migrate")) == []
    found = await rows(migrated_url, "SELECT user_id, event, actor FROM audit")
    assert found == [(None, "database.migrated", "command line")]


async def test_migration_needs_no_secrets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INTERNAL_KEY", "AUTH_REFRESH_KEYS", "AUTH_KEY_ENCRYPTION_KEYS"):
        monkeypatch.delenv(name)
    assert LINK.fullmatch((await run("migrate")).out)


async def test_link_is_of_an_address_that_may_be(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "http://chat.example.org")
    said = await run("migrate")
    assert (said.status, said.out) == (1, "")
    assert "PUBLIC_URL: is plain http off this machine" in said.sentences


async def test_database_that_went_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    settings = MigrationSettings.load(None, "auth")
    with pytest.raises(StartError, match="The database does not answer"):
        await setup.finish(settings, [])
