import asyncio
from pathlib import Path

import pytest

from chat_gateway.store.migrate import check, downgrade, upgrade
from tests.integration.chat_gateway.store.gateway import rows


def test_the_tables_are_what_the_revisions_make(database_url: str) -> None:
    upgrade(database_url)
    check(database_url)


def test_the_schema_goes_down_and_up_again(database_url: str) -> None:
    upgrade(database_url)
    downgrade(database_url, "base")
    upgrade(database_url)
    check(database_url)


def test_a_database_may_be_in_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/var/new/chat.db")
    assert (tmp_path / "var/new/chat.db").exists()


async def test_a_new_database_has_the_lobby_and_a_short_name_for_its_logs(url: str) -> None:
    assert await rows(url, "SELECT id, name, kind FROM room") == [("lobby", "Lobby", "public")]
    assert await rows(url, "SELECT id, head, posts FROM log") == [("room:lobby", 0, 0)]
    ((epoch,),) = await rows(url, "SELECT epoch FROM epoch")
    assert 0 < len(epoch) <= 8


async def test_every_database_gets_an_epoch_of_its_own(tmp_path: Path, sqlite_url: str) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    await asyncio.to_thread(upgrade, other)
    assert await rows(other, "SELECT epoch FROM epoch") != await rows(sqlite_url, "SELECT epoch FROM epoch")


def test_migrating_without_naming_a_database_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAT_DATABASE_URL", raising=False)
    with pytest.raises(SystemExit, match="CHAT_DATABASE_URL"):
        upgrade("")
