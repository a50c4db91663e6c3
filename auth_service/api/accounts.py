"""HTTP of accounts: decode, act, encode."""

from aiohttp import web

from auth_service.actions import accounts, passwords
from auth_service.api.access import Access
from auth_service.api.bodies import DeletionBody, EditBody, PasswordBody, RegisterBody, user_body
from auth_service.api.browser import Browser
from auth_service.core.auth import Auth
from auth_service.core.users import Edit
from shared.web import json_response, read_json


class AccountHandlers:
    def __init__(self, auth: Auth, access: Access, browser: Browser) -> None:
        self._auth = auth
        self._access = access
        self._browser = browser

    async def register(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        body = await read_json(request, RegisterBody)
        logged_in = await accounts.register(
            self._auth,
            self._browser.caller(request),
            email=body.email,
            password=body.password,
            name=body.name,
            invitation=body.invitation,
        )
        response = json_response(await self._access.body(logged_in), status=201)
        self._browser.set_cookies(response, logged_in)
        return response

    async def me(self, request: web.Request) -> web.Response:
        return json_response(user_body(await accounts.me(self._auth, await self._access.session(request))))

    async def edit_me(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        body = await read_json(request, EditBody)
        edit = Edit(body.name, body.picture, body.profile)
        user = await accounts.edit_me(self._auth, self._browser.caller(request), session, edit)
        return json_response(user_body(user))

    async def change_password(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        body = await read_json(request, PasswordBody)
        await passwords.change(
            self._auth,
            self._browser.caller(request),
            session,
            password=body.password,
            new_password=body.new_password,
        )
        return web.Response(status=204)

    async def delete_me(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        body = await read_json(request, DeletionBody)
        await accounts.delete_me(self._auth, self._browser.caller(request), session, password=body.password)
        response = web.Response(status=204)
        self._browser.clear_refresh(response)
        return response
