"""A command opens the chat as it finds it; what is wrong with the database is a sentence."""

import argparse
from pathlib import Path

import pytest
from sqlalchemy import text

from chat_gateway.actions import administration
from chat_gateway.actions.arrivals import arrive
from chat_gateway.commands.opened import opened
from chat_gateway.core.errors import too_many_rooms
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from shared.errors import Conflict
from shared.web import StartError


@pytest.fixture
def options(url: str, tmp_path: Path) -> argparse.Namespace:
    config = tmp_path / "config.yml"
    config.write_text(f"chat:\n  database_url: {url}\n")
    return argparse.Namespace(config=config)


async def test_a_change_is_committed_when_the_command_ends(options: argparse.Namespace) -> None:
    async with opened(options) as (_, chat):
        await arrive(chat, Person(id=UserId("ada"), name="Ada"))
    async with opened(options) as (_, chat):
        assert [room.id for room in await chat.rooms.of_member(UserId("ada"))] == ["lobby"]


async def test_a_refusal_becomes_its_sentence(options: argparse.Namespace) -> None:
    with pytest.raises(StartError, match=too_many_rooms().message):
        async with opened(options):
            raise too_many_rooms()


async def test_a_command_lets_nobody_into_more_rooms_than_the_gateways_do(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_ROOMS_PER_PERSON", "1")
    async with opened(options) as (_, chat):
        await arrive(chat, Person(id=UserId("ada"), name="Ada"))
        with pytest.raises(Conflict, match="more rooms than 1"):
            await administration.create(chat, name="Den", kind="public", owner=UserId("ada"))


async def test_a_database_that_is_not_up_to_date_says_what_to_run(options: argparse.Namespace) -> None:
    with pytest.raises(StartError):
        async with opened(options) as (database, _), database.statement() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
