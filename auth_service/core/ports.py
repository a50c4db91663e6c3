"""What the actions need from the world. Each port says enough to write an adapter from.

The store's transactions are atomic: all or nothing. A subject noted for the changes feed gets its number as the last
thing before the commit, so that a reader's cursor never passes a late committer.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from auth_service.core.audit import EVERYTHING, Record, Recorded, Wanted
from auth_service.core.callers import Caller, DeviceHash
from auth_service.core.changes import ChangesPage
from auth_service.core.keys import KeyRow
from auth_service.core.links import Link, LinkHash, LinkKind
from auth_service.core.sessions import Exchange, Line, Presented, Session, SessionId, TokenHash
from auth_service.core.throttle import Attempt
from auth_service.core.users import Account, Role, User, UserId
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

    async def find(self, user: UserId) -> User | None: ...

    async def of_session(self, session: SessionId) -> User | None:
        """The user of a session that is not over; None for a disabled user too."""

    async def lock(self, user: UserId) -> User | None:
        """The user as he is now; nobody else changes him before the transaction ends."""

    async def administrators(self) -> list[UserId]:
        """Those who are not disabled, locked as one: to be asked before any other lock is taken."""

    async def page(self, after: str, limit: int) -> list[Account]:
        """Accounts in the order of their addresses, those after `after`."""

    async def account(self, user: UserId) -> Account | None:
        """One of them."""

    async def any(self) -> bool: ...

    async def update(self, user: UserId, change: Callable[[User], User]) -> User | None:
        """Reads the user locked, applies the change, writes name, picture and profile; None without such a user."""

    async def set_password(self, user: UserId, old_hash: str | None, new_hash: str) -> bool:
        """Replaces the hash if it is still the old one; with None whichever it is."""

    async def set_role(self, user: UserId, role: Role) -> bool: ...

    async def set_disabled(self, user: UserId, *, disabled: bool) -> bool: ...

    async def remove(self, user: UserId) -> bool:
        """Deletes the user with sessions, devices and links; the caller notes it for the feed."""


class Sessions(Protocol):
    async def open(self, session: SessionId, user: UserId, token: TokenHash, caller: Caller) -> None: ...

    async def of_user(self, user: UserId) -> list[Session]:
        """Those that are not over, the latest used first."""

    async def end_all(self, user: UserId, *, but: SessionId | None = None) -> list[SessionId]:
        """Ends those of the user that are not over, except one; notes each in the changes feed."""

    async def end_beyond(self, user: UserId, kept: int) -> list[SessionId]:
        """The same for all but so many that were used last."""

    async def prune_tokens(self, limit: int) -> int:
        """Deletes at most so many tokens that no honest client can hold any more; answers how many.

        Those of sessions that are over, and those exchanged longer than the idle life ago whose successor was used. A
        browser dropped such a one already, so nobody is missed who could report a theft by it. Whoever presents it
        then is refused as a stranger is; it no longer ends the session.
        """

    async def prune(self, limit: int) -> int:
        """Deletes at most so many sessions that nobody can use any more, with their tokens; answers how many."""

    async def find(self, token: TokenHash) -> Presented | None:
        """The token with its session and user, and the database's time."""

    async def line(self, session: SessionId) -> Line:
        """What its tokens were exchanged for within the grace."""

    async def rotate(self, token: TokenHash, exchange: Exchange) -> bool:
        """Exchanges a token nobody exchanged or killed yet; of any number of callers at once one gets True.

        False as well once the session has ended, even if it did so a moment ago.
        """

    async def replace(self, token: TokenHash, old_salt: bytes, exchange: Exchange) -> bool:
        """Exchanges it anew, killing its unused successor; False if that was used, or somebody replaced it first."""

    async def end(self, session: SessionId, *, of: UserId | None = None) -> bool:
        """Ends it and notes the revocation in the changes feed; False if it was over, or is not that user's."""


class Devices(Protocol):
    async def count(self, user: UserId) -> int:
        """How many the user is known on."""

    async def suits(self, device: DeviceHash, user: UserId) -> bool:
        """Whether nobody else logged in on it, or the user did as well."""

    async def forget(self, user: UserId, *, but: DeviceHash | None = None) -> None:
        """The user is known on none of them any more, except one."""

    async def add(self, device: DeviceHash, user: UserId) -> None:
        """The user logged in on the device now. Of too many the one that was used longest ago is forgotten."""

    async def knows(self, device: DeviceHash, user: UserId) -> bool:
        """Whether the user logged in on it within a year."""


class Links(Protocol):
    async def add(self, token: LinkHash, link: Link) -> datetime:
        """Answers when the link ends. A new set-up link replaces the one there is."""

    async def find(self, token: LinkHash, kind: LinkKind) -> Link | None:
        """The link, if it is of the kind and may still be used."""

    async def take(self, token: LinkHash, kind: LinkKind) -> Link | None:
        """The same, and it is used up: of any number of callers at once one gets it."""

    async def remove(self, kind: LinkKind, user: UserId | None) -> int:
        """Deletes those of the kind and the user, so that an older link ends with a newer one; None for nobody's."""


class Audit(Protocol):
    async def add(self, *records: Record) -> None:
        """Writes them with the transaction, and into the log of the service after the commit."""

    async def prune(self, older: timedelta, limit: int) -> int:
        """Deletes at most so many records that are older than that; answers how many. The newest one always stays."""

    async def page(self, wanted: Wanted = EVERYTHING, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """The wanted records with a number above `after`, the oldest first."""


class Keys(Protocol):
    async def lock(self) -> None:
        """Until the end of the transaction nobody else changes keys; call it before reading what the change is from."""

    async def all(self) -> tuple[KeyRow, ...]:
        """Every signing key, the oldest first."""

    async def all_now(self) -> tuple[tuple[KeyRow, ...], datetime | None]:
        """The same with the database's time, in one look; None where there are no keys."""

    async def add(self, key: KeyRow) -> None:
        """Of a generation that there is no key of."""

    async def replace_wrapping(self, key: KeyRow) -> None:
        """Writes the private key anew, encrypted otherwise."""

    async def remove(self, key_id: str) -> None: ...

    async def note(self) -> None:
        """The gateways will fetch the key set at once, and drop what is missing from it."""


class Transaction(Protocol):
    @property
    def users(self) -> Users: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def links(self) -> Links: ...

    @property
    def audit(self) -> Audit: ...

    @property
    def keys(self) -> Keys: ...

    async def now(self) -> datetime:
        """The database's clock, which all instances share."""

    def note_user(self, user: UserId) -> None:
        """The gateways will hear of this user's new state."""


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end of the block, rolls back if it raises. Raises Unavailable."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """For reads only: waits for no writer. Raises Unavailable."""

    def looking(self) -> AbstractAsyncContextManager[Transaction]:
        """For one read only, which is all that it costs: two would not be of one moment. Raises Unavailable."""


class Passwords(Protocol):
    async def hash(self, password: str) -> str:
        """Raises Unavailable when too many are waiting."""

    async def verify(self, stored: str | None, password: str) -> bool:
        """With None the answer is no, at the same cost. Raises Unavailable when too many are waiting."""

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other costs than now."""

    def is_common(self, password: str) -> bool:
        """Whether it is among those that are tried first; `password` as core.passwords compares it."""


class Throttle(Protocol):
    async def admit(self, account: str, caller: Caller, *, is_known_device: bool) -> Attempt:
        """Counts an attempt before its password is looked at.

        Raises RateLimited with the seconds to wait, Unavailable when too many are waiting.
        """

    async def succeed(self, attempt: Attempt) -> None:
        """It was good: what it counted as a failure is taken back, and the account's failures are forgotten."""

    async def withdraw(self, attempt: Attempt) -> None:
        """Its password was not looked at: what it counted is taken back, and nothing else."""

    async def admit_address(self, caller: Caller) -> None:
        """The same for what names no account, like the token of a link. Raises as `admit` does."""

    async def succeed_address(self, caller: Caller) -> None:
        """What it named is there: what it counted is taken back."""

    async def admit_registration(self, caller: Caller) -> None:
        """Counts an attempt to register, and never takes it back. Raises as `admit` does."""

    async def admit_edit(self, user: UserId) -> None:
        """Counts a change of the user's own account. Raises as `admit` does."""


class ChangesFeed(Protocol):
    async def changes_after(self, cursor: int) -> ChangesPage:
        """What happened after the cursor, a bounded page. Raises Unavailable."""


class KeyVault(Protocol):
    """Makes signing keys, and keeps their private halves encrypted by the settings' first key."""

    def new_key(self, generation: int, signs_from: datetime) -> KeyRow: ...

    def open(self, key: KeyRow) -> bytes:
        """The private half in the clear. Raises UnreadableKey if the settings cannot decrypt it."""

    def rewrapped(self, key: KeyRow) -> KeyRow | None:
        """The row encrypted by the first key, None if it is. Raises UnreadableKey."""


class SigningKeys(Protocol):
    async def refresh(self) -> None:
        """Reads the keys as they are now; call it before signing or publishing. Raises Unavailable."""

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as an access token, by the key that signs now."""

    @property
    def public_keys(self) -> KeySet:
        """What verifies the tokens of all keys that are not retired."""

    def jwks(self) -> bytes:
        """The same, as the document verifiers fetch."""
