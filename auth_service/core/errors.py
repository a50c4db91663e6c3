"""Every refusal of auth, listed once: the codes are API and never renamed.

The sentences say what to do. Unknown address, wrong password and disabled account share one: who has an account here is
nobody's business.
"""

from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, RateLimited, Unauthenticated, Unavailable


def bad_credentials() -> Unauthenticated:
    return Unauthenticated("bad_credentials", "E-mail or password is wrong. Check both and try again.")


def wrong_password() -> Forbidden:
    # Not Unauthenticated: a client would take that for its token and fetch a new one.
    return Forbidden(
        "wrong_password", "The password is wrong. Type the one you have now.", details={"password": "is wrong"}
    )


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


def session_not_found() -> NotFound:
    return NotFound("session_not_found", "You have no such session. Load the list again.")


def last_administrator() -> Conflict:
    return Conflict("last_administrator", "This is the last administrator. Make somebody else one first.")


def not_allowed() -> Forbidden:
    return Forbidden("not_allowed", "Only administrators of this site may do that. Ask one of them.")


def user_not_found() -> NotFound:
    return NotFound("user_not_found", "There is no account with this address or id. `user list` shows all.")


def administrator_exists() -> Conflict:
    return Conflict(
        "administrator_exists", "The site has an administrator already, who can invite people and make others one."
    )


def registration_closed() -> Forbidden:
    return Forbidden("registration_closed", "Nobody can register here. Ask an administrator for an account.")


def invitation_needed() -> Forbidden:
    return Forbidden("invitation_needed", "Whoever registers here needs an invitation. Ask an administrator for one.")


def link_invalid() -> Forbidden:
    return Forbidden(
        "link_invalid", "The link is not valid: it was used, is too old, or is for another address. Ask for a new one."
    )


def email_taken() -> Conflict:
    return Conflict(
        "email_taken",
        "There is an account with this e-mail address. Log in with it, or use another address.",
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


def password_too_common() -> InvalidInput:
    return InvalidInput(
        "password_too_common",
        "The password is too easy to guess: many people use it, or it is a name or address of yours or of this site. "
        "Choose another one, for example a few words that nobody would put together.",
        details={"password": "is too easy to guess"},
    )


def password_unchanged() -> InvalidInput:
    return InvalidInput(
        "password_unchanged",
        "The new password is the old one. Choose another one.",
        details={"password": "is the old one"},
    )


def too_many_attempts(retry_after_seconds: float) -> RateLimited:
    """The same for an account that is not there: its failures count as well."""
    return RateLimited(
        "too_many_attempts", "Too many attempts were made. Wait, then try again.", retry_after=retry_after_seconds
    )


def busy(retry_after_seconds: float) -> Unavailable:
    return Unavailable(
        "busy", "Too many people are logging in right now. Try again in a moment.", retry_after=retry_after_seconds
    )


def store_unavailable() -> Unavailable:
    return Unavailable("store_unavailable", "The database does not answer. Try again in a moment.", retry_after=1.0)


def keys_unreadable() -> Unavailable:
    return Unavailable("keys_unreadable", "Tokens cannot be signed here now. Try again in a moment.", retry_after=1.0)
