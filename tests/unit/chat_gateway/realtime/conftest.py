from collections.abc import AsyncIterator

import pytest

from tests.clients import Instance
from tests.fakes import MemoryLog, OpenChannels


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def application(log: MemoryLog) -> OpenChannels:
    return OpenChannels(log)


@pytest.fixture
async def instance(application: OpenChannels) -> AsyncIterator[Instance]:
    """One running instance whose commits pass its own hub at once."""
    async with Instance(application) as instance:
        application.committed = instance.engine.committed
        yield instance
