"""HTTP of sessions: decode, act, encode. Log-in takes JSON and, for a page without scripts, a form."""

from urllib.parse import parse_qs

from aiohttp import web

from auth_service.actions import sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.api.access import Access
from auth_service.api.bodies import LoginBody
from auth_service.api.browser import Browser, local_path, location, login_page
from auth_service.core import errors
from auth_service.core.ports import Passwords, Randomness, Store
from auth_service.core.sessions import RefreshKeys
from shared import problems
from shared.errors import AppError, InvalidInput, Unauthenticated
from shared.web import REQUEST_ID, json_response, read_body, read_json

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 16


class SessionHandlers:
    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        randomness: Randomness,
        refresh_keys: RefreshKeys,
        access: Access,
        browser: Browser,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._randomness = randomness
        self._refresh_keys = refresh_keys
        self._access = access
        self._browser = browser

    async def log_in(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        if request.content_type == _FORM:
            return await self._log_in_by_form(request)
        body = await read_json(request, LoginBody)
        return self._answer(await self._log_in(body.email, body.password))

    async def refresh(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        token = self._browser.refresh_token(request)
        try:
            if token is None:
                raise errors.session_expired()
            return self._answer(await sessions.refresh(self._store, self._refresh_keys, self._randomness, token))
        except Unauthenticated as error:
            # Rendered here and not by the middleware: the cookie that is good for nothing goes with the answer.
            response = problems.refusal(error, request[REQUEST_ID])
            self._browser.clear_cookie(response)
            return response

    async def log_out(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        token = self._browser.refresh_token(request)
        if token is not None:
            await sessions.log_out(self._store, token)
        response = web.Response(status=204)
        self._browser.clear_cookie(response)
        return response

    async def _log_in_by_form(self, request: web.Request) -> web.Response:
        fields = _fields(await read_body(request))
        email, next_path = fields.get("email", ""), local_path(fields.get("next", ""))
        try:
            logged_in = await self._log_in(email, fields.get("password", ""))
        except AppError as error:
            return _see_other(login_page(next_path, error=error.code, email=email))
        response = _see_other(location(next_path))
        self._browser.set_cookie(response, logged_in.refresh_token)
        return response

    async def _log_in(self, email: str, password: str) -> LoggedIn:
        return await sessions.log_in(self._store, self._passwords, self._randomness, email=email, password=password)

    def _answer(self, logged_in: LoggedIn) -> web.Response:
        response = json_response(self._access.body(logged_in))
        self._browser.set_cookie(response, logged_in.refresh_token)
        return response


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields, each its first value. Raises InvalidInput."""
    try:
        parsed = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidInput("invalid_request", "The form cannot be read. Send it again.") from error
    return {name: values[0] for name, values in parsed.items()}


def _see_other(path: str) -> web.Response:
    # 303: the browser follows with GET, a password is never posted on.
    return web.Response(status=303, headers={"Location": path})
