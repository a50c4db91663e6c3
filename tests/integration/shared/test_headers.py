"""Every answer of a service says what browsers may do with it, whatever it answers: data, a refusal, a failure."""

import pytest

from tests.integration.shared.kennel import Client

PROMISED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/who", 200),
        ("GET", "/move", 303),
        ("POST", "/dogs", 415),
        ("GET", "/dogs/7", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/who", 405),
        ("GET", "/fail", 500),
        ("GET", "/asleep", 503),
    ],
)
async def test_every_answer_has_each_header_once(client: Client, method: str, path: str, status: int) -> None:
    response = await client.request(method, path, allow_redirects=False)
    assert response.status == status
    for name, value in PROMISED.items():
        assert response.headers.getall(name) == [value]
    assert not [name for name in response.headers if name.startswith("Access-Control")]


async def test_upgrade_to_a_socket_is_no_document_and_has_none(client: Client) -> None:
    async with client.ws_connect("/talk") as socket:
        assert not PROMISED.keys() & socket._response.headers.keys()


@pytest.mark.parametrize(
    ("sent", "asked"),
    [({}, 'Bearer realm="parley"'), ({"Authorization": "x"}, 'Bearer realm="parley", error="invalid_token"')],
)
async def test_who_is_not_let_in_is_told_how_to_ask(client: Client, sent: dict[str, str], asked: str) -> None:
    response = await client.get("/gate", headers=sent)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, asked)
