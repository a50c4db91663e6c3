"""What a person does with an account: register, look, change the profile, leave; and how the first accounts come to be.

Each function is one story and owns its transaction. Passwords are hashed before it begins: a transaction never waits
for Argon2.
"""

from auth_service.actions import links, passwords, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core import errors
from auth_service.core.audit import Event, Record, record
from auth_service.core.auth import Auth
from auth_service.core.callers import COMMAND_LINE, SYSTEM, Caller
from auth_service.core.links import LinkKind
from auth_service.core.ports import Transaction
from auth_service.core.sessions import SessionId
from auth_service.core.users import DEMO_USERS, Edit, Role, User, UserId, checked_email, checked_name, differs, edited
from shared.errors import Conflict


async def register(
    auth: Auth, caller: Caller, *, email: str, password: str, name: str, invitation: str | None = None
) -> LoggedIn:
    """A new account with its first session, by the invitation where one is needed or shown.

    Raises Forbidden, InvalidInput, Conflict, RateLimited, Unavailable; the invitation stays as it was then.
    """
    await links.check_invitation(auth, caller, invitation, email)
    user = await _new_user(auth, email=email, password=password, name=name, registrant=caller)
    async with auth.store.transaction() as tx:
        link = None if invitation is None else await links.take_invitation(tx, invitation, user.email)
        details = {} if link is None else {"link": link.kind, "inviter": link.user or COMMAND_LINE.actor}
        await _add(tx, user, record(Event.USER_REGISTERED, user.id, caller, **details))
        return await sessions.open_session(tx, auth.randomness, user, caller)


async def set_up(auth: Auth, caller: Caller, *, token: str, email: str, password: str, name: str) -> LoggedIn:
    """The first administrator of the site, by the set-up link. Raises as `register` does."""
    await links.check(auth, caller, token, LinkKind.SETUP)
    user = await _new_user(auth, email=email, password=password, name=name, role="administrator")
    async with auth.store.transaction() as tx:
        is_needed = not await tx.users.administrators()
        await links.take(tx, token, LinkKind.SETUP)
        if not is_needed:
            raise errors.link_invalid()
        await _add(tx, user, record(Event.USER_REGISTERED, user.id, caller, link=LinkKind.SETUP))
        return await sessions.open_session(tx, auth.randomness, user, caller)


async def create(auth: Auth, *, email: str, password: str, name: str, role: Role = "member") -> User:
    """A new account without a session, as an administrator makes it. Raises InvalidInput, Conflict, Unavailable."""
    user = await _new_user(auth, email=email, password=password, name=name, role=role)
    async with auth.store.transaction() as tx:
        await _add(tx, user, record(Event.USER_CREATED, user.id, auth.operator, role=role))
    return user


async def seed_demo(auth: Auth) -> None:
    """The demo accounts, each once; their passwords are known to everybody, so no policy is asked."""
    for email, name, role in DEMO_USERS:
        async with auth.store.reading() as tx:
            if await tx.users.find_by_email(email) is not None:
                continue
        password = await auth.passwords.hash(name)
        user = User(UserId(auth.randomness.new_id()), email, password, name, "", _demo_profile(role), role)
        try:
            async with auth.store.transaction() as tx:
                await _add(tx, user, record(Event.USER_CREATED, user.id, SYSTEM))
        except Conflict:  # another instance was faster
            continue


async def has_demo_users(auth: Auth) -> bool:
    """Whether a password that everybody knows is good here.

    The password tells, not the address: that one may be somebody's own on a site made before addresses were reserved.
    """
    for email, password, _ in DEMO_USERS:
        async with auth.store.reading() as tx:
            user = await tx.users.find_by_email(email)
        if user is not None and await auth.passwords.verify(user.password, password):
            return True
    return False


async def me(auth: Auth, session: SessionId) -> User:
    """The caller. Raises Unauthenticated if the session ended since the token was made."""
    async with auth.store.reading() as tx:
        return await sessions.owner(tx, session)


async def edit_me(auth: Auth, caller: Caller, session: SessionId, edit: Edit) -> User:
    """The caller after the edit; the gateways hear of it. An edit that changes nothing is not even counted.

    Raises InvalidInput, Unauthenticated, RateLimited, Unavailable.
    """
    user = await me(auth, session)
    if not differs(user, edited(user, edit)):
        return user
    await auth.throttle.admit_edit(user.id)
    async with auth.store.transaction() as tx:
        user = await sessions.owner(tx, session)
        changed = await tx.users.update(user.id, lambda current: edited(current, edit))
        if changed is None:  # deleted a moment ago
            raise errors.session_expired()
        tx.note_user(changed.id)
        await tx.audit.add(record(Event.USER_EDITED, changed.id, caller))
    return changed


async def delete_me(auth: Auth, caller: Caller, session: SessionId, *, password: str) -> None:
    """The caller's account is gone, with all that auth knows of him.

    Raises Unauthenticated, Forbidden wrong_password, Conflict last_administrator, RateLimited, Unavailable.
    """
    user = await me(auth, session)
    await sessions.confirm(auth, caller, user, password)
    async with auth.store.transaction() as tx:
        await sessions.owner(tx, session)
        if not await remove(tx, caller, user.id):
            raise errors.session_expired()


async def remove(tx: Transaction, caller: Caller, user: UserId) -> bool:
    """Deletes the account; False if there is none. Sockets close, and the gateways anonymise the author.

    Raises Conflict last_administrator.
    """
    if await tx.users.administrators() == [user]:
        raise errors.last_administrator()
    await tx.users.lock(user)
    # Before the row goes, or the gateways would never hear of these sessions and keep their sockets.
    await sessions.end_all(tx, caller, user, why="account deleted")
    if not await tx.users.remove(user):
        return False
    tx.note_user(user)
    await tx.audit.add(record(Event.USER_DELETED, user, caller))
    return True


def _demo_profile(role: Role) -> dict[str, str]:
    return {"role": role} if role == "administrator" else {}


async def _new_user(
    auth: Auth, *, email: str, password: str, name: str, role: Role = "member", registrant: Caller | None = None
) -> User:
    email, name = checked_email(email), checked_name(name)
    password = passwords.chosen(auth, password, email=email, name=name)
    if registrant is not None:
        # Not before: what somebody mistypes tells him nothing and costs us nothing.
        await auth.throttle.admit_registration(registrant)
    hashed = await auth.passwords.hash(password)
    return User(UserId(auth.randomness.new_id()), email, hashed, name, "", {}, role)


async def _add(tx: Transaction, user: User, entry: Record) -> None:
    if user.role == "administrator":
        # Printed where it was made, perhaps into a log that many read: nobody needs it any more.
        await tx.links.remove(LinkKind.SETUP, None)
    await tx.users.add(user)
    await tx.audit.add(entry)
    tx.note_user(user.id)
