import asyncio

from chat_gateway.realtime.outbox import Flusher, Outbox, OutboxLimits
from tests.clients import RecordingLink


class Writer:
    """An outbox with its link, which tells it what the kernel takes, as a session does."""

    def __init__(self, flusher: Flusher) -> None:
        self.link = RecordingLink()
        self.given_up = False
        self.outbox = Outbox(self.link, flusher, self._overflowed)

    def block(self) -> None:
        self.link.block()
        self.link.write(b"in the kernel's way")
        self.outbox.writable(False)

    def _overflowed(self) -> None:
        self.given_up = True
        self.outbox.discard()


def a_flusher(**limits: int) -> Flusher:
    return Flusher(OutboxLimits(**limits))


async def tick() -> None:
    await asyncio.sleep(0)


async def test_all_of_a_tick_is_written_in_one_call() -> None:
    flusher = a_flusher()
    one, two = Writer(flusher), Writer(flusher)
    one.outbox.put(b"a")
    one.outbox.put(b"b")
    two.outbox.put(b"c")
    assert one.link.sent == []
    assert one.outbox.held() == 2
    await tick()
    assert (one.link.sent, two.link.sent) == ([b"ab"], [b"c"])
    assert one.outbox.held() == 0
    one.outbox.put(b"d")
    await tick()
    assert one.link.sent == [b"ab", b"d"]


async def test_a_flush_at_once_leaves_nothing_for_the_tick() -> None:
    writer = Writer(a_flusher())
    writer.outbox.put(b"a")
    writer.outbox.flush()
    await tick()
    assert writer.link.sent == [b"a"]


async def test_what_is_put_while_the_kernel_takes_nothing_is_written_when_it_does() -> None:
    writer = Writer(a_flusher())
    writer.block()
    writer.outbox.put(b"a")
    writer.outbox.put(b"b")
    await tick()
    assert writer.link.sent == []
    assert writer.outbox.held() == 2 + len(b"in the kernel's way")
    writer.link.unblock()
    writer.outbox.writable(True)
    assert b"".join(writer.link.sent) == b"in the kernel's wayab"


async def test_an_outbox_above_its_limit_is_given_up() -> None:
    writer = Writer(a_flusher(per_connection_bytes=100))
    writer.block()
    writer.outbox.put(b"x" * 100)
    await tick()
    assert not writer.given_up
    writer.outbox.put(b"x")
    await tick()
    assert writer.given_up
    assert writer.outbox.size == 0


async def test_an_outbox_that_is_not_blocked_has_no_limit() -> None:
    writer = Writer(a_flusher(per_connection_bytes=100))
    writer.outbox.put(b"x" * 1_000)
    await tick()
    assert not writer.given_up
    assert writer.link.sent == [b"x" * 1_000]


async def test_a_recovery_does_not_count_against_the_limit() -> None:
    writer = Writer(a_flusher(per_connection_bytes=100))
    writer.block()
    writer.outbox.put_uncounted(b"x" * 1_000)
    writer.outbox.put(b"x" * 100)
    await tick()
    assert not writer.given_up
    writer.link.unblock()
    writer.outbox.writable(True)
    writer.block()
    writer.outbox.put(b"x" * 101)
    await tick()
    assert writer.given_up


async def test_the_instance_gives_up_the_largest_first() -> None:
    flusher = a_flusher(per_connection_bytes=1_000, instance_bytes=1_000)
    writers = [Writer(flusher) for _ in range(3)]
    for writer, size in zip(writers, (300, 500, 400), strict=True):
        writer.block()
        writer.outbox.put(b"x" * size)
    await tick()
    assert [writer.given_up for writer in writers] == [False, True, False]
    assert list(flusher._slow) == [writers[0].outbox, writers[2].outbox]


async def test_an_outbox_counts_how_often_it_was_jammed() -> None:
    writer = Writer(a_flusher())
    for _ in range(2):
        writer.block()
        writer.link.unblock()
        writer.outbox.writable(True)
    assert writer.outbox.jams == 2


async def test_what_is_discarded_is_never_written() -> None:
    flusher = a_flusher()
    writer = Writer(flusher)
    writer.block()
    writer.outbox.put(b"a")
    writer.outbox.discard()
    writer.link.unblock()
    await tick()
    assert b"".join(writer.link.sent) == b"in the kernel's way"
    assert flusher._slow == {}
