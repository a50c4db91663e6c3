"""The channels of the reference server's test configuration: namespaces, history, and whose a name says it is."""

from typing import Final

import msgspec

from shared.errors import InvalidInput, NotFound


class Namespace(msgspec.Struct, frozen=True):
    """How much history its channels keep."""

    history_size: int = 100
    history_seconds: int = 300


_NAMESPACES: Final = {
    "": Namespace(),
    "example": Namespace(),
    "recovery": Namespace(),
    "smallhistory": Namespace(history_size=2),
}
MAX_CHANNEL = 255


def namespace_of(channel: str) -> Namespace:
    """Find by what stands before the first colon. Raises NotFound for an unknown one, InvalidInput for no name."""
    if not channel or len(channel) > MAX_CHANNEL or not channel.isascii():
        raise InvalidInput("bad_request", "A channel's name is ASCII, 1 to 255 characters.")
    name, colon, _ = channel.removeprefix("$").partition(":")
    namespace = _NAMESPACES.get(name if colon else "")
    if namespace is None:
        raise NotFound("unknown_channel", "There is no such namespace.")
    return namespace


def users_of(channel: str) -> set[str] | None:
    """Whom a user-limited channel (`name#42,43`) is for; None for all other channels."""
    _, hash_, users = channel.partition("#")
    return set(users.split(",")) if hash_ else None


def personal(user: str) -> str:
    return f"#{user}"
