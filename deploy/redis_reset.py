"""`make redis-reset`: removes what Parley keeps in Redis, and nothing that another program keeps there.

Safe while Parley runs: Redis is a doorbell, not a store, and all it holds is made again. A cluster is swept as a whole.
"""

import sys
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry

from deploy.checks import StartError
from shared.settings import SettingsBase, SettingsError

KEYS = "parley:*"
_ROUND = 500
_SECONDS = 5.0


class RedisSettings(SettingsBase):
    model_config = SettingsConfigDict(extra="ignore")

    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        pattern=r"^(redis|rediss|unix)://",
        description="the Redis or Valkey server, like redis://127.0.0.1:6379/0",
        repr=False,
    )


def reset(url: str) -> int:
    """Answers how many keys were there to remove. Raises RedisError, and ValueError for a URL that is none."""
    options = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS, "retry": Retry(NoBackoff(), 0)}
    with Redis.from_url(url, **options) as server:
        if not server.info("cluster").get("cluster_enabled"):
            return _sweep(server)
    with RedisCluster.from_url(url, **options) as cluster:
        return _sweep(cluster)


def _sweep(server: Redis | RedisCluster) -> int:
    keys = server.scan_iter(match=KEYS, count=_ROUND)
    return sum(server.unlink(*some) for some in _rounds(keys))


def _rounds(keys: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(islice(keys, _ROUND)):
        yield some


def main() -> int:
    try:
        print(_answer(RedisSettings.load(None, "redis").redis_url))
    except (StartError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _answer(url: str) -> str:
    parts = urlsplit(url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"  # without its password
    try:
        removed = reset(url)
    except (RedisError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise StartError(f"{place} could not be reset: {reason}. Check REDIS_URL.") from error
    return f"Removed {removed} {'key' if removed == 1 else 'keys'} of Parley from {place}."


if __name__ == "__main__":
    sys.exit(main())
