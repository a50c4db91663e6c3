"""The throttle's rules: which failures are free, how long the waits after them are, and who shares a bucket.

Decisions only. A device the user logged in on before has a bucket of its own, so that no stranger can lock him out of
it; it is not asked about its address either, which the stranger may share. Bucket names hold nothing in the clear: they
are keyed hashes, because addresses and e-mail addresses are few enough to be guessed from plain ones.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from auth_service.core.callers import Caller
from auth_service.core.users import UserId

FREE_FAILURES = 5
LONGEST_WAIT_SECONDS = 15 * 60
REMEMBERED_SECONDS = 24 * 60 * 60
"""After so long an account begins anew."""


class Limit(NamedTuple):
    most: int
    seconds: int


ADDRESS_FAILURES: Final = Limit(30, 5 * 60)
SUCCESSES: Final = Limit(60, 5 * 60)
"""Right passwords of an account: each costs a hash and leaves rows, which must not be anybody's for nothing."""
REGISTRATIONS: Final = Limit(100, 60 * 60)
"""Of an address, whatever became of them. An office behind one address signs up on one day."""
EDITS: Final = Limit(30, 60)
"""Of a user's own account: each goes to all gateways."""

_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Buckets:
    """Where an attempt counts; `address` is None if it does not count for one."""

    account: str
    successes: str
    """Of the account whichever device is used: only who knows the password fills it."""
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was admitted, to say later what became of it."""

    buckets: Buckets
    begins_wait: bool = False
    """Whether the next attempt has to wait because of it."""


def wait_after(failures: int) -> int:
    """Seconds between that failure in a row and the next attempt: 0 while they are free, then 1, 2, 4 and so on."""
    if failures < FREE_FAILURES:
        return 0
    doublings = min(failures - FREE_FAILURES, LONGEST_WAIT_SECONDS.bit_length())
    return min(1 << doublings, LONGEST_WAIT_SECONDS)


class BucketNames:
    """`key` is secret and the same in all instances; `trusted` are the networks of our own proxies."""

    def __init__(self, key: bytes, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._key = key
        self._trusted = trusted

    def of(self, account: str, caller: Caller, *, is_known_device: bool) -> Buckets:
        """`account` is the normalised address somebody typed, whether there is such an account or not."""
        successes = self._hash("successes", account)
        if is_known_device and caller.device is not None:
            return Buckets(self._hash("device", caller.device.hex(), account), successes)
        return Buckets(self._hash("account", account), successes, self.of_address(caller))

    def of_address(self, caller: Caller) -> str | None:
        """None for our own proxy's address, which would be everybody's, and where there is none."""
        return self._of_network("address", caller)

    def of_registrations(self, caller: Caller) -> str | None:
        """The same."""
        return self._of_network("registrations", caller)

    def of_edits(self, user: UserId) -> str:
        return self._hash("edits", user)

    def _of_network(self, what: str, caller: Caller) -> str | None:
        address = _address(caller.address)
        if address is None or any(address in network for network in self._trusted):
            return None
        # Whoever has one IPv6 address has the whole /64.
        network = address if address.version == 4 else ip_network((address, _IPV6_PREFIX), strict=False)  # noqa: PLR2004
        return self._hash(what, str(network))

    def _hash(self, *parts: str) -> str:
        return hmac.digest(self._key, "\n".join(parts).encode(), hashlib.sha256).hex()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # An IPv4 client of a socket for both kinds must not get a /64 with all others of its kind.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
