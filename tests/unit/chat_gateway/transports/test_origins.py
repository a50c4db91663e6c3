from collections.abc import Mapping

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from chat_gateway.transports.origins import check_origin, shared_with
from shared.errors import Forbidden, NotFound

ORIGIN = "https://chat.example"


def request(*origins: str, method: str = "POST") -> web.Request:
    return make_mocked_request(method, "/emulation", headers=CIMultiDict([("Origin", origin) for origin in origins]))


async def answer(_request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
    return web.Response(text="served", headers=headers)


async def refuse(_request: web.Request, _headers: Mapping[str, str]) -> web.StreamResponse:
    raise NotFound("session_not_found", "Connect again.")


@pytest.mark.parametrize("origins", [(), (ORIGIN,)])
def test_listed_pages_and_clients_without_a_page_are_let_in(origins: tuple[str, ...]) -> None:
    check_origin(request(*origins), origins=[ORIGIN])


@pytest.mark.parametrize(
    "origins",
    [("https://evil.example",), (ORIGIN, "https://evil.example"), ("null",), ("",), (f"{ORIGIN}.evil.example",)],
)
async def test_other_pages_are_refused_and_so_is_their_preflight(origins: tuple[str, ...]) -> None:
    with pytest.raises(Forbidden) as caught:
        check_origin(request(*origins), origins=[ORIGIN])
    assert caught.value.code == "origin_not_allowed"
    for method in ("POST", "OPTIONS"):
        with pytest.raises(Forbidden):
            await shared_with([ORIGIN], answer)(request(*origins, method=method))


async def test_a_preflight_of_a_listed_page_is_answered_without_the_handler() -> None:
    response = await shared_with([ORIGIN], refuse)(request(ORIGIN, method="OPTIONS"))
    assert response.status == 204
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
    assert response.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(("handler", "status"), [(answer, 200), (refuse, 404)])
async def test_answers_and_refusals_may_be_read_by_the_page_that_asked(handler: object, status: int) -> None:
    response = await shared_with([ORIGIN], handler)(request(ORIGIN))  # type: ignore[arg-type]
    assert response.status == status
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Vary"] == "Origin"


async def test_without_a_page_nobody_is_named() -> None:
    response = await shared_with([ORIGIN], answer)(request())
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Vary"] == "Origin"
