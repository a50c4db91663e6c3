"""The commit queue on both databases: limits, lost links, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.core import changes
from chat_gateway.core.changes import Applied
from shared.errors import Unavailable
from tests.integration.chat_gateway.store.gateway import (
    Gateway,
    begun,
    codes,
    create,
    held_lock,
    join,
    lossy,
    post,
    set_marker,
    until,
)

OpenGateway = Callable[..., Awaitable[Gateway]]


async def test_the_rows_of_one_batch_are_published_once_per_log_and_rising(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.join("ann")
    first = await gateway.post("ann", "old", cid="old")
    gateway.published.clear()
    async with held_lock(gateway.url):
        await asyncio.gather(*[_queued(gateway, post("ann"))])
        await begun(gateway)
        answers = [
            gateway.log.append(change)
            for change in (post("ann"), post("ann", room=den), post("ann", "old", cid="old"), post("ann"))
        ]
    await asyncio.gather(*answers)
    (_, _, one), *rest = gateway.published
    assert [entry.offset for entry in one] == [3]
    assert {log: [entry.offset for entry in entries] for log, _, entries in rest} == {
        "room:lobby": [first.offset, 4, 5],
        f"room:{den}": [2],
    }


async def test_a_full_queue_refuses_at_once(url: str, open_gateway: OpenGateway) -> None:
    gateway = await open_gateway(url, queue_limit=2)
    await gateway.join("ann")
    async with held_lock(url):
        first = gateway.log.append(post("ann"))
        await begun(gateway)
        answers = [gateway.log.append(post("ann")) for _ in range(3)]
        with pytest.raises(Unavailable, match="store_unavailable"):
            await answers[2]
    await asyncio.gather(first, *answers[:2])


async def test_a_queue_full_of_long_texts_refuses_at_once(url: str, open_gateway: OpenGateway) -> None:
    gateway = await open_gateway(url, queue_bytes=10_000)
    await gateway.join("ann")
    async with held_lock(url):
        first = gateway.log.append(post("ann"))
        await begun(gateway)
        answers = [gateway.log.append(post("ann", "x" * 6_000)) for _ in range(2)]
        with pytest.raises(Unavailable, match="store_unavailable"):
            await answers[1]
    await asyncio.gather(first, answers[0])
    assert (await gateway.post("ann", "x" * 6_000)).offset == 4


async def test_what_waits_too_long_is_withdrawn_and_never_committed(url: str, open_gateway: OpenGateway) -> None:
    gateway = await open_gateway(url, patience_seconds=0.2)
    await gateway.join("ann")
    async with held_lock(url):
        answers = [gateway.log.append(post("ann"))]
        await begun(gateway)
        answers.append(gateway.log.append(post("ann")))
        results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["store_unavailable"] * 2
    assert all(isinstance(result, Unavailable) and result.temporary for result in results)
    assert (await gateway.post("ann")).offset == 2


async def test_cancelling_who_waits_does_not_take_the_change_back(gateway: Gateway) -> None:
    await gateway.join("ann")
    task = asyncio.ensure_future(_queued(gateway, post("ann"), wait=True))
    await asyncio.sleep(0)
    task.cancel()
    assert (await gateway.post("ann")).offset == 3


async def test_closing_commits_what_is_queued_and_refuses_the_rest(url: str) -> None:
    async with Gateway(url) as gateway:
        await gateway.join("ann")
        answers = [gateway.log.append(post("ann")) for _ in range(450)]
        gateway.log.close()
        late = gateway.log.append(post("ann"))
        results = await asyncio.gather(*answers, late, return_exceptions=True)
    assert codes(results) == ["ok"] * 450 + ["store_unavailable"]


async def test_a_lost_answer_is_looked_up_then_published_and_answered(faulty: Gateway) -> None:
    await faulty.join("ann")
    faulty.published.clear()
    lossy(faulty).answers_to_lose = 1
    answers = [faulty.log.append(post("ann", cid="c")), faulty.log.append(post("ann", cid="c"))]
    first, second = await asyncio.gather(*answers, return_exceptions=True)
    assert isinstance(first, Applied)
    assert (first.offset, first.repeated) == (2, True)
    assert codes([second]) == ["store_unavailable"], "another's row under our client_id is no answer to us"
    assert faulty.offsets("room:lobby") == [2]
    assert (await faulty.post("ann", cid="c")).offset == 2


async def test_a_lost_change_is_looked_up_with_all_its_rows(faulty: Gateway) -> None:
    lossy(faulty).answers_to_lose = 1
    applied = await faulty.log.append(create("ann", cid="c"))
    assert applied.entry is not None
    assert [row.log for row in applied.others] == ["user:ann"]
    lossy(faulty).answers_to_lose = 1
    room = applied.entry.log.removeprefix("room:")
    await faulty.post("ann", room=room)
    await faulty.log.append(create("ann"))
    await faulty.join("bob")
    await faulty.post("bob")
    await faulty.join("ann")
    lossy(faulty).answers_to_lose = 1
    assert (await faulty.log.append(set_marker("bob", 3))).offset == 3


async def test_what_was_lost_before_it_was_written_is_refused(faulty: Gateway) -> None:
    await faulty.join("ann")
    lossy(faulty).calls_to_lose = 1
    with pytest.raises(Unavailable):
        await faulty.post("ann")
    assert (await faulty.post("ann")).offset == 2


async def test_looking_up_goes_on_until_the_database_is_back(faulty: Gateway) -> None:
    await faulty.join("ann")
    lossy(faulty).answers_to_lose = 1
    lossy(faulty).look_ups_to_fail = 3
    assert (await faulty.post("ann")).offset == 2
    assert lossy(faulty).look_ups_to_fail == 0


async def test_a_row_that_cannot_even_be_looked_up_fails_alone(faulty: Gateway) -> None:
    await faulty.join("ann")
    lossy(faulty).calls_to_lose = 1
    answers = [faulty.log.append(post("ann", cid=cid)) for cid in ("a", "b \ud800")]
    results = await asyncio.gather(*answers, return_exceptions=True)
    assert codes(results) == ["store_unavailable", "invalid_request"]


async def test_while_the_database_is_away_posts_are_refused_in_time(faulty: Gateway) -> None:
    lossy(faulty).is_away = True
    with pytest.raises(Unavailable):
        await faulty.post("ann")
    lossy(faulty).is_away = False
    await faulty.join("ann")


async def test_closing_does_not_wait_for_a_database_that_is_away(url: str) -> None:
    async with Gateway(url, patience_seconds=60, faulty=True) as gateway:
        lossy(gateway).is_away = True
        answer = gateway.log.append(post("ann"))
        await until(lambda: lossy(gateway).attempts > 0)
    with pytest.raises(Unavailable):
        await answer


async def test_closing_does_not_wait_for_a_look_up_that_cannot_be_made(url: str) -> None:
    async with Gateway(url, faulty=True) as gateway:
        await gateway.join("ann")
        lossy(gateway).answers_to_lose = 1
        lossy(gateway).look_ups_to_fail = 1_000_000
        answer = gateway.log.append(post("ann"))
        await until(lambda: lossy(gateway).look_ups_to_fail < 1_000_000)
    with pytest.raises(Unavailable):
        await answer


async def test_a_receiver_that_fails_does_not_keep_the_answer_from_the_caller(url: str) -> None:
    def explode(*_arguments: object) -> None:
        raise RuntimeError("boom")

    async with Gateway(url) as gateway:
        gateway.log._committed = explode
        assert (await gateway.join("ann")).offset == 1


async def test_when_the_queue_is_stopped_everybody_in_it_is_answered(url: str) -> None:
    gateway = Gateway(url)
    async with held_lock(url):
        running = asyncio.ensure_future(gateway.log.run())
        answers = [gateway.log.append(join("ann")), gateway.log.append(join("bob"))]
        await until(lambda: len(gateway.log._queue) == 1)
        running.cancel()
        results = await asyncio.gather(running, *answers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert codes(results[1:]) == ["store_unavailable"] * 2
    await gateway.appender.close()
    await gateway.database.close()


async def _queued(gateway: Gateway, change: changes.Change, *, wait: bool = False) -> None:
    answer = gateway.log.append(change)
    if wait:
        await answer
