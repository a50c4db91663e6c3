"""HTTP of the changes feed: for services of this site, who hold INTERNAL_KEY. The front answers 404 here."""

import hmac

from aiohttp import web

from auth_service.core import errors
from auth_service.core.ports import ChangesFeed
from shared.errors import InvalidInput
from shared.web import json_response

_MAX_CURSOR = 2**63 - 1


class ChangesHandlers:
    def __init__(self, feed: ChangesFeed, internal_key: str) -> None:
        self._feed = feed
        self._expected = f"Bearer {internal_key}".encode() if internal_key else b""

    async def changes(self, request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        # Without a key nobody may read, not everybody who sends none.
        if not self._expected or not hmac.compare_digest(sent, self._expected):
            raise errors.invalid_internal_key()
        return json_response(await self._feed.changes_after(_cursor(request.query.get("after", "0"))))


def _cursor(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text[:20]) > _MAX_CURSOR:
        raise InvalidInput("invalid_request", "after: is not a number.", details={"after": "is not a number"})
    return int(text[:20])
