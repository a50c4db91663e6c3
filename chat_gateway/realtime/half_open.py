"""Connections that say nothing: accepted, and a moment later still without a complete connect command.

Their number is bounded, an address and an instance. Above a bound the oldest goes, not the newest: a stranger who holds
many shares an address with honest people, and whoever sends the command at once never comes here at all.
"""

from collections import defaultdict
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from chat_gateway.protocol import codes
from chat_gateway.realtime.link import Link
from chat_gateway.realtime.refusals import Reason, refused


class Quiet(Protocol):
    link: Link

    def close(self, disconnect: codes.Disconnect) -> None:
        """Must lead to `HalfOpen.leave` before it returns."""


class HalfOpen:
    def __init__(self, *, per_address: int, in_all: int) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._by_address: defaultdict[str, dict[Quiet, None]] = defaultdict(dict)
        self._places: dict[Quiet, str] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, quiet: Quiet) -> None:
        """Count one more, and close the oldest of its address or of the instance where that is one too many."""
        network = network_of(quiet.link.address)
        self._places[quiet] = network
        self._by_address[network][quiet] = None
        if len(self._by_address[network]) > self._per_address:
            self._close_oldest(network, Reason.HALF_OPEN_OF_ADDRESS)
        elif len(self._places) > self._in_all:
            # the address with most of them: a single slow client of another pays for nobody
            worst = max(self._by_address, key=lambda one: len(self._by_address[one]))
            self._close_oldest(worst, Reason.HALF_OPEN)

    def leave(self, quiet: Quiet) -> None:
        """Forget one that has spoken, or has gone, or was never here."""
        network = self._places.pop(quiet, None)
        if network is not None:
            del self._by_address[network][quiet]
            if not self._by_address[network]:
                del self._by_address[network]

    def _close_oldest(self, network: str, reason: Reason) -> None:
        refused(reason)
        # a code to come back from: a slow but honest client is told apart by nothing
        next(iter(self._by_address[network])).close(codes.TOO_MANY_REQUESTS)


def network_of(address: str) -> str:
    """What one customer of a provider holds: an IPv4 address, or the /64 an IPv6 address is in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
