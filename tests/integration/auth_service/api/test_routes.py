"""Rules of every route there is, found in the application and not in a list: whoever adds one cannot forget them."""

from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse
from yarl import URL

from auth_service.api.operations import OPERATIONS, Operation
from auth_service.app import BODY_LIMIT_BYTES
from tests.integration.auth_service.person import COOKIE, ORIGIN, Client, Person, problem
from tests.templates import sqlite_copy

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "none"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://localhost:8081"},
    {"Origin": "https://localhost:8080"},
    {"Origin": f"{ORIGIN}.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]

each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
each_with_a_body = pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.takes is not None], ids=lambda operation: operation.id
)


def routes(client: Client) -> set[tuple[str, str]]:
    assert client.app is not None
    found = {(route.method, route.resource.canonical) for route in client.app.router.routes() if route.resource}
    return {(method, path) for method, path in found if method != "HEAD"}


@pytest.fixture
def migrated_url(migrated_file: Path, tmp_path: Path) -> str:
    """HTTP is the same on both databases: one kind will do."""
    return sqlite_copy(migrated_file, tmp_path)


async def send(person: Person, operation: Operation, **options: Any) -> ClientResponse:
    path = operation.path.replace("{id}", "somebody")
    person.client.session.cookie_jar.clear()
    return await person.client.request(operation.method, path, allow_redirects=False, **options)


async def test_document_describes_every_route_and_no_other(client: Client) -> None:
    described = {(operation.method, operation.path) for operation in OPERATIONS}
    assert routes(client) == described | {("GET", "/internal/changes")}
    served = await (await client.get("/auth/openapi.json")).json()
    paths = {(method.upper(), path) for path, item in served["paths"].items() for method in item}
    assert paths == described
    assert served["components"]["securitySchemes"]["refresh"]["name"] == COOKIE


@pytest.mark.parametrize("path", ["/", "/auth", "/auth/nothing", "/auth/../internal", "/internal"])
async def test_there_is_nothing_elsewhere(client: Client, path: str) -> None:
    response = await client.get(path)
    assert await problem(response) == (404, "not_found")
    assert response.headers["Cache-Control"] == "no-store"


@each
async def test_address_with_an_escape_that_is_no_text_is_refused(client: Client, operation: Operation) -> None:
    for escape in ("%00", "%zz", "%ff"):
        path = operation.path.replace("{id}", escape) if "{id}" in operation.path else operation.path + escape
        response = await client.request(operation.method, URL(path, encoded=True))
        assert await problem(response) == (400, "invalid_request")


@each
async def test_every_answer_may_be_kept_by_nobody_and_shown_nowhere(ann: Person, operation: Operation) -> None:
    answers = [await send(ann, operation), await send(ann, operation, headers=ann.bearer(), json={})]
    for response in answers:
        expected = "public, max-age=300" if operation.id == "keys" else "no-store"
        assert response.headers.getall("Cache-Control") == [expected]
        for name, value in SECURITY.items():
            assert response.headers.getall(name) == [value]


@each
async def test_other_methods_are_refused_with_those_there_are(client: Client, operation: Operation) -> None:
    there = {one.method for one in OPERATIONS if one.path == operation.path}
    for method in METHODS - there:
        response = await client.request(method, operation.path.replace("{id}", "x"))
        assert await problem(response) == (405, "method_not_allowed")
        assert set(response.headers["Allow"].split(",")) - {"HEAD"} == there


@each
async def test_other_sites_get_no_permission(ann: Person, operation: Operation) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": operation.method}
    path = operation.path.replace("{id}", "x")
    answers = [
        await ann.client.options(path, headers=asked),
        await send(ann, operation, headers={"Origin": "https://evil.example", **ann.bearer()}),
        await send(ann, operation, headers={"Origin": ORIGIN, **ann.bearer()}),
    ]
    assert answers[0].status == 405
    for response in answers:
        assert not [name for name in response.headers if name.startswith("Access-Control")]


async def test_page_of_a_foreign_site_may_not_act(ann: Person) -> None:
    """Cross-site request forgery on every route that changes something, whatever the document says of it."""
    cookie, form = {"Cookie": f"{COOKIE}={ann.cookie}"}, {"Content-Type": "application/x-www-form-urlencoded"}
    bodies = (urlencode({"email": ann.email, "password": ann.password, "token": "x"}), b"{}")
    bearer = {(one.method, one.path) for one in OPERATIONS if one.authority == "bearer"}
    acting = {(method, path) for method, path in routes(ann.client) if method != "GET"}
    assert len(acting) > 10
    for method, path in sorted(acting):
        for headers in FOREIGN:
            for body in bodies:
                ann.client.session.cookie_jar.clear()
                response = await ann.client.request(
                    method, path.replace("{id}", "x"), headers={**form, **cookie, **headers}, data=body
                )
                # Where only the token counts, which no foreign page has, the cookie counts for nothing.
                expected = (401, "invalid_token") if (method, path) in bearer else (403, "foreign_origin")
                assert await problem(response) == expected, (method, path, headers)
    assert (await ann.refresh()).status == 200


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_guarded], ids=lambda operation: operation.id)
async def test_bearer_token_of_a_program_does_not_open_the_gate_to_a_foreign_page(
    ann: Person, operation: Operation
) -> None:
    response = await send(ann, operation, headers={**ann.bearer(), "Origin": "https://evil.example"}, json={})
    assert await problem(response) == (403, "foreign_origin")


@each_with_a_body
async def test_body_over_64_kib_is_refused_announced_or_not(ann: Person, operation: Operation) -> None:
    headers = {"Content-Type": "application/json", **ann.bearer()}

    async def drop_by_drop() -> Any:
        for _ in range(17):
            yield b" " * (BODY_LIMIT_BYTES // 16)

    for data in (BytesIO(b"x" * (BODY_LIMIT_BYTES + 1)), drop_by_drop()):
        assert await problem(await send(ann, operation, headers=headers, data=data)) == (413, "body_too_large")
    assert (await ann.me()).status == 200


@each_with_a_body
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
async def test_body_that_is_not_called_json_is_refused(ann: Person, operation: Operation, kind: str) -> None:
    if operation.is_form and kind.endswith("urlencoded"):
        return
    response = await send(ann, operation, headers={"Content-Type": kind, **ann.bearer()}, data=b"{}")
    assert await problem(response) == (415, "unsupported_media_type")


@each_with_a_body
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"nobody": 1}', b'{"email": "\xff"}', b"[" * 50_000, b"\xef\xbb\xbf{}"]
)
async def test_body_that_is_no_such_object_is_refused(ann: Person, operation: Operation, body: bytes) -> None:
    headers = {"Content-Type": "application/json", **ann.bearer()}
    assert await problem(await send(ann, operation, headers=headers, data=body)) == (400, "invalid_request")
    assert (await ann.me()).status == 200
