"""Takes out what nobody can use any more: sessions that are over and old refresh tokens, a small page at a time.

Any number of instances may do it at once: each takes what no other has at hand.
"""

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
