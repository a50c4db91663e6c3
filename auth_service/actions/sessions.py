"""What a person does with a session: log in, go on with it, look at all of them, end one or many.

Each function is one story and owns its transaction. Whoever calls with an access token calls in a session: every such
story asks whether it still lives, so a revoked one is good for nothing here from that moment on.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from auth_service.actions import rotation
from auth_service.core import errors
from auth_service.core.audit import Event, Record, record
from auth_service.core.auth import Auth
from auth_service.core.callers import DEVICE_BYTES, Caller, DeviceToken, device_hash
from auth_service.core.ports import Randomness, Transaction
from auth_service.core.sessions import MOST_SESSIONS, TOKEN_BYTES, RefreshToken, Session, SessionId, token_hash
from auth_service.core.users import User, UserId, normalised_email
from shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A user in a session, with the token that keeps it going; `device` where the browser is to remember one."""

    user: User
    session: SessionId
    refresh_token: RefreshToken
    device: DeviceToken | None = None


async def log_in(auth: Auth, caller: Caller, *, email: str, password: str) -> LoggedIn:
    """A new session. Raises Unauthenticated bad_credentials, the same and at the same cost whatever was wrong.

    Raises RateLimited before the password is looked at, Unavailable when too many are waiting.
    """
    email = normalised_email(email)
    while (user := await _verified(auth, caller, email, password, why="log-in")) is not None:
        new_hash = await _newer_hash(auth, user, password)
        async with auth.store.transaction() as tx:
            # Since the look at the password it may have been changed, or the account disabled: look again then.
            if await tx.users.lock(user.id) != user:
                continue
            if new_hash is not None:
                await tx.users.set_password(user.id, user.password, new_hash)
            logged_in = await open_session(tx, auth.randomness, user, caller)
            await tx.audit.add(record(Event.LOGIN_SUCCEEDED, user.id, caller, session=logged_in.session))
        return logged_in
    raise errors.bad_credentials()


async def confirm(auth: Auth, caller: Caller, user: User, password: str) -> None:
    """That it is he himself: asked once more for his password, as a log-in asks.

    Raises Forbidden wrong_password, RateLimited, Unavailable.
    """
    if await _verified(auth, caller, user.email, password, why="confirmation") is None:
        raise errors.wrong_password()


async def open_session(tx: Transaction, randomness: Randomness, user: User, caller: Caller) -> LoggedIn:
    """A session with its first token; the one the browser brought along ends, and of too many the least recently used.

    It is never gone on with: whoever put it there, perhaps an attacker, would share what comes next. So with the device
    of others. The caller has locked the user, or made him.
    """
    session = SessionId(randomness.new_id())
    token = RefreshToken(randomness.token_bytes(TOKEN_BYTES))
    device = caller.device
    if device is None or not await tx.devices.suits(device_hash(device), user.id):
        device = DeviceToken(randomness.token_bytes(DEVICE_BYTES))
    if caller.session is not None:
        await _end_of_token(tx, caller, caller.session, why="another log-in")
    ended = await tx.sessions.end_beyond(user.id, MOST_SESSIONS - 1)
    await tx.audit.add(*_ends(caller, user.id, ended, why="too many"))
    await tx.sessions.open(session, user.id, token_hash(token), caller)
    await tx.devices.add(device_hash(device), user.id)
    return LoggedIn(user, session, token, device)


async def refresh(auth: Auth, caller: Caller, token: RefreshToken) -> LoggedIn:
    """The session with the token's successor. Raises Unauthenticated session_expired, RateLimited; reuse ends it."""
    async with auth.store.transaction() as tx:
        rotated = await rotation.exchange(tx, auth.refresh_keys, auth.randomness, caller, token)
    # Raised after the commit: the end of a session that was reused must stay.
    if rotated is None:
        raise errors.session_expired()
    presented, following = rotated
    return LoggedIn(presented.user, presented.session, following)


async def owner(tx: Transaction, session: SessionId) -> User:
    """Whose session it is. Raises Unauthenticated session_expired if it is over, or the user is disabled or gone."""
    user = await tx.users.of_session(session)
    if user is None:
        raise errors.session_expired()
    return user


async def listed(auth: Auth, session: SessionId) -> list[Session]:
    """All sessions of the caller, the latest used first. Raises Unauthenticated."""
    async with auth.store.reading() as tx:
        user = await owner(tx, session)
        return await tx.sessions.of_user(user.id)


async def revoke(auth: Auth, caller: Caller, session: SessionId, which: SessionId) -> None:
    """Ends one session of the caller. Raises Unauthenticated, NotFound: another's and none at all are alike."""
    async with auth.store.transaction() as tx:
        user = await owner(tx, session)
        if not await tx.sessions.end(which, of=user.id):
            raise errors.session_not_found()
        await _record_end(tx, caller, user.id, which, why="revoked")


async def log_out_others(auth: Auth, caller: Caller, session: SessionId) -> None:
    """Ends all sessions of the caller but this one. Raises Unauthenticated."""
    async with auth.store.transaction() as tx:
        user = await owner(tx, session)
        await end_all(tx, caller, user.id, but=session, why="log-out of the others")


async def log_out_everywhere(auth: Auth, caller: Caller, session: SessionId) -> None:
    """Ends all sessions of the caller. Raises Unauthenticated."""
    async with auth.store.transaction() as tx:
        user = await owner(tx, session)
        await end_all(tx, caller, user.id, why="log-out everywhere")


async def log_out(auth: Auth, caller: Caller, token: RefreshToken) -> None:
    """Ends the token's session, whichever token of its line this is; an unknown token is as good as logged out."""
    async with auth.store.transaction() as tx:
        await _end_of_token(tx, caller, token, why="log-out")


async def log_out_session(auth: Auth, caller: Caller, session: SessionId) -> None:
    """Ends the session of an access token; one that is over is as good as logged out."""
    async with auth.store.transaction() as tx:
        user = await tx.users.of_session(session)
        if user is not None and await tx.sessions.end(session):
            await _record_end(tx, caller, user.id, session, why="log-out")


async def end_all(tx: Transaction, caller: Caller, user: UserId, *, why: str, but: SessionId | None = None) -> None:
    """Ends the user's sessions, all or all but one, each with its record."""
    await tx.audit.add(*_ends(caller, user, await tx.sessions.end_all(user, but=but), why=why))


async def _end_of_token(tx: Transaction, caller: Caller, token: RefreshToken, *, why: str) -> None:
    presented = await tx.sessions.find(token_hash(token))
    if presented is not None and await tx.sessions.end(presented.session):
        await _record_end(tx, caller, presented.user.id, presented.session, why=why)


async def _record_end(tx: Transaction, caller: Caller, user: UserId, session: SessionId, *, why: str) -> None:
    await tx.audit.add(*_ends(caller, user, [session], why=why))


def _ends(caller: Caller, user: UserId, ended: Sequence[SessionId], *, why: str) -> list[Record]:
    return [record(Event.SESSION_ENDED, user, caller, session=session, why=why) for session in ended]


async def _newer_hash(auth: Auth, user: User, password: str) -> str | None:
    """Where the one there is was made with other costs; it can wait for a log-in that finds the queue shorter."""
    if not auth.passwords.is_outdated(user.password):
        return None
    with suppress(Unavailable):
        return await auth.passwords.hash(password)
    return None


async def _verified(auth: Auth, caller: Caller, email: str, password: str, *, why: str) -> User | None:
    """The user, if the password is his and he may come in. Raises RateLimited, Unavailable."""
    user, is_known_device = await _find(auth, caller, email)
    attempt = await auth.throttle.admit(email, caller, is_known_device=is_known_device)
    try:
        is_right = await auth.passwords.verify(user.password if user else None, password)
    except Unavailable:
        # Nobody learned anything: whoever meets a full queue a few times must not be locked out by it.
        await auth.throttle.withdraw(attempt)
        raise
    if user is None or not is_right or user.is_disabled:
        stranger = replace(caller, actor="unknown")
        async with auth.store.transaction() as tx:
            await tx.audit.add(record(Event.LOGIN_FAILED, user.id if user else None, stranger, why=why))
        return None
    await auth.throttle.succeed(attempt)
    return user


async def _find(auth: Auth, caller: Caller, email: str) -> tuple[User | None, bool]:
    """The user of the address, and whether he was on this device before."""
    async with auth.store.reading() as tx:
        user = await tx.users.find_by_email(email)
        if caller.device is None:
            return user, False
        # Asked for nobody as well: where the throttle refuses, one query less would tell who has an account here.
        return user, await tx.devices.knows(device_hash(caller.device), user.id if user else UserId(""))
