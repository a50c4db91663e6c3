"""The exchange of a refresh token for its successor, as core/sessions.py decides it, in a transaction of the caller.

Whatever many do at once with the tokens of one session, one line of them goes on.
"""

from dataclasses import replace

from prometheus_client import Counter

from auth_service.core import errors
from auth_service.core.audit import Event, record
from auth_service.core.callers import Caller
from auth_service.core.ports import Randomness, Transaction
from auth_service.core.sessions import (
    GRACE,
    MOST_EXCHANGES,
    SALT_BYTES,
    Decision,
    Exchange,
    Presented,
    RefreshKeys,
    RefreshToken,
    decide,
    latest,
    successor,
    token_hash,
)

REFRESHES = Counter("parley_auth_refreshes", "Refresh tokens presented, by what was decided.", ["decision"])


async def exchange(
    tx: Transaction, keys: RefreshKeys, randomness: Randomness, caller: Caller, token: RefreshToken
) -> tuple[Presented, RefreshToken] | None:
    """What the token was and what follows it; None if the session is over, which the reuse of a token makes it.

    Raises RateLimited for a session that goes on too often.
    """
    # A caller who loses the conditional update reads again: the row has changed, so the next decision is another one.
    while (presented := await tx.sessions.find(token_hash(token))) is not None:
        decision = decide(presented, keys)
        is_over = decision in (Decision.REUSE, Decision.REFUSE)
        following = None if is_over else await _following(tx, keys, randomness, token, presented, decision)
        if decision is Decision.REUSE:
            await _end(tx, caller, presented)
        if is_over or following is not None:
            REFRESHES.labels(decision.name.lower()).inc()
            return None if following is None else (presented, following)
    REFRESHES.labels("unknown").inc()
    return None


async def _end(tx: Transaction, caller: Caller, presented: Presented) -> None:
    if await tx.sessions.end(presented.session):
        # Perhaps the thief, perhaps the owner: from here the two cannot be told apart.
        somebody = replace(caller, actor="unknown")
        await tx.audit.add(record(Event.SESSION_REUSED, presented.user.id, somebody, session=presented.session))


async def _following(
    tx: Transaction,
    keys: RefreshKeys,
    randomness: Randomness,
    token: RefreshToken,
    presented: Presented,
    decision: Decision,
) -> RefreshToken | None:
    """The next token; None if somebody else exchanged this one first."""
    before = presented.exchanged
    line = await tx.sessions.line(presented.session)
    if before is not None and decision is Decision.REPEAT:
        return latest(keys, line, successor(keys[before.key_id], before.salt, token))
    if len(line) >= MOST_EXCHANGES:
        REFRESHES.labels("limited").inc()
        raise errors.too_many_attempts(GRACE.total_seconds())
    key_id, key = next(iter(keys.items()))
    salt = randomness.token_bytes(SALT_BYTES)
    following = successor(key, salt, token)
    made = Exchange(salt, key_id, token_hash(following))
    if before is None:
        is_ours = await tx.sessions.rotate(presented.hash, made)
    else:
        is_ours = await tx.sessions.replace(presented.hash, before.salt, made)
    return following if is_ours else None
