"""How much recovery an instance promises at once: a bound on the bytes of missed entries on their way to clients.

A storm of reconnects would otherwise read the whole log into memory for clients that are slow to take it. Beyond the
bound a client is told `recovered: false` and pages; that is never a silent hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chat_gateway.realtime.session import Session


class Recoveries:
    def __init__(self, *, each_bytes: int, instance_bytes: int) -> None:
        self._each = each_bytes
        self._left = instance_bytes

    def reserve(self, session: Session) -> bool:
        """Set aside what one recovery may need; False where the instance has promised enough already."""
        if self._left < self._each:
            return False
        self._left -= self._each
        session.reserved += self._each
        return True

    def cancel(self, session: Session) -> None:
        """Give back one reservation that was not needed."""
        back = min(self._each, session.reserved)
        self._left += back
        session.reserved -= back

    def written(self, session: Session) -> None:
        """Give back what was set aside, once the session's bytes are with the kernel or the session is over."""
        self._left += session.reserved
        session.reserved = 0
