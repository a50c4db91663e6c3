from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from auth_service.actions.sessions import LoggedIn
from auth_service.api.browser import Browser, local_path, location, login_page
from auth_service.core.callers import DeviceToken
from auth_service.core.sessions import RefreshToken, SessionId
from auth_service.core.users import User, UserId

USER = User(UserId("u"), "ann@example.org", "", "Ann", "", {}, "member")
LOGGED_IN = LoggedIn(USER, SessionId("s"), RefreshToken(b"t" * 32), DeviceToken(b"d" * 16))


def test_cookie_over_https_is_bound_to_the_host() -> None:
    browser = Browser(public_origin="https://chat.example.org", is_secure=True, port=443)
    response = web.Response()
    browser.set_cookies(response, LOGGED_IN)
    cookie = response.cookies["__Host-parley_refresh"]
    flags = ("secure", "httponly", "samesite", "path", "domain", "max-age")
    assert [cookie[flag] for flag in flags] == [True, True, "Strict", "/", "", str(30 * 86400)]


def test_cleared_cookie_keeps_the_flags_its_prefix_demands() -> None:
    browser = Browser(public_origin="https://chat.example.org", is_secure=True, port=443)
    response = web.Response()
    browser.clear_refresh(response)
    cookie = response.cookies["__Host-parley_refresh"]
    assert (cookie.value, cookie["max-age"], cookie["secure"], cookie["path"]) == ("", "0", True, "/")


def test_two_instances_on_one_loopback_have_cookies_of_their_own() -> None:
    names = {Browser(public_origin="", is_secure=False, port=port).refresh_cookie for port in (8080, 8180)}
    assert names == {"parley_refresh_8080", "parley_refresh_8180"}


@given(st.text())
def test_next_never_leaves_the_site(text: str) -> None:
    path = local_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    sent = location(path)
    assert sent.isascii()
    assert sent.isprintable()
    assert urlsplit(sent).netloc == ""


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_login_page_carries_address_and_next_unharmed(next_path: str, email: str) -> None:
    parts = urlsplit(login_page(next_path, error="bad_credentials", email=email))
    assert (parts.netloc, parts.path) == ("", "/login")
    assert parse_qs(parts.query, keep_blank_values=True) == {"next": [next_path]}
    fragment = parse_qs(parts.fragment, keep_blank_values=True)
    assert fragment == {"error": ["bad_credentials"], "email": [email]}


@pytest.mark.parametrize("path", ["/a%20b?c=d&e=%C3%A4#f", "/", "/a/../b"])
def test_encoded_path_is_not_encoded_twice(path: str) -> None:
    assert location(path) == path
