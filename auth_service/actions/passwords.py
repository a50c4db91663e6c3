"""What a person does with his password: choose one, and change it.

A password is hashed and compared before the transaction begins: that never waits for Argon2.
"""

from urllib.parse import urlsplit

from auth_service.actions import sessions
from auth_service.core import errors
from auth_service.core.audit import Event, record
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller, device_hash
from auth_service.core.links import LinkKind
from auth_service.core.passwords import checked_password
from auth_service.core.sessions import SessionId


def chosen(auth: Auth, password: str, *, email: str, name: str) -> str:
    """The password, if whoever has this address and name may choose it. Raises InvalidInput."""
    own_words = (email, name, urlsplit(auth.public_url).hostname or "")
    return checked_password(password, own_words=own_words, is_common=auth.passwords.is_common)


async def change(auth: Auth, caller: Caller, session: SessionId, *, password: str, new_password: str) -> None:
    """The new password is good from now on; all other sessions end, and links that would choose another are void.

    Other devices are forgotten: on those of a thief he could guess on, past the throttle's count of strangers.

    Raises Unauthenticated, InvalidInput, Forbidden wrong_password, RateLimited, Unavailable.
    """
    async with auth.store.reading() as tx:
        user = await sessions.owner(tx, session)
    new_password = chosen(auth, new_password, email=user.email, name=user.name)
    if new_password == password:
        raise errors.password_unchanged()
    await sessions.confirm(auth, caller, user, password)
    new_hash = await auth.passwords.hash(new_password)
    async with auth.store.transaction() as tx:
        if not await tx.users.set_password(user.id, user.password, new_hash):
            raise errors.wrong_password()  # of two changes at once the other came first
        # Asked again under the lock of the user: a session that ended meanwhile changes nothing any more.
        await sessions.owner(tx, session)
        await sessions.end_all(tx, caller, user.id, but=session, why="password changed")
        await tx.links.remove(LinkKind.RESET, user=user.id)
        await tx.devices.forget(user.id, but=None if caller.device is None else device_hash(caller.device))
        await tx.audit.add(record(Event.PASSWORD_CHANGED, user.id, caller, session=session))
