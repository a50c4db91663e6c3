"""How much the chat takes of a person, with the numbers of the design; app.py makes them from the settings."""

import msgspec


class ChatLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A message's text is bounded twice: in characters (code points) and in bytes of UTF-8."""

    text_characters: int = 8_000
    text_bytes: int = 32 * 1024
    rooms_per_person: int = 1_000


DEFAULTS = ChatLimits()
