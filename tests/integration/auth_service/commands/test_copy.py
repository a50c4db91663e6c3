"""`copy` as an administrator runs it: a move that people and gateways do not notice, a kill, and what is refused."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from pytest_aiohttp import AiohttpClient

from auth_service.__main__ import main
from auth_service.app import create_app
from auth_service.commands.opened import operator
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.copy_ends import name_of
from auth_service.store.database import Database
from shared.health import Health
from shared.web import StartError
from tests.integration.auth_service.person import Person, StoppedClock
from tests.integration.auth_service.sql import execute, rows
from tests.integration.auth_service.store.filled import contents, fill
from tests.processes import inherited

ROOT = Path(__file__).resolve().parents[4]


def copy(source: str, target: str) -> int:
    return main(["copy", "--from", source, "--to", target])


def spawned(source: str, target: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "auth_service", "copy", "--from", source, "--to", target]
    return subprocess.Popen(arguments, cwd=ROOT, env=inherited(), stderr=subprocess.PIPE, text=True)


async def test_people_and_gateways_go_on_across_a_move_to_postgresql(
    aiohttp_client: AiohttpClient,
    sqlite_source: str,
    postgres_target: str,
    settings: AuthSettings,
    clock: StoppedClock,
) -> None:
    async def auth_on(url: str) -> Person:
        app = create_app(
            settings.model_copy(update={"database_url": url}),
            health=Health(),
            passwords=ArgonPasswords(memory_kib=64, time_cost=1),
            clock=clock,
        )
        return Person(await aiohttp_client(app))

    ann = await auth_on(sqlite_source)
    assert (await ann.register()).status == 201
    cursor = (await changes(sqlite_source, 0))[-1]
    assert await asyncio.to_thread(copy, sqlite_source, postgres_target) == 0
    there = await auth_on(postgres_target)
    there.cookie, there.access_token = ann.cookie, ann.access_token
    assert (await there.me()).status == 200
    assert (await there.refresh()).status == 200
    assert (await there.log_in()).status == 200
    assert await changes(postgres_target, cursor) == []
    assert (await there.edit_me(name="Anna")).status == 200
    assert len(await changes(postgres_target, cursor)) == 1


async def changes(url: str, cursor: int) -> list[int]:
    database = Database(url, on_change=lambda: None)
    page = await database.changes_after(cursor)
    await database.close()
    return [entry["n"] for entry in page.changes]


def test_it_prints_what_it_compared_and_what_to_do_next(
    sqlite_source: str, postgres_target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(fill(sqlite_source, 3))
    assert copy(sqlite_source, postgres_target) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].startswith("table ")
    name, here, there, digest, same = next(line for line in printed.out.splitlines() if "audit" in line).split()
    assert (name, here, there, digest) == ("audit", "3", "3", same)
    assert "AUTH_DATABASE_URL" in printed.out
    assert "audit: 3 of 3 rows" in printed.err


async def test_a_copy_that_is_killed_goes_on_with_the_next_run(
    sqlite_source: str,
    postgres_target: str,
    settings: AuthSettings,
    passwords: ArgonPasswords,
) -> None:
    await fill(sqlite_source, 2_000)
    with spawned(sqlite_source, postgres_target) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("audit: "):
                break
        running.kill()
    assert len(await rows(postgres_target, "SELECT source FROM unfinished_copy")) == 1
    unfinished = settings.model_copy(update={"database_url": postgres_target})
    with pytest.raises(StartError, match="copy that was not finished"):
        await TestServer(create_app(unfinished, health=Health(), passwords=passwords)).start_server()
    assert await asyncio.to_thread(copy, sqlite_source, postgres_target) == 0
    here, there = await contents(sqlite_source), await contents(postgres_target)
    (done,) = set(map(repr, there.pop("audit"))) - set(map(repr, here.pop("audit")))
    assert "database.copied" in done
    assert there == here


@pytest.mark.parametrize("direction", [1, -1], ids=["to postgresql", "to sqlite"])
def test_copy_leaves_a_record_in_its_target_and_a_line_in_the_log(
    request: pytest.FixtureRequest, direction: int, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [("sqlite_source", "postgres_target"), ("postgres_source", "sqlite_target")][::direction][0]
    source, target = (str(request.getfixturevalue(name)) for name in names)
    asyncio.run(fill(source, 3))
    assert copy(source, target) == 0
    (found,) = asyncio.run(rows(target, "SELECT n, user_id, event, actor, details FROM audit ORDER BY n DESC LIMIT 1"))
    details = found[-1] if isinstance(found[-1], dict) else json.loads(found[-1])
    assert found[:-1] == (4, None, "database.copied", "command line")
    assert details == {"source": name_of(source), "os_user": operator().os_user}
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    told = [(line["event"], line["details"]) for line in logged if line["logger"] == "audit"]
    assert told == [("database.copied", details)]
    assert asyncio.run(rows(source, "SELECT count(*) FROM audit")) == [(3,)]


def test_addresses_with_passwords_come_from_the_environment(
    sqlite_source: str, postgres_target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["copy"]) == 1
    assert "--from (or AUTH_COPY_FROM) is an address like" in capsys.readouterr().err
    monkeypatch.setenv("AUTH_COPY_FROM", sqlite_source)
    monkeypatch.setenv("AUTH_COPY_TO", postgres_target)
    assert main(["copy"]) == 0
    assert "Everything is copied" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("mysql://a:secret@b/auth", "{}", "--from (or AUTH_COPY_FROM) is an address like"),
        ("{}", "not an address", "--to (or AUTH_COPY_TO) is an address like"),
        ("{}", "{}", "the same database"),
        ("sqlite:///nowhere/auth.db", "{}", "There is no auth database nowhere/auth.db"),
        ("{}", "postgresql://a:secret@127.0.0.1:1/auth", "The copy stopped"),
    ],
)
def test_what_cannot_be_copied_is_one_sentence(
    sqlite_source: str, source: str, target: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copy(source.format(sqlite_source), target.format(sqlite_source)) == 1
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.out == ""
    assert "secret" not in printed.err


def test_a_copy_that_differs_says_where_and_stays_unfinished(
    sqlite_source: str, postgres_source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(fill(sqlite_source, 3))
    lossy = (
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER lose BEFORE INSERT ON device FOR EACH ROW EXECUTE FUNCTION lose()",
    )
    asyncio.run(execute(postgres_source, *lossy))
    assert copy(sqlite_source, postgres_source) == 1
    assert "differs in device" in capsys.readouterr().err
    assert len(asyncio.run(rows(postgres_source, "SELECT source FROM unfinished_copy"))) == 1
