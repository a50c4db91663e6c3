import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from chat_gateway.store.shared_read import SharedRead
from tests.clients import idle


class Reads:
    """A read that stands still until it is let go on; it answers each key with the number of the read."""

    def __init__(self, most: int = 32) -> None:
        self.shared = SharedRead(self._read, most=most)
        self.asked: list[list[str]] = []
        self.failure: Exception | None = None
        self.gives_up_meanwhile: asyncio.Task[int] | None = None
        self._go_on = asyncio.Semaphore(0)
        self._tasks: list[asyncio.Task[int]] = []

    async def ask(self, *keys: str) -> list[asyncio.Task[int]]:
        tasks = [asyncio.create_task(self.shared.of(key)) for key in keys]
        self._tasks += tasks
        await idle()
        return tasks

    async def go_on(self) -> None:
        self._go_on.release()
        await idle()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, keys: Sequence[str]) -> dict[str, int]:
        self.asked.append(list(keys))
        number = len(self.asked)
        await self._go_on.acquire()
        if self.gives_up_meanwhile is not None:
            asyncio.get_running_loop().call_soon(self.gives_up_meanwhile.cancel)
        if self.failure is not None:
            raise self.failure
        return dict.fromkeys(keys, number)


@pytest.fixture
async def reads() -> AsyncIterator[Reads]:
    made = Reads(most=3)
    yield made
    await made.end()


async def test_one_who_comes_alone_reads_at_once(reads: Reads) -> None:
    (only,) = await reads.ask("a")
    assert reads.asked == [["a"]]
    await reads.go_on()
    assert await only == 1


async def test_who_comes_meanwhile_shares_the_next_read_and_the_same_key_is_read_once(reads: Reads) -> None:
    first, *others = await reads.ask("a", "b", "a", "b")
    assert reads.asked == [["a"]], "an answer is read after it was asked for"
    await reads.go_on()
    assert (await first, reads.asked) == (1, [["a"], ["b", "a"]])
    await reads.go_on()
    assert [await other for other in others] == [2, 2, 2]


async def test_no_read_is_larger_than_the_limit_and_the_order_is_kept(reads: Reads) -> None:
    await reads.ask("a", "b", "c", "d", "e")
    for _ in range(3):
        await reads.go_on()
    assert reads.asked == [["a"], ["b", "c", "d"], ["e"]]


async def test_a_failed_read_is_told_to_all_who_waited_for_it_and_to_nobody_else(reads: Reads) -> None:
    first, second, third = await reads.ask("a", "b", "c")
    reads.failure = OSError("away")
    await reads.go_on()
    with pytest.raises(OSError, match="away"):
        await first
    (late,) = await reads.ask("d")
    await reads.go_on()
    for task in (second, third):
        with pytest.raises(OSError, match="away"):
            await task
    reads.failure = None
    await reads.go_on()
    assert await late == 3


async def test_a_reader_that_is_cancelled_leaves_the_others_to_the_next_who_keep_their_order(reads: Reads) -> None:
    await reads.ask("a")
    (reader, second, third) = await reads.ask("b", "c", "d")
    (fourth,) = await reads.ask("e")
    await reads.go_on()
    assert reads.asked[-1] == ["b", "c", "d"]
    reader.cancel()
    await idle()
    assert reads.asked[-1] == ["c", "d", "e"]
    await reads.go_on()
    assert [await task for task in (second, third, fourth)] == [3, 3, 3]


async def test_one_who_is_cancelled_while_waiting_is_not_read_for_nor_waited_for(reads: Reads) -> None:
    await reads.ask("a")
    (gone, also_gone, stays) = await reads.ask("b", "c", "d")
    gone.cancel()
    await idle()
    await reads.go_on()
    also_gone.cancel()  # within the read
    await idle()
    await reads.go_on()
    await reads.go_on()
    assert await stays in (2, 3)
    (after,) = await reads.ask("z")
    await reads.go_on()
    assert await after == len(reads.asked)


async def test_one_who_is_cancelled_just_as_its_turn_comes_hands_it_on(reads: Reads) -> None:
    await reads.ask("a")
    (gone, stays) = await reads.ask("b", "c")
    reads.gives_up_meanwhile = gone
    await reads.go_on()
    await reads.go_on()
    assert await stays == 2
    assert reads.asked[-1] == ["c"]


async def test_one_whose_read_failed_just_as_it_was_cancelled_is_simply_gone(reads: Reads) -> None:
    await reads.ask("a")
    (reader, gone) = await reads.ask("b", "c")
    await reads.go_on()
    reads.failure = OSError("away")
    reads.gives_up_meanwhile = gone
    await reads.go_on()
    with pytest.raises(OSError, match="away"):
        await reader
    reads.failure = None
    (after,) = await reads.ask("d")
    await reads.go_on()
    assert await after == 3
