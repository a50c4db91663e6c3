"""HTTP of the public keys: the one thing of auth that may be cached."""

from aiohttp import web

from auth_service.core.ports import SigningKeys

MAX_AGE_SECONDS = 300


class JwksHandlers:
    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    async def jwks(self, _request: web.Request) -> web.Response:
        # A gateway that was told of new keys must not be given the old ones, whichever instance it asks.
        await self._keys.refresh()
        return web.Response(
            body=self._keys.jwks(),
            content_type="application/json",
            headers={"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"},
        )
