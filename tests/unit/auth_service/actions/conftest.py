"""The store in memory, real hashes at a low price, and randomness a test can read."""

import itertools
from collections.abc import Iterator

import pytest

from auth_service.core.ports import Randomness
from auth_service.crypto.passwords import ArgonPasswords
from tests.unit.auth_service.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def passwords() -> Iterator[ArgonPasswords]:
    passwords = ArgonPasswords(memory_kib=64, time_cost=1)
    yield passwords
    passwords.close()


@pytest.fixture
def randomness() -> Randomness:
    """Counts instead of drawing: every value is new, and the same in every run."""
    counter = itertools.count(1)
    return Randomness(lambda size: next(counter).to_bytes(size, "big"), lambda: f"id-{next(counter)}")
