"""HTTP of accounts: decode, act, encode."""

from aiohttp import web

from auth_service.actions import accounts
from auth_service.api.access import Access
from auth_service.api.bodies import EditBody, RegisterBody, user_body
from auth_service.api.browser import Browser
from auth_service.core.ports import Passwords, Randomness, Store
from auth_service.core.users import Edit
from shared.web import json_response, read_json


class AccountHandlers:
    def __init__(
        self, store: Store, passwords: Passwords, randomness: Randomness, access: Access, browser: Browser
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._randomness = randomness
        self._access = access
        self._browser = browser

    async def register(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        body = await read_json(request, RegisterBody)
        logged_in = await accounts.register(
            self._store, self._passwords, self._randomness, email=body.email, password=body.password, name=body.name
        )
        response = json_response(self._access.body(logged_in), status=201)
        self._browser.set_cookie(response, logged_in.refresh_token)
        return response

    async def me(self, request: web.Request) -> web.Response:
        return json_response(user_body(await accounts.me(self._store, self._access.session(request))))

    async def edit_me(self, request: web.Request) -> web.Response:
        session = self._access.session(request)
        body = await read_json(request, EditBody)
        edit = Edit(body.name, body.picture, body.profile)
        return json_response(user_body(await accounts.edit_me(self._store, session, edit)))
