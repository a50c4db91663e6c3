"""Takes out what nobody can use any more: sessions that are over, old refresh tokens, audit records past their time.

A small page at a time, each in a transaction of its own.

Any number of instances may do it at once: each takes what no other has at hand.
"""

from datetime import timedelta

from prometheus_client import Counter

from auth_service.core.auth import Auth

PAGE_ROWS = 500
PRUNED = Counter("parley_auth_pruned", "Rows deleted because nobody can use them any more.", ["table"])


async def prune(auth: Auth) -> None:
    """All there is now. Tokens first: a session has thousands, and would take them along in one transaction."""
    while await _prune_tokens(auth):
        pass
    while await _prune_sessions(auth):
        pass
    if auth.audit_kept is not None:
        while await _prune_audit(auth, auth.audit_kept):
            pass


async def _prune_tokens(auth: Auth) -> int:
    async with auth.store.transaction() as tx:
        count = await tx.sessions.prune_tokens(PAGE_ROWS)
    PRUNED.labels("refresh_token").inc(count)
    return count


async def _prune_sessions(auth: Auth) -> int:
    async with auth.store.transaction() as tx:
        count = await tx.sessions.prune(PAGE_ROWS)
    PRUNED.labels("session").inc(count)
    return count


async def _prune_audit(auth: Auth, kept: timedelta) -> int:
    async with auth.store.transaction() as tx:
        count = await tx.audit.prune(kept, PAGE_ROWS)
    PRUNED.labels("audit").inc(count)
    return count
