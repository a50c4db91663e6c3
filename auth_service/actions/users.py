"""What an administrator does with other people's accounts, on the command line.

Nobody takes the last administrator from the site. Whoever is disabled or loses a right has no session left that was
opened with it, and no invitation is good that he made; the gateways hear of it with the commit.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from auth_service.actions import accounts, sessions
from auth_service.core import errors
from auth_service.core.audit import Event, Recorded, Wanted, record
from auth_service.core.auth import Auth
from auth_service.core.links import LinkKind
from auth_service.core.ports import Store, Transaction
from auth_service.core.sessions import Session
from auth_service.core.users import Account, Role, User, UserId, normalised_email

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that auth knows of one person."""

    account: Account
    sessions: list[Session]
    devices: int
    audit: list[Recorded]


async def find(store: Store, named: str) -> User:
    """The user of an address, or else of an id. Raises NotFound."""
    async with store.reading() as tx:
        user = await tx.users.find_by_email(normalised_email(named)) or await tx.users.find(UserId(named))
    if user is None:
        raise errors.user_not_found()
    return user


async def everybody(store: Store) -> AsyncIterator[Account]:
    """All accounts in the order of their addresses, read in pages."""
    after = ""
    while True:
        async with store.reading() as tx:
            page = await tx.users.page(after, _PAGE)
        for account in page:
            yield account
        if len(page) < _PAGE:
            return
        after = page[-1].user.email


async def disable(auth: Auth, user: UserId) -> None:
    """Nobody logs in there: all sessions end, his links are void, his devices forgotten.

    Raises NotFound, Conflict last_administrator.
    """
    async with auth.store.transaction() as tx:
        await _keep_an_administrator(tx, user)
        if not await tx.users.set_disabled(user, disabled=True):
            raise errors.user_not_found()
        await sessions.end_all(tx, auth.operator, user, why="account disabled")
        for kind in (LinkKind.INVITATION, LinkKind.RESET):
            await tx.links.remove(kind, user)
        await tx.devices.forget(user)
        tx.note_user(user)
        await tx.audit.add(record(Event.USER_DISABLED, user, auth.operator))


async def enable(auth: Auth, user: UserId) -> None:
    """The user may log in again. Raises NotFound."""
    async with auth.store.transaction() as tx:
        if not await tx.users.set_disabled(user, disabled=False):
            raise errors.user_not_found()
        tx.note_user(user)
        await tx.audit.add(record(Event.USER_ENABLED, user, auth.operator))


async def set_role(auth: Auth, user: UserId, role: Role) -> None:
    """The user has the role. Who was administrator logs in again: an older token would name the right still.

    Raises NotFound, Conflict last_administrator.
    """
    async with auth.store.transaction() as tx:
        if role != "administrator":
            await _keep_an_administrator(tx, user)
        before = await tx.users.lock(user)
        if before is None:
            raise errors.user_not_found()
        if role == "administrator":
            await tx.links.remove(LinkKind.SETUP, None)
        await tx.users.set_role(user, role)
        if before.role != role and before.role == "administrator":
            await sessions.end_all(tx, auth.operator, user, why="role")
            await tx.links.remove(LinkKind.INVITATION, user)
        await tx.audit.add(record(Event.USER_ROLE_SET, user, auth.operator, role=role))


async def log_out(auth: Auth, user: UserId) -> None:
    """All sessions of the user end. Raises NotFound."""
    async with auth.store.transaction() as tx:
        if await tx.users.lock(user) is None:
            raise errors.user_not_found()
        await sessions.end_all(tx, auth.operator, user, why="command")


async def log_out_everybody(auth: Auth) -> None:
    """All sessions of the site end, one person after the other. Who ends this half-way may do it again."""
    async for account in everybody(auth.store):
        async with auth.store.transaction() as tx:
            await tx.users.lock(account.user.id)
            await sessions.end_all(tx, auth.operator, account.user.id, why="command")


async def delete(auth: Auth, user: UserId) -> None:
    """The account is gone with all that belongs to it. Raises NotFound, Conflict last_administrator."""
    async with auth.store.transaction() as tx:
        if not await accounts.remove(tx, auth.operator, user):
            raise errors.user_not_found()


async def show(store: Store, user: UserId) -> Dossier:
    """What auth knows of the user, without the audit log. Raises NotFound."""
    async with store.reading() as tx:
        return await _dossier(tx, user)


async def export(auth: Auth, user: UserId) -> Dossier:
    """The same with the audit log, in which this export is the last record. Raises NotFound."""
    async with auth.store.transaction() as tx:
        await tx.audit.add(record(Event.USER_EXPORTED, user, auth.operator))
        dossier = await _dossier(tx, user)
        after = 0
        while page := await tx.audit.page(Wanted(user=user), after=after, limit=_PAGE):
            dossier.audit.extend(page)
            after = page[-1].n
        return dossier


async def audit(store: Store, wanted: Wanted) -> AsyncIterator[Recorded]:
    """The wanted records, the oldest first, read in pages: no transaction is open while somebody looks at them."""
    after = 0
    while True:
        async with store.reading() as tx:
            page = await tx.audit.page(wanted, after=after, limit=_PAGE)
        if not page:
            return
        for entry in page:
            yield entry
        after = page[-1].n


async def _dossier(tx: Transaction, user: UserId) -> Dossier:
    account = await tx.users.account(user)
    if account is None:
        raise errors.user_not_found()
    return Dossier(account, await tx.sessions.of_user(user), await tx.devices.count(user), [])


async def _keep_an_administrator(tx: Transaction, user: UserId) -> None:
    """Whoever does this at the same moment waits for the end of the transaction. Raises Conflict."""
    if await tx.users.administrators() == [user]:
        raise errors.last_administrator()
