"""Every number the protocol shows a client: error codes, unsubscribe codes, disconnect codes.

The numbers are API and are never given a new meaning. 100-113 belong to the protocol; each refusal of the application
has one of its own, 400-1999, by its stable code. Disconnect codes carry behaviour in their range: 3500-3999 and
4500-4999 tell a client to stay away, all others to come back.
"""

import msgspec


class ErrorCode(msgspec.Struct, frozen=True):
    number: int
    code: str
    text: str
    temporary: bool = False


INTERNAL = ErrorCode(100, "internal", "internal server error", temporary=True)
UNAUTHORIZED = ErrorCode(101, "unauthorized", "unauthorized")
UNKNOWN_CHANNEL = ErrorCode(102, "unknown_channel", "unknown channel")
PERMISSION_DENIED = ErrorCode(103, "permission_denied", "permission denied")
METHOD_NOT_FOUND = ErrorCode(104, "method_not_found", "method not found")
ALREADY_SUBSCRIBED = ErrorCode(105, "already_subscribed", "already subscribed")
LIMIT_EXCEEDED = ErrorCode(106, "limit_exceeded", "limit exceeded")
BAD_REQUEST_ERROR = ErrorCode(107, "bad_request", "bad request")
NOT_AVAILABLE_ERROR = ErrorCode(108, "not_available", "not available")
TOKEN_EXPIRED = ErrorCode(109, "token_expired", "token expired")
EXPIRED = ErrorCode(110, "expired", "expired")
TOO_MANY_REQUESTS_ERROR = ErrorCode(111, "too_many_requests", "too many requests", temporary=True)
UNRECOVERABLE_POSITION = ErrorCode(112, "unrecoverable_position", "unrecoverable position")
CONCURRENT_PAGINATION = ErrorCode(113, "concurrent_pagination", "concurrent pagination", temporary=True)

PROTOCOL_ERRORS = (
    INTERNAL,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    PERMISSION_DENIED,
    METHOD_NOT_FOUND,
    ALREADY_SUBSCRIBED,
    LIMIT_EXCEEDED,
    BAD_REQUEST_ERROR,
    NOT_AVAILABLE_ERROR,
    TOKEN_EXPIRED,
    EXPIRED,
    TOO_MANY_REQUESTS_ERROR,
    UNRECOVERABLE_POSITION,
    CONCURRENT_PAGINATION,
)

APPLICATION_ERRORS = {
    "invalid_request": 400,
    "empty_text": 401,
    "text_too_long": 402,
    "not_allowed": 420,
    "banned": 421,
    "read_only": 422,
    "direct_room": 423,
    "not_your_message": 424,
    "not_reachable": 425,
    "room_not_found": 440,
    "member_not_found": 441,
    "person_not_found": 442,
    "message_not_found": 443,
    "client_id_conflict": 460,
    "room_archived": 461,
    "last_owner": 462,
    "not_a_thread_root": 463,
    "account_deleted": 464,
    "too_many_rooms": 480,
    "too_many_edits": 481,
    "too_many_reactions": 482,
    "too_many_pins": 483,
    "rate_limited": 490,
}
"""By what is wrong: 400 the request, 420 the right to it, 440 its object, 460 the state, 480 a limit, 490 the pace."""

_NUMBERS = {error.code: error.number for error in PROTOCOL_ERRORS} | {
    "store_unavailable": INTERNAL.number,
    "keys_unavailable": INTERNAL.number,
    "unavailable": INTERNAL.number,
    **APPLICATION_ERRORS,
}


def number(code: str) -> int:
    """The number of a refusal's stable code; a code that is not listed is a bug of ours, hence internal."""
    return _NUMBERS.get(code, INTERNAL.number)


class Unsubscription(msgspec.Struct, frozen=True):
    """Why the server ended a subscription. From 2500 on the client subscribes again."""

    code: int
    reason: str


SERVER_UNSUBSCRIBE = Unsubscription(2000, "server unsubscribe")
SUBSCRIPTION_INSUFFICIENT_STATE = Unsubscription(2500, "insufficient state")
SUBSCRIPTION_HAS_EXPIRED = Unsubscription(2501, "subscription expired")
SUBSCRIPTION_STATE_INVALIDATED = Unsubscription(2502, "state invalidated")


class Disconnect(msgspec.Struct, frozen=True):
    """Why the server ends a connection. The reason is never empty: an empty one makes SDKs come back from any code."""

    code: int
    reason: str


SHUTDOWN = Disconnect(3001, "shutdown")
SERVER_ERROR = Disconnect(3004, "internal server error")
CONNECTION_EXPIRED = Disconnect(3005, "connection expired")
SUBSCRIPTION_EXPIRED = Disconnect(3006, "subscription expired")
SLOW = Disconnect(3008, "slow")
WRITE_ERROR = Disconnect(3009, "write error")
INSUFFICIENT_STATE = Disconnect(3010, "insufficient state")
FORCE_RECONNECT = Disconnect(3011, "force reconnect")
NO_PONG = Disconnect(3012, "no pong")
TOO_MANY_REQUESTS = Disconnect(3013, "too many requests")
STATE_INVALIDATED = Disconnect(3014, "state invalidated")
INVALID_TOKEN = Disconnect(3500, "invalid token")
BAD_REQUEST = Disconnect(3501, "bad request")
STALE = Disconnect(3502, "stale")
FORCE_DISCONNECT = Disconnect(3503, "force disconnect")
CONNECTION_LIMIT = Disconnect(3504, "connection limit")
CHANNEL_LIMIT = Disconnect(3505, "channel limit")
INAPPROPRIATE_PROTOCOL = Disconnect(3506, "inappropriate protocol")
PERMISSION_DENIED_DISCONNECT = Disconnect(3507, "permission denied")
NOT_AVAILABLE = Disconnect(3508, "not available")
TOO_MANY_ERRORS = Disconnect(3509, "too many errors")
