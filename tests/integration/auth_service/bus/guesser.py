"""Somebody who tries passwords at one instance of auth, past everything but the throttle."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from auth_service.bus.throttle import RedisThrottle
from auth_service.core.callers import Caller, DeviceToken
from shared.errors import RateLimited

ADDRESS = "198.51.100.7"
PHONE = DeviceToken(b"p" * 16)

Make: TypeAlias = Callable[..., Awaitable["Guesser"]]


class Clock:
    """Stands until a test moves it; what Redis counts goes by Redis's own."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Guesser:
    """Tries passwords at one instance of auth; an attempt that is admitted fails unless it is said to be right."""

    def __init__(self, throttle: RedisThrottle, clock: Clock) -> None:
        self.throttle, self.clock = throttle, clock
        self.account = "ann@example.org"
        self.first_wait = 1.0

    async def guess(
        self, account: str = "", address: str = "192.0.2.1", *, is_right: bool = False, is_known_device: bool = False
    ) -> float:
        """The seconds to wait; 0 where the password was looked at."""
        account, caller = account or self.account, Caller(address, device=PHONE)
        try:
            attempt = await self.throttle.admit(account, caller, is_known_device=is_known_device)
        except RateLimited as refused:
            return refused.retry_after or 0
        if is_right:
            await self.throttle.succeed(attempt)
        return 0

    async def use_up(self, count: int, account: str = "", *, is_known_device: bool = False) -> None:
        waits = [await self.guess(account, is_known_device=is_known_device) for _ in range(count)]
        assert waits == [0] * count


async def patient(guesser: Guesser) -> Guesser:
    """As if Ann had waited before, so that her next wait is 32 s: Redis's clock goes on while this machine is busy."""
    for is_known_device in (True, False):
        names = guesser.throttle._names
        account = names.of(guesser.account, Caller(device=PHONE), is_known_device=is_known_device).account
        await guesser.throttle._shared.add(f"{account}:waits", seconds=60, amount=5)
    guesser.first_wait = 32.0
    return guesser
