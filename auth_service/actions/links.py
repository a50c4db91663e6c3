"""One-time links: made for somebody, used once, and what each of them lets its holder do.

A link that is used, too old, of another kind or for another address gets one answer, before anything costly is done.
Whatever is refused after that leaves the link as it was: it is taken in the transaction that does what it is for.
"""

from dataclasses import replace

from auth_service.actions import passwords, sessions
from auth_service.core import errors
from auth_service.core.audit import Event, record
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller
from auth_service.core.links import (
    TOKEN_BYTES,
    Link,
    LinkKind,
    Offer,
    address,
    admits,
    from_text,
    link_hash,
    token_text,
)
from auth_service.core.ports import Randomness, Store, Transaction
from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId, checked_email, normalised_email


async def offer_setup(store: Store, randomness: Randomness, public_url: str, operator: Caller) -> Offer | None:
    """The link that makes the first administrator; None where there is an account already."""
    async with store.transaction() as tx:
        if await tx.users.any():
            return None
        return await _make(tx, randomness, public_url, Link(LinkKind.SETUP, "administrator"), operator)


async def make_setup(auth: Auth) -> Offer:
    """The same where there are accounts, but none is an administrator. Raises Conflict administrator_exists."""
    async with auth.store.transaction() as tx:
        if await tx.users.administrators():
            raise errors.administrator_exists()
        link = Link(LinkKind.SETUP, "administrator")
        return await _make(tx, auth.randomness, auth.public_url, link, auth.operator)


async def invite(auth: Auth, caller: Caller, session: SessionId, *, email: str | None) -> Offer:
    """A link that makes an account, of this address only if one is given.

    Raises Unauthenticated, Forbidden for anybody but an administrator, InvalidInput, Conflict email_taken.
    """
    async with auth.store.transaction() as tx:
        await tx.users.lock((await sessions.owner(tx, session)).id)
        # Asked again under the lock: whoever was disabled or lost the right meanwhile has no session any more.
        inviter = await sessions.owner(tx, session)
        if inviter.role != "administrator":
            raise errors.not_allowed()
        return await _invite(auth, tx, replace(caller, actor=inviter.id), email, inviter.id)


async def invite_by_command(auth: Auth, *, email: str | None) -> Offer:
    """The same, by whoever may run commands. Raises Forbidden registration_closed, InvalidInput, Conflict."""
    async with auth.store.transaction() as tx:
        return await _invite(auth, tx, auth.operator, email, None)


async def start_reset(auth: Auth, user: UserId) -> Offer:
    """A link that chooses a new password; all sessions end now, and all devices are forgotten.

    The old password stays until then, so that nobody is locked out by a link that never arrives. Raises NotFound.
    """
    async with auth.store.transaction() as tx:
        if await tx.users.lock(user) is None:
            raise errors.user_not_found()
        await sessions.end_all(tx, auth.operator, user, why="password reset")
        await tx.links.remove(LinkKind.RESET, user)
        await tx.devices.forget(user)
        return await _make(tx, auth.randomness, auth.public_url, Link(LinkKind.RESET, user=user), auth.operator)


async def reset_password(auth: Auth, caller: Caller, *, token: str, password: str) -> None:
    """A new password by a link, which ends all sessions and forgets all devices.

    Raises Forbidden link_invalid, InvalidInput, RateLimited, Unavailable.
    """
    link = await check(auth, caller, token, LinkKind.RESET)
    async with auth.store.reading() as tx:
        user = _enabled(None if link.user is None else await tx.users.find(link.user))
    password = passwords.chosen(auth, password, email=user.email, name=user.name)
    # No way to look for the old password: whoever guesses wrong has used up the link.
    if await auth.passwords.verify(user.password, password):
        raise errors.password_unchanged()
    new_hash = await auth.passwords.hash(password)
    async with auth.store.transaction() as tx:
        # The user first, as everybody locks them: whoever starts another reset now would wait for us, and we for him.
        _enabled(await tx.users.lock(user.id))
        await take(tx, token, LinkKind.RESET)
        await tx.users.set_password(user.id, None, new_hash)
        await tx.audit.add(record(Event.PASSWORD_RESET, user.id, caller, link=LinkKind.RESET))
        await sessions.end_all(tx, caller, user.id, why="password reset")
        await tx.devices.forget(user.id)


async def check(auth: Auth, caller: Caller, token: str, kind: LinkKind, *, email: str = "") -> Link:
    """The link as it is now, for a look before anything is done; guesses are counted.

    Raises Forbidden link_invalid, RateLimited, Unavailable.
    """
    await auth.throttle.admit_address(caller)
    async with auth.store.reading() as tx:
        link = await _find(tx, token, kind)
    if link is None or not admits(link, email):
        raise errors.link_invalid()
    await auth.throttle.succeed_address(caller)
    return link


async def take(tx: Transaction, token: str, kind: LinkKind) -> None:
    """Use it up, unless the transaction fails. Raises Forbidden link_invalid."""
    known = from_text(token)
    if known is None or await tx.links.take(link_hash(known), kind) is None:
        raise errors.link_invalid()


async def check_invitation(auth: Auth, caller: Caller, token: str | None, email: str) -> None:
    """Whether somebody may register now. An invitation that is shown must be good, even where nobody needs one.

    Raises Forbidden: registration_closed, invitation_needed, link_invalid; RateLimited, Unavailable.
    """
    if auth.registration == "closed":
        raise errors.registration_closed()
    if token is not None:
        await check(auth, caller, token, LinkKind.INVITATION, email=normalised_email(email))
    elif auth.registration == "invitation":
        raise errors.invitation_needed()


async def take_invitation(tx: Transaction, token: str, email: str) -> Link:
    """Use up the invitation of whoever registers with it. Raises Forbidden link_invalid."""
    link = await _find(tx, token, LinkKind.INVITATION)
    if link is None or not admits(link, email):
        raise errors.link_invalid()
    await take(tx, token, LinkKind.INVITATION)
    return link


async def _find(tx: Transaction, token: str, kind: LinkKind) -> Link | None:
    known = from_text(token)
    return None if known is None else await tx.links.find(link_hash(known), kind)


def _enabled(user: User | None) -> User:
    """Whoever is disabled gets no further by an old link. Raises Forbidden link_invalid."""
    if user is None or user.is_disabled:
        raise errors.link_invalid()
    return user


async def _invite(auth: Auth, tx: Transaction, caller: Caller, email: str | None, inviter: UserId | None) -> Offer:
    if auth.registration == "closed":
        raise errors.registration_closed()
    bound = None if email is None else checked_email(email)
    if bound is not None and await tx.users.find_by_email(bound) is not None:
        raise errors.email_taken()
    link = Link(LinkKind.INVITATION, user=inviter, email=bound)
    return await _make(tx, auth.randomness, auth.public_url, link, caller)


async def _make(tx: Transaction, randomness: Randomness, public_url: str, link: Link, caller: Caller) -> Offer:
    token = token_text(randomness.token_bytes(TOKEN_BYTES))
    expires_at = await tx.links.add(link_hash(token), link)
    whose = link.user if link.kind is LinkKind.RESET else None
    await tx.audit.add(record(Event.LINK_MADE, whose, caller, kind=link.kind))
    return Offer(address(public_url, link.kind, token), expires_at)
