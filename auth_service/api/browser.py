"""What a browser brings along and takes home: the refresh cookie, its Origin, the page to go to next.

The cookie is Strict and out of reach of scripts. A request that changes something by it must come from our own pages; a
`next` must be a path of this site, or it is ignored.
"""

import re
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from auth_service.actions.sessions import LoggedIn
from auth_service.core import errors
from auth_service.core.callers import DEVICE_BYTES, Caller, DeviceToken
from auth_service.core.sessions import IDLE, RefreshToken, as_text, from_text
from shared.web import client_address

_DEVICE_LIFE = timedelta(days=365)
_OWN_SITE = ("same-origin", "none")
# "//host" and "/\host" are other sites to a browser, and it drops control characters before it looks.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f]*")
_DEVICE_TEXT = re.compile(rf"[0-9a-f]{{{2 * DEVICE_BYTES}}}")
_SAFE_IN_PATH = "/?#[]@!$&'()*+,;=:%~"


class Browser:
    """Cookie name and flags and the allowed Origin, all decided by PUBLIC_URL."""

    def __init__(self, *, public_origin: str, is_secure: bool, port: int) -> None:
        self._origin = public_origin
        self._is_secure = is_secure
        # Cookies ignore ports: two instances on one loopback would overwrite each other's.
        self.refresh_cookie = "__Host-parley_refresh" if is_secure else f"parley_refresh_{port}"
        self.device_cookie = "__Host-parley_device" if is_secure else f"parley_device_{port}"

    def check_origin(self, request: web.Request) -> None:
        """Raises Forbidden for a foreign page. Programs send neither header: they have no cookies to ride on."""
        origin = request.headers.get("Origin", self._origin)
        site = request.headers.get("Sec-Fetch-Site", "none")
        if origin == "null" and site == "same-origin":
            # Our own form on a page with `Referrer-Policy: no-referrer`; a sandboxed page is cross-site, never this.
            return
        if origin != self._origin or site not in _OWN_SITE:
            raise errors.foreign_origin()

    def caller(self, request: web.Request) -> Caller:
        return Caller(
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", ""),
            device=_device(request.cookies.get(self.device_cookie, "")),
            session=self.refresh_token(request),
        )

    def refresh_token(self, request: web.Request) -> RefreshToken | None:
        return from_text(request.cookies.get(self.refresh_cookie, ""))

    def set_cookies(self, response: web.StreamResponse, logged_in: LoggedIn) -> None:
        self._set(response, self.refresh_cookie, as_text(logged_in.refresh_token), IDLE)
        if logged_in.device is not None:
            self._set(response, self.device_cookie, logged_in.device.hex(), _DEVICE_LIFE)

    def clear_refresh(self, response: web.StreamResponse) -> None:
        """The device stays known: it proves no identity, and who logs in here again is no stranger."""
        response.del_cookie(self.refresh_cookie, path="/", httponly=True, samesite="Strict", secure=self._is_secure)

    def _set(self, response: web.StreamResponse, name: str, value: str, life: timedelta) -> None:
        response.set_cookie(
            name,
            value,
            max_age=int(life.total_seconds()),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._is_secure,
        )


def _device(text: str) -> DeviceToken | None:
    return DeviceToken(bytes.fromhex(text)) if _DEVICE_TEXT.fullmatch(text) else None


def local_path(text: str) -> str:
    """`next` if it is a path of this site, else the front page."""
    return text if _LOCAL_PATH.fullmatch(text) else "/"


def login_page(next_path: str, *, error: str, email: str) -> str:
    """Where a refused form goes back to. Error and address ride in the fragment: no server and no log sees them."""
    return f"/login?next={quote(next_path, safe='')}#error={quote(error, safe='')}&email={quote(email, safe='')}"


def location(path: str) -> str:
    """A path as a header takes it: ASCII, and what was encoded stays as it is."""
    return quote(path, safe=_SAFE_IN_PATH)
