"""What a person does with an account: register, look, change the profile; and how the first accounts come to be.

Each function is one story and owns its transaction. Passwords are hashed before it begins: a transaction never waits
for Argon2.
"""

from typing import Final

from auth_service.actions import sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core import errors
from auth_service.core.ports import Passwords, Randomness, Store
from auth_service.core.sessions import SessionId
from auth_service.core.users import (
    Edit,
    Role,
    User,
    UserId,
    checked_email,
    checked_name,
    checked_password,
    edited,
)
from shared.errors import Conflict

DEMO_USERS: Final[tuple[tuple[str, str, Role], ...]] = (
    ("dog1@test.com", "dog1", "administrator"),
    ("dog2@test.com", "dog2", "member"),
)
"""Address, name (and password), role. They exist in demo mode and nowhere else."""


async def register(
    store: Store, passwords: Passwords, randomness: Randomness, *, email: str, password: str, name: str
) -> LoggedIn:
    """A new account with its first session. Raises InvalidInput, Conflict, Unavailable."""
    user = await _new_user(passwords, randomness, email=email, password=password, name=name)
    async with store.transaction() as tx:
        await tx.users.add(user)
        tx.note_user(user.id)
        return await sessions.open_session(tx, randomness, user)


async def create(
    store: Store, passwords: Passwords, randomness: Randomness, *, email: str, password: str, name: str
) -> User:
    """A new account without a session, as an administrator makes it. Raises InvalidInput, Conflict, Unavailable."""
    user = await _new_user(passwords, randomness, email=email, password=password, name=name)
    await _add(store, user)
    return user


async def seed_demo(store: Store, passwords: Passwords, randomness: Randomness) -> None:
    """The demo accounts, each once; their passwords are known to everybody, so no policy is asked."""
    for email, name, role in DEMO_USERS:
        async with store.reading() as tx:
            if await tx.users.find_by_email(email) is not None:
                continue
        password = await passwords.hash(name)
        user = User(UserId(randomness.new_id()), email, password, name, "", _demo_profile(role), role)
        try:
            await _add(store, user)
        except Conflict:  # another instance was faster
            continue


async def has_demo_users(store: Store) -> bool:
    async with store.reading() as tx:
        found = [await tx.users.find_by_email(email) for email, _, _ in DEMO_USERS]
    return any(found)


async def me(store: Store, session: SessionId) -> User:
    """The caller. Raises Unauthenticated if the session ended since the token was made."""
    async with store.reading() as tx:
        user = await tx.users.of_session(session)
    if user is None:
        raise errors.session_expired()
    return user


async def edit_me(store: Store, session: SessionId, edit: Edit) -> User:
    """The caller after the edit; the gateways hear of it. Raises InvalidInput, Unauthenticated."""
    async with store.transaction() as tx:
        user = await tx.users.of_session(session)
        changed = None if user is None else await tx.users.update(user.id, lambda current: edited(current, edit))
        if changed is not None:
            tx.note_user(changed.id)
    if changed is None:
        raise errors.session_expired()
    return changed


def _demo_profile(role: Role) -> dict[str, str]:
    return {"role": role} if role == "administrator" else {}


async def _new_user(passwords: Passwords, randomness: Randomness, *, email: str, password: str, name: str) -> User:
    email, name = checked_email(email), checked_name(name)
    hashed = await passwords.hash(checked_password(password))
    return User(UserId(randomness.new_id()), email, hashed, name, "", {}, "member")


async def _add(store: Store, user: User) -> None:
    async with store.transaction() as tx:
        await tx.users.add(user)
        tx.note_user(user.id)
