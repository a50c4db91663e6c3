import asyncio

from typing_extensions import override

from chat_gateway.realtime.outbox import MAX_MERGED, MAX_MERGED_BYTES, Flusher, Outbox, OutboxLimits
from tests.clients import RecordingLink


class Framing(RecordingLink):
    """Shows where a frame begins and ends."""

    @override
    def wrap(self, payload: bytes) -> bytes:
        return b"[" + payload + b"]"


class Writer:
    """An outbox with its link, which tells it what the kernel takes, as a session does."""

    def __init__(self, flusher: Flusher) -> None:
        self.link = Framing()
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
    writer.outbox.send_uncounted(b"x" * 1_000)
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


async def test_messages_of_a_tick_share_a_frame_and_keep_their_order_among_frames() -> None:
    writer = Writer(a_flusher())
    outbox = writer.outbox
    outbox.send(b"a")
    outbox.send(b"b")
    outbox.put(b"<pub>")
    outbox.send(b"c")
    outbox.put(b"<pub>")
    outbox.put(b"<pub>")
    outbox.send(b"d")
    outbox.send_uncounted(b"e")
    await tick()
    outbox.send(b"f")
    await tick()
    assert writer.link.sent == [b"[a\nb]<pub>[c]<pub><pub>[d\ne]", b"[f]"]


async def test_only_so_many_messages_share_a_frame() -> None:
    writer = Writer(a_flusher())
    for _ in range(MAX_MERGED + 1):
        writer.outbox.send(b"a")
    await tick()
    assert writer.link.sent == [b"[" + b"\n".join([b"a"] * MAX_MERGED) + b"][a]"]


async def test_large_messages_have_frames_of_their_own() -> None:
    """Clients bound a frame; what they can help is not to ask for so much, not how much comes in the same tick."""
    writer = Writer(a_flusher())
    large = b"x" * (MAX_MERGED_BYTES + 1)
    for message in (b"a", large, b"b", b"c"):
        writer.outbox.send(message)
    await tick()
    assert writer.link.sent == [b"[a][" + large + b"][b\nc]"]


async def test_messages_that_wait_for_the_kernel_are_framed_when_it_takes_them() -> None:
    writer = Writer(a_flusher())
    writer.block()
    writer.outbox.send(b"a")
    await tick()
    writer.outbox.send(b"b")
    await tick()
    assert writer.outbox.size == 2
    writer.link.unblock()
    writer.outbox.writable(True)
    assert b"".join(writer.link.sent).endswith(b"[a\nb]")


async def test_an_outbox_above_its_limit_drops_ephemerals_before_it_is_given_up() -> None:
    writer = Writer(a_flusher(per_connection_bytes=100))
    writer.block()
    writer.outbox.send(b"first")
    writer.outbox.put_ephemeral(b"~" * 60)
    writer.outbox.put(b"x" * 50)
    writer.outbox.put_ephemeral(b"~" * 60)
    writer.outbox.send(b"last")
    await tick()
    assert not writer.given_up
    assert writer.outbox.size == len(b"[first]" + b"x" * 50 + b"[last]")
    writer.outbox.put(b"y" * 38)
    await tick()
    assert writer.given_up


async def test_what_was_dropped_is_not_written_and_the_rest_is() -> None:
    writer = Writer(a_flusher(per_connection_bytes=10))
    writer.block()
    writer.outbox.put_ephemeral(b"~" * 20)
    writer.outbox.put(b"kept")
    await tick()
    writer.outbox.put_ephemeral(b"~")
    writer.link.unblock()
    writer.outbox.writable(True)
    assert b"".join(writer.link.sent).endswith(b"waykept~")


async def test_ephemerals_are_written_while_there_is_room() -> None:
    writer = Writer(a_flusher(per_connection_bytes=10))
    writer.outbox.put_ephemeral(b"~" * 20)
    await tick()
    assert writer.link.sent == [b"~" * 20]
    assert writer.outbox.drop_ephemerals() == 0


async def test_the_instance_drops_everybodys_ephemerals_before_it_gives_anyone_up() -> None:
    flusher = a_flusher(per_connection_bytes=1_000, instance_bytes=1_000)
    writers = [Writer(flusher) for _ in range(2)]
    for writer in writers:
        writer.block()
        writer.outbox.put(b"x" * 400)
        writer.outbox.put_ephemeral(b"~" * 200)
    await tick()
    assert [writer.given_up for writer in writers] == [False, False]
    assert [writer.outbox.size for writer in writers] == [400, 400]
