"""What the engine moves: positions in a channel's log, the publications that stand there, and ephemerals.

The engine knows no rooms and no messages. Of a publication's `kind` it asks only, through its port, whether the
`subject` is attached or detached by it. Ephemerals stand nowhere (offset 0, no epoch): who listens now gets them, at
most once, and nothing brings back a lost one.
"""

import msgspec

from chat_gateway.protocol.frames import ClientInfo

JOIN, LEAVE = 254, 255
"""Kinds of ephemerals that become the protocol's own pushes about who is in a channel; `info` says who."""


class Position(msgspec.Struct, frozen=True):
    """The last offset of a log, and the epoch that names the log. Offsets compare within one epoch only.

    An empty epoch, where a client asks, matches any.
    """

    offset: int
    epoch: str


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One entry of a channel, ready to send: `data` is JSON, encoded once after the commit.

    `info` is for channels where clients publish under their own name, which a chat's entries bear inside. No bus of
    ours carries it: who needs it there has to put it into `data` on the way.
    """

    offset: int
    kind: int
    id: str
    subject: str
    data: bytes
    info: ClientInfo | None = None


class Batch(msgspec.Struct, frozen=True):
    """Publications of one channel in rising order, as one bus message carries them."""

    channel: str
    epoch: str
    publications: tuple[Publication, ...]


def ephemeral(channel: str, data: bytes, *, kind: int = 0, info: ClientInfo | None = None) -> Batch:
    return Batch(channel, "", (Publication(0, kind, "", "", data, info),))
