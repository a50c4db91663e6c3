"""The error families: what every refused request or command is made of.

An AppError has a stable `code` clients branch on, a sentence for people, and says whether retrying helps. It is
rendered only at the edges: shared/web.py (problem documents) and the gateway's session (protocol errors). Codes are
API: never renamed.

    AppError
     ├── InvalidInput 400      ├── Conflict 409
     ├── Unauthenticated 401   ├── TooLarge 413
     ├── Forbidden 403         ├── RateLimited 429 (temporary)
     └── NotFound 404          └── Unavailable 503 (temporary)
"""

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override


class AppError(Exception):
    """A refusal a client may see.

    `code` is for programs, `message` for people, `details` names fields, `retry_after` is in seconds.
    """

    status: ClassVar[int] = 500
    temporary: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.retry_after = retry_after

    @override
    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InvalidInput(AppError):
    status = 400


class Unauthenticated(AppError):
    status = 401


class Forbidden(AppError):
    status = 403


class NotFound(AppError):
    status = 404


class Conflict(AppError):
    status = 409


class TooLarge(AppError):
    status = 413


class RateLimited(AppError):
    status = 429
    temporary = True


class Unavailable(AppError):
    status = 503
    temporary = True
