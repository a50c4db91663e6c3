"""Every refusal of auth, listed once: the codes are API and never renamed.

The sentences say what to do. Unknown address, wrong password and disabled account share one: who has an account here is
nobody's business.
"""

from shared.errors import Conflict, Forbidden, InvalidInput, Unauthenticated, Unavailable


def bad_credentials() -> Unauthenticated:
    return Unauthenticated("bad_credentials", "E-mail or password is wrong. Check both and try again.")


def session_expired() -> Unauthenticated:
    return Unauthenticated("session_expired", "The session is over. Log in again.")


def token_expired() -> Unauthenticated:
    return Unauthenticated("token_expired", "The access token has expired. Fetch a new one from /auth/token.")


def invalid_token() -> Unauthenticated:
    return Unauthenticated("invalid_token", "The access token is not valid here. Log in again.")


def invalid_internal_key() -> Unauthenticated:
    return Unauthenticated("invalid_internal_key", "Only services of this site may read this; check INTERNAL_KEY.")


def foreign_origin() -> Forbidden:
    return Forbidden("foreign_origin", "This may only be sent from the site itself. Open the site and try there.")


def email_taken() -> Conflict:
    return Conflict(
        "email_taken",
        "There is an account with this e-mail address. Log in, or use another address.",
        details={"email": "is taken"},
    )


def invalid_field(field: str, problem: str) -> InvalidInput:
    return InvalidInput("invalid_request", f"{field}: {problem}.", details={field: problem})


def password_too_short(least: int) -> InvalidInput:
    return InvalidInput(
        "password_too_short",
        f"The password is too short. Choose {least} characters or more.",
        details={"password": f"needs {least} characters or more"},
    )


def password_too_long(most: int) -> InvalidInput:
    return InvalidInput(
        "password_too_long",
        f"The password is too long. Choose {most} characters or fewer.",
        details={"password": f"takes {most} characters or fewer"},
    )


def hashing_busy(retry_after_seconds: float) -> Unavailable:
    return Unavailable(
        "busy", "Too many people are logging in right now. Try again in a moment.", retry_after=retry_after_seconds
    )


def store_unavailable() -> Unavailable:
    return Unavailable("store_unavailable", "The database does not answer. Try again in a moment.", retry_after=1.0)
