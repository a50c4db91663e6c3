"""HTTP of sessions: decode, act, encode. Log-in takes JSON and, for a page without scripts, a form."""

import re
from urllib.parse import parse_qs

from aiohttp import web
from prometheus_client import Counter

from auth_service.actions import sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.api.access import Access
from auth_service.api.bodies import LoginBody, SessionsBody, session_body
from auth_service.api.browser import Browser, local_path, location, login_page
from auth_service.core import errors
from auth_service.core.auth import Auth
from auth_service.core.sessions import SessionId
from shared import problems
from shared.errors import AppError, InvalidInput, Unauthenticated
from shared.web import REQUEST_ID, json_response, read_body, read_json

LOG_INS = Counter("parley_auth_log_ins", "Log-ins by what became of them.", ["result"])

_FORM = "application/x-www-form-urlencoded"
_MAX_FIELDS = 16
_ID = re.compile(r"[0-9a-f-]{36}")


class SessionHandlers:
    def __init__(self, auth: Auth, access: Access, browser: Browser) -> None:
        self._auth = auth
        self._access = access
        self._browser = browser

    async def log_in(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        if request.content_type == _FORM:
            return await self._log_in_by_form(request)
        body = await read_json(request, LoginBody)
        return await self._answer(await self._log_in(request, body.email, body.password))

    async def refresh(self, request: web.Request) -> web.Response:
        self._browser.check_origin(request)
        token = self._browser.refresh_token(request)
        try:
            if token is None:
                raise errors.session_expired()
            return await self._answer(await sessions.refresh(self._auth, self._browser.caller(request), token))
        except Unauthenticated as error:
            # Rendered here and not by the middleware: the cookie that is good for nothing goes with the answer.
            response = problems.refusal(error, request[REQUEST_ID])
            self._browser.clear_refresh(response)
            return response

    async def log_out(self, request: web.Request) -> web.Response:
        """By the cookie, by the access token, or both; a token too old to be believed is no error beside a cookie."""
        self._browser.check_origin(request)
        caller, token = self._browser.caller(request), self._browser.refresh_token(request)
        if token is not None:
            await sessions.log_out(self._auth, caller, token)
        if "Authorization" in request.headers:
            try:
                await sessions.log_out_session(self._auth, caller, await self._access.session(request))
            except Unauthenticated:
                if token is None:
                    raise
        return self._logged_out()

    async def log_out_everywhere(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        await sessions.log_out_everywhere(self._auth, self._browser.caller(request), session)
        return self._logged_out()

    async def log_out_others(self, request: web.Request) -> web.Response:
        session = await self._access.session(request)
        await sessions.log_out_others(self._auth, self._browser.caller(request), session)
        return web.Response(status=204)

    async def listed(self, request: web.Request) -> web.Response:
        current = await self._access.session(request)
        found = await sessions.listed(self._auth, current)
        return json_response(SessionsBody([session_body(session, current) for session in found]))

    async def revoke(self, request: web.Request) -> web.Response:
        current, which = await self._access.session(request), request.match_info["id"]
        await sessions.revoke(self._auth, self._browser.caller(request), current, _known_id(which))
        return web.Response(status=204)

    def _logged_out(self) -> web.Response:
        response = web.Response(status=204)
        self._browser.clear_refresh(response)
        return response

    async def _log_in_by_form(self, request: web.Request) -> web.Response:
        fields = _fields(await read_body(request))
        email, next_path = fields.get("email", ""), local_path(fields.get("next", ""))
        try:
            logged_in = await self._log_in(request, email, fields.get("password", ""))
        except AppError as error:
            return _see_other(login_page(next_path, error=error.code, email=email))
        response = _see_other(location(next_path))
        self._browser.set_cookies(response, logged_in)
        return response

    async def _log_in(self, request: web.Request, email: str, password: str) -> LoggedIn:
        caller = self._browser.caller(request)
        try:
            logged_in = await sessions.log_in(self._auth, caller, email=email, password=password)
        except AppError as error:
            LOG_INS.labels(error.code).inc()
            raise
        LOG_INS.labels("succeeded").inc()
        return logged_in

    async def _answer(self, logged_in: LoggedIn) -> web.Response:
        response = json_response(await self._access.body(logged_in))
        self._browser.set_cookies(response, logged_in)
        return response


def _known_id(text: str) -> SessionId:
    """What cannot be an id of ours is one that nobody has: not every text from an address may go to the database."""
    return SessionId(text if _ID.fullmatch(text) else "")


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
