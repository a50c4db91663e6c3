"""How ephemerals reach those who listen: encoded once like all else, but through no gate, and dropped first."""

from collections.abc import Hashable

from chat_gateway.protocol import frames
from chat_gateway.protocol.codec import Codec, Unencodable
from chat_gateway.realtime.channel import Channel, Listener
from chat_gateway.realtime.publication import JOIN, LEAVE, Publication

_PRESENCE: dict[int, type[frames.Join] | type[frames.Leave]] = {JOIN: frames.Join, LEAVE: frames.Leave}


def deliver(channel: Channel, publication: Publication) -> None:
    """Give it to every listener that was told of its subscription; joins and leaves only to those that follow them."""
    push = _PRESENCE.get(publication.kind)
    if push is not None and publication.info is None:
        return  # it came over a bus that does not carry who it is about
    encoded: dict[Hashable, bytes | None] = {}
    for listener in channel.settled():
        if push is None or listener.follows(channel.name):
            variant = listener.variant
            if variant not in encoded:
                encoded[variant] = _frame(listener, channel.name, publication)
            frame = encoded[variant]
            if frame is None:
                listener.unfit()
            else:
                listener.put_ephemeral(frame)


def _frame(listener: Listener, channel: str, publication: Publication) -> bytes | None:
    """Encode for all listeners of this kind; None where their encoding has no place for it."""
    try:
        return listener.wrap(_message(listener.codec, channel, publication))
    except Unencodable:
        return None


def _message(codec: Codec, channel: str, publication: Publication) -> bytes:
    push = _PRESENCE.get(publication.kind)
    if push is None or publication.info is None:
        return codec.publication(channel, publication)
    return codec.push(channel, push(publication.info))
