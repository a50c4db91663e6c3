"""What the throttle believes of a request that came through the real front: where nginx saw it come from.

On this machine every address of 127.0.0.0/8 is one's own: the front is 127.0.0.1 here, strangers are the others.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from socket import AF_INET

import aiohttp
import pytest

from auth_service.settings import AuthSettings
from deploy.front import find_nginx, local_values, write_configuration
from deploy.ports import Ports
from tests.faults import free_port
from tests.integration.auth_service.person import Client
from tests.processes import end


@pytest.fixture
def settings(settings: AuthSettings) -> AuthSettings:
    return settings.model_copy(update={"trusted_proxies": (ip_network("127.0.0.1/32"),)})


@pytest.fixture
async def front(client: Client, tmp_path: Path) -> AsyncIterator[str]:
    """The front's address, before the service."""
    folder, port = tmp_path / "front", free_port()
    (folder / "client").mkdir(parents=True)
    values = local_values(Ports(port), ("127.0.0.1",), folder / "client")
    write_configuration(folder, values | {"AUTH_SERVERS": f"server 127.0.0.1:{client.port} max_fails=0;"})
    process = started(folder)
    try:
        while not await _is_open(port):
            assert process.poll() is None, (folder / "log").read_text()
        yield f"http://localhost:{port}"
    finally:
        end(process)


def started(folder: Path) -> subprocess.Popen[bytes]:
    command = [find_nginx(), "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


async def _is_open(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


async def guess(front: str, source: str, count: int) -> list[int]:
    """Statuses of so many guesses at different accounts from one address, which forges another one each time."""
    statuses = []
    connector = aiohttp.TCPConnector(local_addr=(source, 0), family=AF_INET)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        for n in range(count):
            headers = {"X-Forwarded-For": f"203.0.113.{n}, 127.0.0.1", "Forwarded": f"for=203.0.113.{n}"}
            body = {"email": f"{source}-{n}@example.org", "password": "wrong"}
            async with session.post(f"{front}/auth/login", json=body, headers=headers) as response:
                statuses.append(response.status)
    return statuses


async def test_forged_addresses_do_not_help_through_the_front(front: str) -> None:
    assert await guess(front, "127.0.0.2", 34) == [401] * 30 + [429] * 4
    assert await guess(front, "127.0.0.3", 1) == [401]


async def test_what_comes_from_the_front_itself_is_not_everybodys_fault(front: str) -> None:
    assert await guess(front, "127.0.0.1", 34) == [401] * 34
