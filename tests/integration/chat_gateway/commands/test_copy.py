"""`copy` as an administrator runs it: a move that clients do not notice, a kill in the middle, and what is refused."""

import asyncio
import subprocess
import sys

import pytest

from chat_gateway.__main__ import main
from tests.integration.chat_gateway.commands.command import ROOT, run
from tests.integration.chat_gateway.running import LOBBY, running_gateway
from tests.integration.chat_gateway.store.filled import contents, fill
from tests.integration.chat_gateway.store.gateway import execute, rows
from tests.processes import inherited

UNUSED = "sqlite:///unused.db"
"""What CHAT_DATABASE_URL says: the addresses of the command line count."""


def copy(source: str, target: str) -> subprocess.CompletedProcess[str]:
    return run(UNUSED, "copy", "--from", source, "--to", target)


async def test_clients_recover_across_a_move_to_postgresql(sqlite_url: str, postgres_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url) as before:
        peer = await before.connect(sub="ada")
        first = await peer.rpc("message.post", room=LOBBY, body="seen")
        await peer.rpc("message.post", room=LOBBY, body="missed")
        position = (await peer.ask(history={"channel": f"room:{LOBBY}"}))["history"]
    done = await asyncio.to_thread(copy, sqlite_url, postgres_url)
    assert done.returncode == 0, done.stderr
    async with running_gateway(postgres_url, valkey_url) as after:
        peer = await after.open()
        seen = {"recover": True, "epoch": position["epoch"], "offset": first["rpc"]["data"]["offset"]}
        reply = await peer.ask(connect={"token": after.token(sub="ada"), "subs": {f"room:{LOBBY}": seen}})
        recovered = reply["connect"]["subs"][f"room:{LOBBY}"]
        assert recovered["recovered"]
        assert [one["data"]["content"]["body"] for one in recovered["publications"]] == ["missed"]
        posted = await peer.rpc("message.post", room=LOBBY, body="goes on")
        assert posted["rpc"]["data"]["offset"] == position["offset"] + 1


async def test_it_prints_what_it_compared_and_what_to_do_next(sqlite_url: str, postgres_url: str) -> None:
    await fill(sqlite_url, 3, "sourcech")
    done = copy(sqlite_url, postgres_url)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split("  ")[0] == "table"
    assert next(line for line in lines if line.startswith("entry ")).split() == ["entry", "3", "3", "3", "3"]
    assert "keeps its epoch sourcech" in done.stdout
    assert "entry: 3 of 3 rows" in done.stderr


def kill_in_the_middle(source: str, target: str) -> None:
    arguments = [sys.executable, "-m", "chat_gateway", "copy", "--from", source, "--to", target]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=inherited(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("entry: "):
                break
        running.kill()


@pytest.mark.nightly  # a push ends one in the middle without a kill: store/test_copying.py
async def test_a_copy_that_is_killed_goes_on_with_the_next_run(sqlite_url: str, postgres_url: str) -> None:
    await fill(sqlite_url, 2_000, "sourcech")
    kill_in_the_middle(sqlite_url, postgres_url)
    assert await rows(postgres_url, "SELECT epoch FROM epoch") == [("~sourcec",)]
    assert copy(sqlite_url, postgres_url).returncode == 0
    assert await contents(postgres_url) == await contents(sqlite_url)


async def test_addresses_with_passwords_come_from_the_environment(
    sqlite_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_COPY_FROM", sqlite_url)
    monkeypatch.setenv("CHAT_COPY_TO", postgres_url)
    await fill(sqlite_url, 3, "sourcech")
    assert await asyncio.to_thread(main, ["copy"]) == 0
    assert await contents(postgres_url) == await contents(sqlite_url)


def test_a_copy_of_nothing_says_what_to_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("CHAT_COPY_FROM", "CHAT_COPY_TO"):
        monkeypatch.delenv(name, raising=False)
    assert main(["copy"]) == 1
    assert "--from (or CHAT_COPY_FROM) is an address like" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("mysql://a:secret@b/chat", "{}", "--from (or CHAT_COPY_FROM) is an address like"),
        ("{}", "not an address", "--to (or CHAT_COPY_TO) is an address like"),
        ("{}", "{}", "the same database"),
        ("{}", "sqlite:///nowhere/chat.db", "There is no chat database nowhere/chat.db"),
        ("{}", "postgresql://a:secret@127.0.0.1:1/chat", "The copy stopped"),
    ],
)
def test_what_cannot_be_copied_is_one_sentence(
    sqlite_url: str, source: str, target: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["copy", "--from", source.format(sqlite_url), "--to", target.format(sqlite_url)]) == 1
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.out == ""
    assert "secret" not in printed.err


async def test_a_copy_that_differs_says_where_and_stays_unfinished(sqlite_url: str, postgres_url: str) -> None:
    await fill(sqlite_url, 3, "sourcech")
    await execute(
        postgres_url,
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    )
    await execute(postgres_url, "CREATE TRIGGER lose BEFORE INSERT ON mention FOR EACH ROW EXECUTE FUNCTION lose()")
    done = copy(sqlite_url, postgres_url)
    assert done.returncode == 1
    assert "differs in mention" in done.stderr
    assert await rows(postgres_url, "SELECT epoch FROM epoch") == [("~sourcec",)]


async def test_a_log_that_differs_is_named_and_the_copy_stays_unfinished(sqlite_url: str, postgres_url: str) -> None:
    await fill(sqlite_url, 30, "sourcech")
    await execute(
        postgres_url,
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.posts = 99; RETURN NEW; END'",
    )
    await execute(postgres_url, "CREATE TRIGGER lose BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION lose()")
    done = copy(sqlite_url, postgres_url)
    assert done.returncode == 1
    assert "differs in 30 logs" in done.stderr
    named = [line for line in done.stdout.splitlines() if "; head" in line and line.endswith(" in target")]
    assert len(named) == 20
    assert "00004: head 4, posts 4, 1 entries up to 4 in source; head 4, posts 99, 1 entries up to 4 in target" in named
    assert await rows(postgres_url, "SELECT epoch FROM epoch") == [("~sourcec",)]
