"""Addresses that stand for no text, which aiohttp lets pass with their bad escapes left out or in as it finds them."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from shared.errors import InvalidInput

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_path(raw_path: str) -> None:
    """Refuse an address with escapes that are none, or that stand for control characters or no text at all.

    One path would be two: the proxy in front, our routes and a log would each read it otherwise. Raises InvalidInput.
    """
    path = raw_path.partition("?")[0]
    if "%" in path and not _is_text(path):
        raise InvalidInput("invalid_request", "The address has an escape (%) that stands for no text. Mend it.")


def _is_text(path: str) -> bool:
    if _BAD_ESCAPE.search(path):
        return False
    try:
        return not _CONTROL.search(unquote_to_bytes(path).decode())
    except UnicodeDecodeError:
        return False
