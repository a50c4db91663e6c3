import pytest

from tests.unit.auth_service.memory_store import MemoryStore
from tests.unit.auth_service.store_contract import Age, Feed, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def age(self, store: MemoryStore) -> Age:
        return store.age

    @pytest.fixture
    def feed(self, store: MemoryStore) -> Feed:
        async def feed() -> list[tuple[str, str]]:
            return store.feed

        return feed
