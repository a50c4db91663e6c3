"""Between a transport and a session: what each may ask of the other. Every call is synchronous and never blocks."""

from typing import Protocol

from chat_gateway.protocol.codec import Codec


class Link(Protocol):
    """One client's connection, implemented by each transport.

    `session` is the secret that ties a client's later requests to this link; empty where commands come through it.
    """

    codec: Codec
    address: str
    session: str

    def write(self, data: bytes) -> None:
        """Send ready-made wire bytes now, in one system call. Ignored once the link is closing."""

    def wrap(self, payload: bytes) -> bytes:
        """Frame one protocol payload for this kind of transport; the same bytes for every link of the kind."""

    def close(self, code: int, reason: str) -> None:
        """Tell the client and go; the peer gets a moment to answer. `Receiver.lost` follows."""

    def abort(self) -> None:
        """Drop the connection with all that is unsent."""

    def buffered(self) -> int:
        """Count the bytes written but not yet handed to the kernel."""

    def pause(self) -> None:
        """Stop reading, which pushes back on the client."""

    def resume(self) -> None: ...


class Receiver(Protocol):
    """What a transport tells its session."""

    def received(self, payload: bytes) -> None:
        """Take one complete message of the client."""

    def writable(self, on: bool) -> None:  # noqa: FBT001 - a transport's pause_writing and resume_writing
        """Say whether bytes stay in user space (False) or all have gone to the kernel (True)."""

    def lost(self) -> None:
        """Say, exactly once, that the connection is over, whoever ended it."""
