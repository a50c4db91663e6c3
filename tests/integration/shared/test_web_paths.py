"""Attacks by addresses that stand for no text: each is refused as everything else is."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from yarl import URL

from shared.errors import InvalidInput
from shared.web_paths import check_path
from tests.integration.shared.kennel import kennel

ESCAPES = [
    "%00",
    "a%00b",
    "%",
    "a%",
    "%z1",
    "%1",
    "%zz",
    "%ff",
    "%c0%80",
    "%ed%a0%80",
    "%0d%0aSet-Cookie:a",
    "%1b",
    "%7f",
]


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with TestServer(kennel()) as server:
        yield str(server.make_url("/")).rstrip("/")


@pytest.mark.parametrize("escape", ESCAPES)
async def test_escape_that_stands_for_no_text_is_refused_with_and_without_a_route(site: str, escape: str) -> None:
    async with ClientSession() as http:
        for path in (f"/dogs/{escape}", f"/nothing{escape}"):
            async with http.get(URL(site + path, encoded=True)) as answer:
                problem = await answer.json(content_type="application/problem+json")
                assert (answer.status, problem["code"]) == (400, "invalid_request")
                assert problem["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/", "/a%20b", "/%C3%A4", "/%F0%9F%90%B6", "/a%2Fb", "/a?b=%00%zz%ff"])
def test_address_of_text_passes(path: str) -> None:
    check_path(path)


def test_address_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="Mend it"):
        check_path("/a%00")
