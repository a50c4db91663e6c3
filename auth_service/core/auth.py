"""All that the actions of auth work with, in one value that app.py makes."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from auth_service.core.callers import COMMAND_LINE, Caller
from auth_service.core.ports import KeyVault, Passwords, Randomness, Store, Throttle
from auth_service.core.sessions import RefreshKeys

Registration = Literal["open", "invitation", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    store: Store
    passwords: Passwords
    throttle: Throttle
    vault: KeyVault
    randomness: Randomness
    refresh_keys: RefreshKeys = field(repr=False)
    registration: Registration
    public_url: str
    audit_kept: timedelta | None
    """How long the audit log keeps a record; None is for ever."""
    operator: Caller = COMMAND_LINE
    """Whoever of the machine runs a command."""
