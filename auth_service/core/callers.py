"""Who calls: from where, with which browser, on which device; and how little of it is kept.

An address is personal data. What is kept of it, in the database and in the audit log, is its network: enough for an
owner to recognise a session and for an operator to see an attack. Only access lines hold the address itself, here and
in nginx: whoever runs the site decides how long those live.
"""

import hashlib
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import NewType

from auth_service.core.sessions import RefreshToken

DeviceToken = NewType("DeviceToken", bytes)
"""A browser's own secret of 128 bits, set after a good log-in."""
DeviceHash = NewType("DeviceHash", bytes)

DEVICE_BYTES = 16
MAX_USER_AGENT = 256

_IPV4_PREFIX, _IPV6_PREFIX = 24, 48


@dataclass(frozen=True, slots=True)
class Caller:
    """`address` as the proxies we trust give it, empty for the command line; `actor` is who acts where nobody did.

    `os_user` is the account of the machine that runs a command.
    `session` is the refresh token the browser brought along: another log-in in this browser ends that session.
    """

    address: str = ""
    user_agent: str = ""
    device: DeviceToken | None = field(default=None, repr=False)
    actor: str = ""
    session: RefreshToken | None = field(default=None, repr=False)
    os_user: str = ""

    @property
    def network(self) -> str:
        """The address without its last part, like 203.0.113.0/24; empty where there is none."""
        try:
            address = ip_address(self.address)
        except ValueError:
            return ""
        prefix = _IPV4_PREFIX if address.version == 4 else _IPV6_PREFIX  # noqa: PLR2004 -- of the Internet Protocol
        return str(ip_network((address, prefix), strict=False))


COMMAND_LINE = Caller(actor="command line")
SYSTEM = Caller(actor="system")


def shown_user_agent(text: str) -> str:
    """What a browser says of itself, safe to store and to show: printable, and not longer than it needs to be."""
    return "".join(letter for letter in text if letter.isprintable())[:MAX_USER_AGENT]


def device_hash(device: DeviceToken) -> DeviceHash:
    return DeviceHash(hashlib.sha256(device).digest())
