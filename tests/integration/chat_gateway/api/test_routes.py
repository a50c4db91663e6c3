import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chat_gateway.api.routes import CONNECTION, EMULATION, HTTP_STREAM, make_application


async def tell(request: web.Request) -> web.StreamResponse:
    return web.Response(text=f"{request.method} {request.path}")


def gateway() -> TestServer:
    return TestServer(make_application(trusted=(), connect=tell, http_stream=tell, emulation=tell))


async def test_every_method_on_the_connection_address_reaches_the_transport() -> None:
    async with TestClient(gateway()) as client:
        for method in ("GET", "POST", "DELETE"):
            answer = await client.request(method, CONNECTION)
            assert await answer.text() == f"{method} {CONNECTION}"


@pytest.mark.parametrize("address", [HTTP_STREAM, EMULATION])
async def test_the_addresses_without_a_socket_take_requests_and_preflights_only(address: str) -> None:
    async with TestClient(gateway()) as client:
        for method in ("POST", "OPTIONS"):
            answer = await client.request(method, address)
            assert await answer.text() == f"{method} {address}"
        refused = await client.get(address)
        assert refused.status == 405
        assert (await refused.json())["code"] == "method_not_allowed"


@pytest.mark.parametrize("address", ["/connection/sse?cf_connect={}", "/connection/sse", "/api/v1/rooms", "/"])
async def test_nothing_else_is_there_and_above_all_no_address_that_takes_a_token(address: str) -> None:
    async with TestClient(gateway()) as client:
        for method in ("GET", "POST", "OPTIONS"):
            missing = await client.request(method, address)
            assert missing.status == 404
            assert (await missing.json())["code"] == "not_found"
