"""A listener that takes nothing: what tests of channels and the hub build their own from."""

from collections.abc import Hashable

from typing_extensions import override

from chat_gateway.protocol.codec import Codec
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.channel import Listener


class Bystander(Listener):
    """Whatever is not overridden must not be called, but for `withhold`."""

    user_id = "ann"
    codec: Codec = JSON

    @property
    @override
    def variant(self) -> Hashable:
        return 0

    @override
    def wrap(self, payload: bytes) -> bytes:
        return payload

    @override
    def put(self, frame: bytes) -> None:
        raise AssertionError

    @override
    def put_ephemeral(self, frame: bytes) -> None:
        raise AssertionError

    @override
    def follows(self, channel: str) -> bool:
        raise AssertionError

    @override
    def gains(self, channel: str) -> None:
        raise AssertionError

    @override
    def loses(self, channel: str) -> None:
        raise AssertionError

    @override
    def unfit(self) -> None:
        raise AssertionError

    @override
    def withhold(self) -> None: ...

    @override
    def outdated(self, channel: str) -> None:
        raise AssertionError
