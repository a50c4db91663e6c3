"""What the engine moves: positions in a channel's log and the publications that stand there.

The engine knows no rooms and no messages. Of a publication's `kind` it asks only, through its port, whether the
`subject` is attached or detached by it.
"""

import msgspec


class Position(msgspec.Struct, frozen=True):
    """The last offset of a log, and the epoch that names the log. Offsets compare within one epoch only."""

    offset: int
    epoch: str


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One entry of a channel, ready to send: `data` is JSON, encoded once after the commit."""

    offset: int
    kind: int
    id: str
    subject: str
    data: bytes


class Batch(msgspec.Struct, frozen=True):
    """Publications of one channel in rising order, as one bus message carries them."""

    channel: str
    epoch: str
    publications: tuple[Publication, ...]
