"""What a message may be, and the identifiers its author brings."""

import re
import unicodedata
import uuid

import msgspec

from chat_gateway.core.ids import ClientId, EntryId, UserId
from chat_gateway.core.limits import ChatLimits
from shared.errors import InvalidInput, TooLarge

MAX_MENTIONS = 50
EVERYBODY = UserId("*")
"""Whom a mention of the whole room is stored for."""

MAX_EMOJI = 32
"""Code points: the longest families and flags have a dozen."""

_BASE = (
    r"(?:[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    r"|[0-9#*]\ufe0f?\u20e3)[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(rf":[a-z0-9_+-]+:|[\U0001f1e6-\U0001f1ff]{{2}}|{_BASE}(?:\u200d{_BASE})*")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
# Letters and marks that show nothing: fillers, joiners, and the selectors of a glyph that must stand before them.
_UNSEEN = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    r"\U000e0000-\U000e0fff]"
)
_MENTION = re.compile(r"<@([A-Za-z0-9_-]{1,64})>")


class _Content(msgspec.Struct, omit_defaults=True):
    body: str
    reply_to: str | None = None


class _Stored(msgspec.Struct):
    body: str = ""
    reply_to: EntryId | None = None


class _Scrubbed(msgspec.Struct, omit_defaults=True):
    deleted: bool
    message: EntryId | None = None
    reply_to: EntryId | None = None


_encoder = msgspec.json.Encoder()


def content(body: str, reply_to: EntryId | None, limits: ChatLimits) -> str:
    """Make a message's content as it is stored. Raises as `text` does."""
    return _encoder.encode(_Content(text(body, limits), reply_to)).decode()


def text(body: str, limits: ChatLimits) -> str:
    """Check a message's text. Raises InvalidInput `empty_text` or TooLarge `text_too_long`.

    A NUL is refused because PostgreSQL cannot store one.
    """
    if is_blank(body):
        raise InvalidInput("empty_text", "A message needs some text.")
    if len(body) > limits.text_characters:
        raise _too_long(len(body), limits.text_characters, "characters")
    if "\0" in body:
        raise InvalidInput("invalid_request", "A message cannot hold the NUL character.")
    size = len(body.encode())
    if size > limits.text_bytes:
        raise _too_long(size, limits.text_bytes, "bytes of UTF-8")
    return body


def is_blank(text: str) -> bool:
    """Tell a text of which nobody would see anything: spaces, controls, and characters that only shape others."""
    return all(unicodedata.category(one) in _UNSEEN_CATEGORIES or _UNSEEN.match(one) for one in text)


def body_of(content: str) -> str:
    """Read the text of a message from its content; empty where it was scrubbed."""
    return msgspec.json.decode(content, type=_Stored).body


def reply_to(content: str) -> EntryId | None:
    """Read which message a message answers, scrubbed or not."""
    return msgspec.json.decode(content, type=_Stored).reply_to


def scrubbed(content: str) -> str:
    """Take the text out of a message's content and leave what it answers."""
    return _encoder.encode(_Scrubbed(deleted=True, reply_to=reply_to(content))).decode()


def scrubbed_edit(message: EntryId) -> str:
    """Make the content of a `message.edited` whose text is gone."""
    return _encoder.encode(_Scrubbed(deleted=True, message=message)).decode()


def emoji(text: str) -> str:
    """Read an emoji: one character as a reader sees it, or a `:name:`. Raises InvalidInput `invalid_request`."""
    if len(text) > MAX_EMOJI or not _EMOJI.fullmatch(text):
        raise InvalidInput("invalid_request", "A reaction is one emoji, or a name such as :thumbsup:.")
    return text


def mentions(body: str) -> tuple[UserId, ...]:
    """Find whom a text mentions: `<@user-id>`, or `<@room>` for everybody. Raises InvalidInput for more than 50."""
    found = dict.fromkeys(EVERYBODY if name == "room" else UserId(name) for name in _MENTION.findall(body))
    if len(found) > MAX_MENTIONS:
        raise InvalidInput("invalid_request", f"A message mentions at most {MAX_MENTIONS} people. Mention the room.")
    return tuple(found)


def client_id(text: str) -> ClientId:
    """Read the id a client gives what it may repeat: a UUID, best of version 7. Raises InvalidInput."""
    return ClientId(_uuid(text, "client_id"))


def entry_id(text: str, field: str) -> EntryId:
    """Read the id of an entry that stands in this field of a request. Raises InvalidInput."""
    return EntryId(_uuid(text, field))


def _too_long(size: int, most: int, unit: str) -> TooLarge:
    return TooLarge("text_too_long", f"A message has at most {most:,} {unit}, this has {size:,}. Send it in parts.")


def _uuid(text: str, field: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise InvalidInput("invalid_request", f"{field} must be a UUID.", details={field: "not a UUID"}) from error
