import asyncio
import sys
from collections.abc import Iterator

import pytest

from chat_gateway.core.changes import Change, Join
from chat_gateway.core.ids import ClientId, EntryId, RoomId, UserId
from chat_gateway.store.commit_queue import CommitQueue, Waiting
from tests.builders import post


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def waiting(loop: asyncio.AbstractEventLoop, change: Change, since: float = 0.0) -> Waiting:
    return Waiting(change, loop.create_future(), since)


def join() -> Join:
    return Join(id=EntryId("e"), room=RoomId("r1"), author=UserId("ann"), client_id=ClientId("c"))


def test_it_takes_no_more_than_so_many(loop: asyncio.AbstractEventLoop) -> None:
    queue = CommitQueue(most=2, most_bytes=10_000)
    assert [queue.put(waiting(loop, join())) for _ in range(3)] == [True, True, False]
    queue.take()
    assert queue.put(waiting(loop, join()))
    assert len(queue) == 2


def test_it_takes_no_more_than_so_many_bytes_and_what_was_taken_out_makes_room(loop: asyncio.AbstractEventLoop) -> None:
    wide = "\N{GRINNING FACE}" * 100
    queue = CommitQueue(most=100, most_bytes=2 * sys.getsizeof(wide))
    assert [queue.put(waiting(loop, post(content=wide))) for _ in range(3)] == [True, True, False]
    assert len(queue.take_all()) == 2
    assert [queue.put(waiting(loop, post(content=wide))) for _ in range(3)] == [True, True, False]


def test_a_batch_is_a_run_of_posts_or_one_other_change(loop: asyncio.AbstractEventLoop) -> None:
    queue = CommitQueue(most=100, most_bytes=10_000)
    for change in (post(), post(), post(), join(), join(), post()):
        queue.put(waiting(loop, change))
    assert [len(queue.take_batch(2)) for _ in range(6)] == [2, 1, 1, 1, 1, 0]


def test_who_waits_too_long_is_taken_out_and_the_others_stay(loop: asyncio.AbstractEventLoop) -> None:
    queue = CommitQueue(most=100, most_bytes=10_000)
    for since in (1.0, 2.0, 3.0):
        queue.put(waiting(loop, join(), since))
    assert [one.since for one in queue.take_older(2.5)] == [1.0, 2.0]
    assert [one.since for one in queue.take_all()] == [3.0]
