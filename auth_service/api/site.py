"""HTTP of the site: what anybody may know of it before there is an account."""

from aiohttp import web

from auth_service.api.bodies import SiteBody
from auth_service.core.auth import Auth
from shared.web import json_response


class SiteHandlers:
    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    async def site(self, _request: web.Request) -> web.Response:
        return json_response(SiteBody(self._auth.registration))
