"""Access tokens as auth issues them: what is stated, for whom, how long."""

from typing import Any

from auth_service.core.sessions import SessionId
from auth_service.core.users import User
from shared.tokens import AUDIENCE

ACCESS_SECONDS = 600


def access_claims(user: User, session: SessionId, *, token_id: str, issuer: str, now: float) -> dict[str, Any]:
    issued_at = int(now)
    return {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": user.id,
        "sid": session,
        "jti": token_id,
        "iat": issued_at,
        "exp": issued_at + ACCESS_SECONDS,
        "name": user.name,
        "picture": user.picture,
        "roles": [user.role] if user.role != "member" else [],
    }
