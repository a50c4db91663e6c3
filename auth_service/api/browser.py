"""What a browser brings along and takes home: the refresh cookie, its Origin, the page to go to next.

The cookie is Strict and out of reach of scripts. A request that changes something by it must come from our own pages; a
`next` must be a path of this site, or it is ignored.
"""

import re
from urllib.parse import quote

from aiohttp import web

from auth_service.core import errors
from auth_service.core.sessions import IDLE, RefreshToken, as_text, from_text

_OWN_SITE = ("same-origin", "none")
# "//host" and "/\host" are other sites to a browser, and it drops control characters before it looks.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f]*")
_SAFE_IN_PATH = "/?#[]@!$&'()*+,;=:%~"


class Browser:
    """Cookie name and flags and the allowed Origin, all decided by PUBLIC_URL."""

    def __init__(self, *, public_origin: str, is_secure: bool, port: int) -> None:
        self._origin = public_origin
        self._is_secure = is_secure
        # Cookies ignore ports: two instances on one loopback would overwrite each other's.
        self.cookie_name = "__Host-parley_refresh" if is_secure else f"parley_refresh_{port}"

    def check_origin(self, request: web.Request) -> None:
        """Raises Forbidden for a foreign page. Programs send neither header: they have no cookies to ride on."""
        origin = request.headers.get("Origin", self._origin)
        site = request.headers.get("Sec-Fetch-Site", "none")
        if origin == "null" and site == "same-origin":
            # Our own form on a page with `Referrer-Policy: no-referrer`; a sandboxed page is cross-site, never this.
            return
        if origin != self._origin or site not in _OWN_SITE:
            raise errors.foreign_origin()

    def refresh_token(self, request: web.Request) -> RefreshToken | None:
        return from_text(request.cookies.get(self.cookie_name, ""))

    def set_cookie(self, response: web.StreamResponse, token: RefreshToken) -> None:
        response.set_cookie(
            self.cookie_name,
            as_text(token),
            max_age=int(IDLE.total_seconds()),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._is_secure,
        )

    def clear_cookie(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.cookie_name, path="/", httponly=True, samesite="Strict", secure=self._is_secure)


def local_path(text: str) -> str:
    """`next` if it is a path of this site, else the front page."""
    return text if _LOCAL_PATH.fullmatch(text) else "/"


def login_page(next_path: str, *, error: str, email: str) -> str:
    """Where a refused form goes back to. Error and address ride in the fragment: no server and no log sees them."""
    return f"/login?next={quote(next_path, safe='')}#error={quote(error, safe='')}&email={quote(email, safe='')}"


def location(path: str) -> str:
    """A path as a header takes it: ASCII, and what was encoded stays as it is."""
    return quote(path, safe=_SAFE_IN_PATH)
