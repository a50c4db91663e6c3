"""The log in memory keeps the port's promises, so that what is proved on it holds for the stored one."""

import pytest

from tests.fakes import MemoryLog
from tests.log_contract import Append, ChannelLogContract


@pytest.fixture
def append(log: MemoryLog) -> Append:
    async def append_some(channel: str, count: int) -> None:
        for _ in range(count):
            log.append(channel)

    return append_some


class TestMemoryLog(ChannelLogContract):
    pass
