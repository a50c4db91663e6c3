"""One client of a story, of either encoding: what it asked, and what it was told."""

from collections import Counter
from contextlib import suppress
from typing import Any

from typing_extensions import override

from chat_gateway.protocol.codec import Codec, Malformed
from tests.clients import Instance, RecordingLink
from tests.unit.chat_gateway.protocol import sdk


class StoryLink(RecordingLink):
    @override
    def wrap(self, payload: bytes) -> bytes:
        return payload if self.codec.binary else payload + b"\n"

    @override
    def write(self, data: bytes) -> None:
        assert not self.is_over, "written after the end"
        super().write(data)

    @override
    def close(self, code: int, reason: str) -> None:
        assert not self.is_over, "closed twice"
        assert reason
        super().close(code, reason)

    @property
    def is_over(self) -> bool:
        return self.aborted or self.closed is not None

    def replies(self) -> list[Any]:
        """Everything that was written, taken by the kernel or not."""
        written = b"".join(self.sent) + self.unsent
        return sdk.parsed(written) if self.codec.binary else [sdk.parsed_line(x) for x in written.decode().splitlines()]


class Peer:
    def __init__(self, instance: Instance, codec: Codec) -> None:
        self.link = StoryLink(codec)
        self.session = instance.engine.accept(self.link)
        self.link.receiver = self.session
        self.asked: Counter[int] = Counter()
        self.is_lost = False

    @property
    def is_heard(self) -> bool:
        return not (self.is_lost or self.link.is_over or self.link.paused)

    def hear(self, payload: bytes) -> None:
        with suppress(Malformed):
            self.asked.update(command.id for command in self.link.codec.decode(payload))
        self.session.received(payload)

    def check_replies(self) -> None:
        replied = Counter(reply.id for reply in self.link.replies() if reply.id)
        assert replied <= self.asked, "a reply nobody asked for, or a second one"

    def check_all_answered(self) -> None:
        replied = Counter(reply.id for reply in self.link.replies() if reply.id)
        expected = Counter({id_: times for id_, times in self.asked.items() if id_})
        assert replied == expected, "a command was not answered"
