"""`reports`: what was reported, newest first, and harmless to the terminal it is read on."""

import asyncio

import pytest

from tests.integration.chat_gateway.commands.conftest import Command
from tests.integration.chat_gateway.store.gateway import Gateway, execute


async def report(url: str, reporter: str, reason: str, at: int, offset: int = 3) -> None:
    await execute(
        url,
        'INSERT INTO report (id, room_id, "offset", reporter, reason, at)'
        f" VALUES ('{reporter}{at}', 'lobby', {offset}, '{reporter}', '{reason}', {at})",
    )


async def say(url: str, body: str) -> None:
    async with Gateway(url) as gateway:
        await gateway.post("ann", body)


def test_nothing_reported_says_so(command: Command) -> None:
    assert command("reports").out == "Nothing was reported.\n"


def test_a_report_tells_what_was_said_by_whom_and_why(command: Command, people: tuple[str, str], url: str) -> None:
    asyncio.run(say(url, "one\\ntwo \\u001b[2J"))
    asyncio.run(report(url, "bob", "rude", 1_800_000_000_000))
    printed = command("reports")
    assert printed.status == 0, printed.err
    assert printed.out == (
        "when      2027-01-15 08:00:00 UTC\n"
        "room      Lobby  lobby\n"
        "offset    3\n"
        "author    Ann  ann\n"
        "message   one two  [2J\n"
        "reporter  Bob  bob\n"
        "reason    rude\n"
    )


def test_the_newest_comes_first_and_a_limit_is_kept(command: Command, people: tuple[str, str], url: str) -> None:
    asyncio.run(say(url, "bad"))
    asyncio.run(report(url, "bob", "first", 1_000))
    asyncio.run(report(url, "stranger", "second", 2_000))
    first, second = command("reports").out.split("\n\n")
    assert "reason    second" in first
    assert "reporter  (unknown)  stranger" in first
    assert "reason    first" in second
    assert "first" not in command("reports", "--limit", "1").out


def test_an_edited_message_is_shown_as_it_stands_and_a_deleted_one_not(
    command: Command, people: tuple[str, str], url: str
) -> None:
    asyncio.run(say(url, "bad"))
    asyncio.run(report(url, "bob", "rude", 1_000))
    asyncio.run(execute(url, "INSERT INTO message (room_id, \"offset\", body) VALUES ('lobby', 3, 'better')"))
    assert "message   better" in command("reports").out
    asyncio.run(execute(url, "UPDATE message SET body = NULL, deleted = true"))
    asyncio.run(execute(url, 'UPDATE entry SET content = \'{"deleted":true}\' WHERE "offset" = 3'))
    assert "message   (deleted)" in command("reports").out


@pytest.mark.parametrize("limit", ["0", "10001"])
def test_a_limit_out_of_range_is_one_sentence(command: Command, limit: str) -> None:
    printed = command("reports", "--limit", limit)
    assert (printed.status, printed.out) == (1, "")
    assert "from 1 to 10,000" in printed.err
