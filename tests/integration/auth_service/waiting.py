"""Lets time pass for what the throttle counts in Redis: its clock cannot be moved, so keys come nearer their end."""

from redis.asyncio import Redis, RedisCluster


async def let_pass(redis: "Redis | RedisCluster", seconds: float) -> None:
    for key in await redis.keys("parley:throttle:*"):
        left = await redis.pttl(key) - int(seconds * 1000)
        await (redis.pexpire(key, left) if left > 0 else redis.delete(key))
