"""HTTP of one-time links: decode, act, encode. The token comes in the body, never in an address a server would log."""

from aiohttp import web

from auth_service.actions import accounts, links
from auth_service.api.access import Access
from auth_service.api.bodies import InvitationBody, ResetBody, SetupBody, link_body
from auth_service.api.browser import Browser
from auth_service.core.auth import Auth
from shared.web import json_response, read_json


class LinkHandlers:
    def __init__(self, auth: Auth, access: Access, browser: Browser) -> None:
        self._auth = auth
        self._access = access
        self._browser = browser

    async def invite(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        body = await read_json(request, InvitationBody)
        offer = await links.invite(self._auth, self._browser.caller(request), session, email=body.email)
        return json_response(link_body(offer), status=201)

    async def set_up(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        body = await read_json(request, SetupBody)
        logged_in = await accounts.set_up(
            self._auth,
            self._browser.caller(request),
            token=body.token,
            email=body.email,
            password=body.password,
            name=body.name,
        )
        response = json_response(await self._access.body(logged_in), status=201)
        self._browser.set_cookies(response, logged_in)
        return response

    async def reset_password(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        body = await read_json(request, ResetBody)
        await links.reset_password(self._auth, self._browser.caller(request), token=body.token, password=body.password)
        return web.Response(status=204)
