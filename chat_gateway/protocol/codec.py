"""The port of an encoding: bytes of one transport message to commands, replies and pushes to bytes.

A codec has no state and does no I/O. What it makes is one protocol message each, so that a publication is encoded once
and written to many; `frame` puts several into one transport message. Messages of a binary codec carry their length, so
one behind the other they are a stream already; those of a text codec need a newline between them.
"""

from collections.abc import Sequence
from typing import Protocol

from chat_gateway.protocol.frames import Command, Pong, Published, Push, Request, Result, Send
from chat_gateway.protocol.json_text import MAX_DEPTH

MAX_COMMANDS = 1024
"""In one transport message."""


class Malformed(Exception):
    """The client's bytes cannot be read. The text says what is wrong with them, without quoting them."""


class Unencodable(Exception):
    """What is to be told holds bytes that this encoding has no place for."""


class Codec(Protocol):
    """`binary`: goes in binary frames. `ping`: the server's ping, ready to be framed.

    `reply`, `publication` and `push` raise Unencodable where the codec is one that looks at the opaque bytes.
    """

    binary: bool
    ping: bytes

    def decode(self, payload: bytes, *, levels: int = MAX_DEPTH) -> list[Command]:
        """Read a transport message: at least one command, in the client's order. Raises Malformed.

        `levels` bounds the nesting of one, where the encoding nests without end.
        """

    def reply(self, id: int, result: Result) -> bytes:  # noqa: A002 - the protocol's word
        """Answer a command; the result's key is there even when nothing is in it."""

    def error(self, id: int, code: int, message: str, *, temporary: bool) -> bytes:  # noqa: A002 - the same
        """Refuse a command. The message is never empty."""

    def publication(self, channel: str, publication: Published) -> bytes:
        """Tell a subscriber what was published."""

    def push(self, channel: str, push: Push) -> bytes:
        """Tell a client anything else it did not ask for. The channel is empty for what concerns the connection."""

    def frame(self, messages: Sequence[bytes]) -> bytes:
        """Put several protocol messages into one transport message."""


def command(id: int, request: Request | None) -> Command:  # noqa: A002 - the protocol's word
    """Put together what a client's message says. Only a pong and a message without answer have no `id`."""
    if id == 0:
        if request is None:
            request = Pong()
        elif not isinstance(request, Send):
            raise Malformed("A command needs an `id` above 0.")
    return Command(id, request)
