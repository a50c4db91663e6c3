"""What the actions need from the world. Each port says enough to write an adapter from.

The store's transactions are atomic: all or nothing. A subject noted for the changes feed gets its number as the last
thing before the commit, so that a reader's cursor never passes a late committer.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from auth_service.core.changes import ChangesPage
from auth_service.core.sessions import Exchange, Presented, SessionId, TokenHash
from auth_service.core.users import User, UserId
from shared.tokens import KeySet


@dataclass(frozen=True, slots=True)
class Randomness:
    """Where ids and secrets come from."""

    token_bytes: Callable[[int], bytes]
    new_id: Callable[[], str]
    """A UUIDv7 as text."""


class Users(Protocol):
    async def add(self, user: User) -> None:
        """Raises Conflict email_taken; nothing else of the transaction may be kept then."""

    async def find_by_email(self, email: str) -> User | None:
        """`email` is normalised already."""

    async def of_session(self, session: SessionId) -> User | None:
        """The user of a session that is not over."""

    async def update(self, user: UserId, change: Callable[[User], User]) -> User | None:
        """Reads the user locked, applies the change, writes name, picture and profile; None without such a user."""

    async def set_password(self, user: UserId, old_hash: str, new_hash: str) -> bool:
        """Replaces the hash if it is still the old one."""


class Sessions(Protocol):
    async def open(self, session: SessionId, user: UserId, token: TokenHash) -> None: ...

    async def find(self, token: TokenHash) -> Presented | None:
        """The token with its session and user, and the database's time."""

    async def rotate(self, token: TokenHash, exchange: Exchange) -> bool:
        """Exchanges a token nobody exchanged or killed yet; of any number of callers at once one gets True."""

    async def replace(self, token: TokenHash, old_salt: bytes, exchange: Exchange) -> bool:
        """Exchanges it anew, killing its unused successor; False if that was used, or somebody replaced it first."""

    async def end(self, session: SessionId) -> bool:
        """Ends it and notes the revocation in the changes feed; False if it was over."""


class Transaction(Protocol):
    @property
    def users(self) -> Users: ...

    @property
    def sessions(self) -> Sessions: ...

    def note_user(self, user: UserId) -> None:
        """The gateways will hear of this user's new state."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end of the block, rolls back if it raises. Raises Unavailable."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """For reads only: waits for no writer. Raises Unavailable."""


class Passwords(Protocol):
    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many are waiting."""

    async def verify(self, stored: str | None, password: str) -> bool:
        """With None the answer is no, at the same cost. Raises Unavailable when too many are waiting."""

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other costs than now."""


class ChangesFeed(Protocol):
    async def changes_after(self, cursor: int) -> ChangesPage:
        """What happened after the cursor, a bounded page. Raises Unavailable."""


class SigningKeys(Protocol):
    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as an access token, signed by the current key."""

    @property
    def public_keys(self) -> KeySet:
        """What verifies the tokens of all keys that are not retired."""

    def jwks(self) -> bytes:
        """The same, as the document verifiers fetch."""
