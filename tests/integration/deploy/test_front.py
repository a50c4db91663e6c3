"""The nginx template: valid in both of its forms, and a front that routes, guards and hides as promised."""

import asyncio
import io
import json
import subprocess
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import pytest

from deploy.front import NGINX, find_nginx, local_values, write_configuration
from deploy.ports import Ports
from tests.integration.deploy.conftest import Front

CONTAINERS = MappingProxyType(
    {
        "PUBLIC_URL": "https://chat.example.org",
        "LISTEN": "listen 8080;",
        "AUTH_SERVERS": "server auth_service:8000 resolve max_fails=0;",
        "GATEWAY_SERVERS": "server chat_gateway:8000 resolve max_fails=0;",
        "REAL_IP_FROM": "set_real_ip_from 172.30.238.129/32; set_real_ip_from ::1/128;",
        "NGINX_LOCAL_RESOLVERS": "127.0.0.11",
    }
)
FORGED = "203.0.113.66"


async def get(front: Front, http: aiohttp.ClientSession, path: str, **headers: str) -> Any:
    async with http.get(front.base + path, headers=headers) as answer:
        assert answer.status == 200
        return await answer.json()


@pytest.mark.parametrize("values", [{}, CONTAINERS], ids=["make run", "containers"])
def test_nginx_accepts_the_configuration(tmp_path: Path, values: dict[str, str]) -> None:
    write_configuration(tmp_path, local_values(Ports(18080), ("127.0.0.1", "::1"), tmp_path) | values)
    assert "${" not in (tmp_path / "conf.d" / "parley.conf").read_text()
    command = [find_nginx(), "-t", "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_the_image_turns_trusted_proxies_into_lines_and_nothing_else_into_any() -> None:
    command = [str(NGINX / "front.sh"), "sh", "-c", 'printf %s "$REAL_IP_FROM"']
    environment = {"PATH": "/usr/bin:/bin", "TRUSTED_PROXIES": "10.0.0.0/8, ::1/128,; return 200 planted,"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["set_real_ip_from 10.0.0.0/8;", "set_real_ip_from ::1/128;"]


async def test_the_client_is_served_with_its_page_for_every_path(front: Front, http: aiohttp.ClientSession) -> None:
    for path in ("/", "/rooms/lobby?x=1", "/login"):
        async with http.get(front.base + path) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
            assert answer.content_type == "text/html"


async def test_named_assets_are_kept_for_good_and_missing_ones_are_missing(
    front: Front, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{front.base}/assets/app-1a2b.js") as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.content_type == "text/javascript"
    async with http.get(f"{front.base}/assets/app-old.js") as answer:
        assert (answer.status, answer.headers.get("Cache-Control")) == (404, None)


@pytest.mark.parametrize(
    "path", ["/robots.txt", "/nonexistent.js", "/rooms/app.js", "/.env", "/.git/config", "/index.html.bak", "/x."]
)
async def test_what_has_a_files_name_and_is_none_is_missing(
    front: Front, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(front.base + path) as answer:
        assert answer.status == 404
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_beside_the_page_is_served_under_its_name(front: Front, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{front.base}/favicon.svg") as answer:
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")
        assert answer.headers["Cache-Control"] == "no-cache"


SAID_ONCE = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Cross-Origin-Opener-Policy",
    "Referrer-Policy",
)


@pytest.mark.parametrize("path", ["/", "/login", "/assets/app-old.js", "/internal", "/connection/http_stream"])
async def test_every_answer_has_the_security_headers_of_a_page_where_no_service_says_otherwise(
    front: Front, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(front.base + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'; " in policy
        assert "frame-ancestors 'none'" in policy
        assert f"connect-src 'self' ws://localhost:{front.port};" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert [len(answer.headers.getall(name)) for name in SAID_ONCE] == [1, 1, 1, 1]
        assert "Strict-Transport-Security" not in answer.headers
        assert answer.headers["Server"] == "nginx"


@pytest.mark.parametrize("path", ["/auth/me", "/.well-known/jwks.json", "/api/v1/rooms", "/auth/a.b"])
async def test_what_a_service_says_of_its_answer_is_handed_on_and_not_said_twice(
    front: Front, http: aiohttp.ClientSession, path: str
) -> None:
    said = {name: f"of the service: {name}" for name in SAID_ONCE}
    front.auth.says = said
    for gateway in front.gateways:
        gateway.says = said
    async with http.get(front.base + path) as answer:
        for name, value in said.items():
            assert answer.headers.getall(name) == [value]


async def test_refusal_of_the_front_itself_has_the_security_headers(front: Front, http: aiohttp.ClientSession) -> None:
    await front.auth.stop()
    big = io.BytesIO(b"x" * 2_000_000)
    for path, data, status in (("/auth/me", None, 503), ("/auth/login", big, 413)):
        async with http.post(front.base + path, data=data) as answer:
            assert answer.status == status
            assert [len(answer.headers.getall(name)) for name in SAID_ONCE] == [1, 1, 1, 1]


async def test_https_is_promised_for_a_year_where_the_public_url_has_it(
    stopped_front: Front, http: aiohttp.ClientSession
) -> None:
    await stopped_front.start(MappingProxyType({"PUBLIC_URL": "https://chat.example.org"}))
    for path in ("/", "/auth/me", "/internal"):
        async with http.get(stopped_front.base + path) as answer:
            assert answer.headers.getall("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]
            assert "wss://chat.example.org;" in answer.headers["Content-Security-Policy"]


async def test_auth_gets_cookies_and_the_gateways_get_none(front: Front, http: aiohttp.ClientSession) -> None:
    assert (await get(front, http, "/auth/me", Cookie="refresh=secret"))["headers"]["cookie"] == "refresh=secret"
    for path in ("/api/v1/rooms", "/connection/http_stream", "/connection//auth/x"):
        seen = await get(front, http, path, Cookie="refresh=secret")
        assert seen["from"].startswith("gateway")
        assert "cookie" not in seen["headers"]


async def test_keys_come_from_auth(front: Front, http: aiohttp.ClientSession) -> None:
    assert (await get(front, http, "/.well-known/jwks.json"))["from"] == "auth"


@pytest.mark.parametrize(
    "path", ["/internal/changes?after=0", "/internal", "/auth/../internal/changes", "/metrics", "/readyz", "/livez"]
)
async def test_the_inside_is_not_to_be_seen(front: Front, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    with closing(writer):
        # a client library would mend the dots before it asks
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{front.port}\r\n\r\n".encode())
        assert await reader.readline() == b"HTTP/1.1 404 Not Found\r\n"
    assert front.auth.requests + sum(gateway.requests for gateway in front.gateways) == 0


async def test_a_forged_forwarded_address_is_not_believed(front: Front, http: aiohttp.ClientSession) -> None:
    seen = await get(front, http, "/auth/me", **{"X-Forwarded-For": FORGED, "X-Forwarded-Proto": "https"})
    assert seen["headers"]["x-forwarded-for"] == "127.0.0.1"
    assert seen["headers"]["x-forwarded-proto"] == "http"


async def test_a_trusted_proxy_names_the_client(stopped_front: Front, http: aiohttp.ClientSession) -> None:
    await stopped_front.start(MappingProxyType({"REAL_IP_FROM": "set_real_ip_from 127.0.0.1/32;"}))
    seen = await get(stopped_front, http, "/auth/me", **{"X-Forwarded-For": f"{FORGED}, 198.51.100.7"})
    assert seen["headers"]["x-forwarded-for"] == "198.51.100.7"


async def test_the_front_names_every_request_itself(front: Front, http: aiohttp.ClientSession) -> None:
    seen = await get(front, http, "/auth/me", **{"X-Request-Id": "planted"})
    assert len(seen["headers"]["x-request-id"]) == 32


async def test_nine_megabytes_are_refused_with_a_problem_document(front: Front, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{front.base}/auth/login", data=io.BytesIO(b"x" * 9_000_000)) as answer:
        assert (answer.status, answer.content_type) == (413, "application/problem+json")
        assert (await answer.json())["code"] == "body_too_large"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert front.auth.requests == 0


@pytest.mark.parametrize("name", ["127.0.0.1", "[::1]"])
async def test_other_names_of_this_machine_lead_to_the_public_one(
    front: Front, http: aiohttp.ClientSession, name: str
) -> None:
    address, headers = f"http://127.0.0.1:{front.port}/auth/me?a=b", {"Host": f"{name}:{front.port}"}
    async with http.post(address, headers=headers, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (307, f"{front.base}/auth/me?a=b")
    assert front.auth.requests == 0


@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("http://localhost:8080", "evil.example"),
        ("http://localhost:8080", "localhost.evil.example"),
        ("https://chat.example.org", "chat.example.org.evil.example"),
        ("https://chat.example.org", "chat-example.org"),
        ("https://chat.example.org", "127.0.0.1.evil.example"),
        ("https://[2001:db8::7]", "evil.example"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/auth/me"])
async def test_a_foreign_name_is_sent_away(
    stopped_front: Front, http: aiohttp.ClientSession, public: str, name: str, path: str
) -> None:
    await stopped_front.start(MappingProxyType({"PUBLIC_URL": public}))
    async with http.get(f"http://127.0.0.1:{stopped_front.port}{path}", headers={"Host": name}) as answer:
        assert (answer.status, answer.content_type) == (421, "application/problem+json")
        problem = await answer.json()
    assert (problem["status"], problem["code"]) == (421, "misdirected")
    assert stopped_front.auth.requests == 0


@pytest.mark.parametrize(
    ("public", "name"),
    [
        ("https://chat.example.org", "chat.example.org"),
        ("https://chat.example.org:8443", "CHAT.example.org:8443"),
        ("https://Chat.Example.org/", "chat.example.org."),
        ("https://chat.example.org", "127.0.0.1:8080"),
        ("https://chat.example.org", "localhost:8080"),
        ("https://chat.example.org", "10.0.3.7"),
        ("https://chat.example.org", "[2001:DB8::7]:8080"),
        ("https://[2001:db8::7]:8443", "[2001:db8::7]:8443"),
    ],
)
async def test_its_own_name_and_every_address_are_served(
    stopped_front: Front, http: aiohttp.ClientSession, public: str, name: str
) -> None:
    await stopped_front.start(MappingProxyType({"PUBLIC_URL": public}))
    async with http.get(f"http://127.0.0.1:{stopped_front.port}/", headers={"Host": name}) as answer:
        assert answer.status == 200


async def test_a_health_check_without_any_name_is_served(front: Front) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    with closing(writer):
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_a_websocket_passes_to_both_gateways_in_turn(front: Front, http: aiohttp.ClientSession) -> None:
    names = set()
    for _ in range(4):
        async with http.ws_connect(f"{front.base}/connection/websocket", headers={"Cookie": "a=b"}) as socket:
            names.add(await socket.receive_str())
    assert names == {"gateway1", "gateway2"}


async def test_a_dead_gateway_is_passed_over(front: Front, http: aiohttp.ClientSession) -> None:
    await front.gateways[0].stop()
    assert [(await get(front, http, "/connection/x"))["from"] for _ in range(4)] == ["gateway2"] * 4


async def test_a_gateway_that_refuses_keeps_its_load_to_itself(front: Front, http: aiohttp.ClientSession) -> None:
    for gateway in front.gateways:
        gateway.refuses = True
    async with http.get(f"{front.base}/connection/websocket") as answer:
        assert answer.status == 503
        assert answer.headers.getall("Retry-After") == ["7"]
    assert sum(gateway.requests for gateway in front.gateways) == 1


async def test_a_service_that_is_away_is_a_problem_document_that_says_when(
    front: Front, http: aiohttp.ClientSession
) -> None:
    await front.auth.stop()
    async with http.post(f"{front.base}/auth/token") as answer:
        assert (answer.status, answer.content_type) == (503, "application/problem+json")
        assert (await answer.json())["code"] == "service_unavailable"
        assert answer.headers.getall("Retry-After") == ["1"]


async def test_the_log_has_no_query_string_and_no_cookie(front: Front, http: aiohttp.ClientSession) -> None:
    await get(front, http, "/auth/me?token=secret", Cookie="refresh=secret", Referer="http://x/?secret")
    await front.auth.stop()
    async with http.get(f"{front.base}/auth/me?token=secret") as answer:
        assert answer.status == 503
    async with http.get(f"{front.base}/rooms/lobby?token=secret"):
        front.stop()
    lines = [json.loads(line) for line in front.log().splitlines()]
    assert [line["path"] for line in lines] == ["/auth/me", "/auth/me", "/rooms/lobby"]
    assert "secret" not in front.log()
