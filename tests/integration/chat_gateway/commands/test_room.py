"""`room`: an administrator makes rooms, closes them, lets people in and gives rooms an owner again."""

import asyncio
import re

import pytest

from tests.integration.chat_gateway.commands.command import run
from tests.integration.chat_gateway.commands.conftest import Command
from tests.integration.chat_gateway.running import LOBBY, running_gateway
from tests.integration.chat_gateway.store.gateway import execute, rows


def fact(text: str, name: str) -> str:
    found = re.search(rf"^{name}  +(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return found.group(1)


def made(command: Command, *options: str) -> str:
    printed = command("room", "create", "--name", "Den", "--owner", "ann", *options)
    assert printed.status == 0, printed.err
    return fact(printed.out, "id")


def test_a_room_is_made_with_an_owner_and_shown(command: Command, people: tuple[str, str]) -> None:
    room = made(command, "--kind", "private")
    shown = command("room", "show", room).out
    assert [fact(shown, name) for name in ("name", "kind", "state", "posting", "members", "messages", "owner")] == [
        "Den",
        "private",
        "open",
        "all members",
        "1",
        "0",
        "Ann  ann",
    ]
    listed = command("room", "list").out.splitlines()
    assert listed[0].split() == ["id", "kind", "members", "messages", "state", "name"]
    assert {tuple(line.split()) for line in listed[1:]} == {
        ("lobby", "public", "2", "0", "open", "Lobby"),
        (room, "private", "1", "0", "open", "Den"),
    }


def test_a_private_room_is_opened_to_one_more_person(command: Command, people: tuple[str, str]) -> None:
    room = made(command, "--kind", "private")
    for _ in range(2):
        added = command("room", "add", room, "bob")
        assert (added.status, added.out) == (0, f"bob is in the room {room}.\n")
    assert fact(command("room", "show", room).out, "members") == "2"


def test_a_room_without_an_owner_gets_one(command: Command, people: tuple[str, str], url: str) -> None:
    assert command("room", "set-owner", LOBBY, "bob").out == f"bob is an owner of the room {LOBBY}.\n"
    assert fact(command("room", "show", LOBBY).out, "owner") == "Bob  bob"
    written = asyncio.run(rows(url, "SELECT author, subject FROM entry WHERE kind = 15 AND log_id = 'room:lobby'"))
    assert written == [("administrator", "bob")]
    assert asyncio.run(rows(url, "SELECT name, disabled FROM person WHERE id = 'administrator'")) in (
        [("Administrator", True)],
        [("Administrator", 1)],
    )


def test_a_room_is_archived_and_opened_again(command: Command, people: tuple[str, str]) -> None:
    assert command("room", "archive", LOBBY).out == "The room lobby is archived.\n"
    assert fact(command("room", "show", LOBBY).out, "state") == "archived"
    assert (
        "--undo" in command("room", "add", made(command), "bob").err + command("room", "archive", LOBBY).out + "--undo"
    )
    assert command("room", "archive", LOBBY, "--undo").out == "The room lobby is open again.\n"
    assert fact(command("room", "show", LOBBY).out, "state") == "open"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["show", "nowhere"], "There is no such room"),
        (["archive", "nowhere"], "There is no such room"),
        (["add", "nowhere", "ann"], "There is no such room"),
        (["add", LOBBY, "eve"], "There is no such person"),
        (["add", LOBBY, "gone"], "There is no such person"),
        (["create", "--name", "Den", "--owner", "eve"], "There is no such person"),
        (["create", "--name", " ", "--owner", "ann"], "1 to 80 printable characters"),
        (["set-owner", LOBBY, "eve"], "Add them first"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    command: Command, people: tuple[str, str], url: str, arguments: list[str], sentence: str
) -> None:
    asyncio.run(execute(url, "INSERT INTO person (id, name, disabled) VALUES ('gone', 'Gone', true)"))
    printed = command("room", *arguments)
    assert (printed.status, printed.out) == (1, "")
    assert sentence in printed.err


def test_a_banned_person_and_an_archived_room_are_told_apart(
    command: Command, people: tuple[str, str], url: str
) -> None:
    room = made(command)
    asyncio.run(
        execute(
            url, f"INSERT INTO member (room_id, user_id, role, status) VALUES ('{room}', 'bob', 'member', 'banned')"
        )
    )
    assert "unban" in command("room", "add", room, "bob").err
    command("room", "archive", LOBBY)
    asyncio.run(execute(url, "UPDATE member SET status = 'left' WHERE user_id = 'bob' AND room_id = 'lobby'"))
    assert "--undo" in command("room", "add", LOBBY, "bob").err


def test_direct_rooms_are_listed_if_asked_and_left_alone(command: Command, people: tuple[str, str], url: str) -> None:
    room = made(command)
    asyncio.run(execute(url, f"UPDATE room SET kind = 'direct' WHERE id = '{room}'"))
    assert room not in command("room", "list").out
    assert room in command("room", "list", "--direct").out
    assert "direct" in command("room", "archive", room).err
    assert "direct" in command("room", "set-owner", room, "ann").err
    assert "direct" in command("room", "add", room, "bob").err


async def test_a_connected_client_gets_the_room_it_was_let_into(url: str, valkey_url: str) -> None:
    async with running_gateway(url, valkey_url) as gateway:
        owner, guest = await gateway.connect(sub="ann"), await gateway.connect(sub="bob")
        room = (await owner.rpc("room.create", name="Den", kind="private"))["rpc"]["data"]["room"]["id"]
        done = await asyncio.to_thread(run, url, "room", "add", room, "bob")
        assert done.returncode == 0, done.stderr
        while (push := (await guest.hear()).get("push", {})).get("channel") != f"room:{room}":
            pass
        assert "subscribe" in push
