"""What a person does with a session: log in, get the next refresh token, log out.

Each function is one story and owns its transaction.
"""

from dataclasses import dataclass

import structlog

from auth_service.core import errors
from auth_service.core.ports import Passwords, Randomness, Store, Transaction
from auth_service.core.sessions import (
    SALT_BYTES,
    TOKEN_BYTES,
    Decision,
    Exchange,
    Presented,
    RefreshKeys,
    RefreshToken,
    SessionId,
    decide,
    successor,
    token_hash,
)
from auth_service.core.users import User, normalised_email


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A user in a session, with the token that keeps it going."""

    user: User
    session: SessionId
    refresh_token: RefreshToken


async def log_in(store: Store, passwords: Passwords, randomness: Randomness, *, email: str, password: str) -> LoggedIn:
    """A new session. Raises Unauthenticated bad_credentials, the same and at the same cost whatever was wrong."""
    async with store.reading() as tx:
        user = await tx.users.find_by_email(normalised_email(email))
    is_right = await passwords.verify(user.password if user else None, password)
    if user is None or not is_right or user.is_disabled:
        raise errors.bad_credentials()
    new_hash = await passwords.hash(password) if passwords.is_outdated(user.password) else None
    async with store.transaction() as tx:
        if new_hash is not None:
            await tx.users.set_password(user.id, user.password, new_hash)
        return await open_session(tx, randomness, user)


async def open_session(tx: Transaction, randomness: Randomness, user: User) -> LoggedIn:
    """A session with its first token. Never a session the browser brought along: that could be an attacker's."""
    session = SessionId(randomness.new_id())
    token = RefreshToken(randomness.token_bytes(TOKEN_BYTES))
    await tx.sessions.open(session, user.id, token_hash(token))
    return LoggedIn(user, session, token)


async def refresh(store: Store, keys: RefreshKeys, randomness: Randomness, token: RefreshToken) -> LoggedIn:
    """The session with the token's successor. Raises Unauthenticated session_expired; reuse ends the session."""
    async with store.transaction() as tx:
        logged_in = await _exchange(tx, keys, randomness, token)
    # Raised after the commit: the end of a session that was reused must stay.
    if logged_in is None:
        raise errors.session_expired()
    return logged_in


async def log_out(store: Store, token: RefreshToken) -> None:
    """Ends the token's session, whichever token of its line this is; an unknown token is as good as logged out."""
    async with store.transaction() as tx:
        presented = await tx.sessions.find(token_hash(token))
        if presented is not None:
            await tx.sessions.end(presented.session)


async def _exchange(tx: Transaction, keys: RefreshKeys, randomness: Randomness, token: RefreshToken) -> LoggedIn | None:
    # A caller who loses the conditional update reads again: the row has changed, so the next decision is another one.
    while (presented := await tx.sessions.find(token_hash(token))) is not None:
        decision = decide(presented, keys)
        if decision is Decision.REUSE:
            structlog.get_logger(__name__).warning("session.reused", session=presented.session, user=presented.user.id)
            await tx.sessions.end(presented.session)
        if decision in (Decision.REUSE, Decision.REFUSE):
            return None
        following = await _successor(tx, keys, randomness, token, presented, decision)
        if following is not None:
            return LoggedIn(presented.user, presented.session, following)
    return None


async def _successor(
    tx: Transaction,
    keys: RefreshKeys,
    randomness: Randomness,
    token: RefreshToken,
    presented: Presented,
    decision: Decision,
) -> RefreshToken | None:
    """The next token; None if somebody else exchanged this one first."""
    before = presented.exchanged
    if before is not None and decision is Decision.REPEAT:
        return successor(keys[before.key_id], before.salt, token)
    key_id, key = next(iter(keys.items()))
    salt = randomness.token_bytes(SALT_BYTES)
    following = successor(key, salt, token)
    exchange = Exchange(salt, key_id, token_hash(following))
    if before is None:
        is_ours = await tx.sessions.rotate(presented.hash, exchange)
    else:
        is_ours = await tx.sessions.replace(presented.hash, before.salt, exchange)
    return following if is_ours else None
