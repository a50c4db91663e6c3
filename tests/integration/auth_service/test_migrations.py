import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from auth_service.store import migrate
from auth_service.store.engine import make_engine
from auth_service.store.tables import metadata

ALL_TABLES = {"alembic_version", *metadata.tables}


@pytest.fixture
def config(database_url: str) -> Config:
    config = Config(migrate._INI)
    config.attributes["database_url"] = database_url
    return config


def tables_of(database_url: str) -> set[str]:
    async def read() -> set[str]:
        engine = make_engine(database_url)
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await engine.dispose()
        return set(names)

    return asyncio.run(read())


def test_database_goes_up_down_and_up_again(config: Config, database_url: str) -> None:
    command.upgrade(config, "head")
    assert tables_of(database_url) == ALL_TABLES
    command.downgrade(config, "base")
    assert tables_of(database_url) == {"alembic_version"}
    command.upgrade(config, "head")
    assert tables_of(database_url) == ALL_TABLES


def test_every_revision_can_be_taken_back(config: Config) -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    command.upgrade(config, "head")
    for _ in revisions:
        command.downgrade(config, "-1")
        command.upgrade(config, "+1")
        command.downgrade(config, "-1")


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate.upgrade(database_url)
    migrate.upgrade(database_url)
    assert tables_of(database_url) == ALL_TABLES


def test_new_revision_is_written_by_autogenerate(config: Config, tmp_path: Path) -> None:
    command.upgrade(config, "head")
    script = ScriptDirectory.from_config(config)
    location = tmp_path / "versions"
    location.mkdir()
    for version in Path(script.versions).glob("*.py"):
        (location / version.name).write_text(version.read_text())
    config.set_main_option("version_locations", str(location))
    command.revision(config, "Nothing new", autogenerate=True, rev_id="9999")
    (written,) = location.glob("*9999*.py")
    assert "Nothing new." in written.read_text()
