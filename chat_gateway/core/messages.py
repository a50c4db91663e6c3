"""What a message may be, and the identifiers its author brings."""

import uuid

import msgspec

from chat_gateway.core.ids import ClientId, EntryId
from shared.errors import InvalidInput, TooLarge

MAX_CODE_POINTS = 8_000
MAX_BYTES = 32 * 1024


class _Content(msgspec.Struct, omit_defaults=True):
    body: str
    reply_to: str | None = None


_encoder = msgspec.json.Encoder()


def content(body: str, reply_to: str | None) -> str:
    """Make a message's content as it is stored. Raises InvalidInput `empty_text` or TooLarge `text_too_long`.

    The limits are 8,000 code points and 32 KiB of UTF-8. A NUL is refused because PostgreSQL cannot store one.
    """
    if not body.strip():
        raise InvalidInput("empty_text", "A message needs some text.")
    if len(body) > MAX_CODE_POINTS:
        raise TooLarge(
            "text_too_long", f"A message has at most {MAX_CODE_POINTS:,} characters, this has {len(body):,}."
        )
    if "\0" in body:
        raise InvalidInput("invalid_request", "A message cannot hold the NUL character.")
    if len(body.encode()) > MAX_BYTES:
        raise TooLarge("text_too_long", "A message has at most 32 KiB of UTF-8.")
    return _encoder.encode(_Content(body, None if reply_to is None else entry_id(reply_to))).decode()


def client_id(text: str) -> ClientId:
    """Read the id a client gives what it may repeat: a UUID, best of version 7. Raises InvalidInput."""
    return ClientId(_uuid(text, "client_id"))


def entry_id(text: str) -> EntryId:
    """Read the id of an entry. Raises InvalidInput."""
    return EntryId(_uuid(text, "reply_to"))


def _uuid(text: str, field: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise InvalidInput("invalid_request", f"{field} must be a UUID.", details={field: "not a UUID"}) from error
