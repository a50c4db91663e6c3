"""Sessions and users on both databases, held to the contract of the store."""

import pytest

from auth_service.store.database import Database
from tests.integration.auth_service.aging import age_everything
from tests.unit.auth_service.store_contract import Age, Feed, StoreContract


class TestDatabaseAsStore(StoreContract):
    @pytest.fixture
    def store(self, database: Database) -> Database:
        return database

    @pytest.fixture
    def age(self, database: Database) -> Age:
        async def age(seconds: float) -> None:
            await age_everything(database, seconds)

        return age

    @pytest.fixture
    def feed(self, database: Database) -> Feed:
        async def feed() -> list[tuple[str, str]]:
            return [(entry["kind"], entry["id"]) for entry in (await database.changes_after(0)).changes]

        return feed
