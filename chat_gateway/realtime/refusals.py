"""What the limits of a gateway refused or closed, counted by reason.

The reasons are a closed list: a stranger must not be able to make new time series.
"""

from enum import Enum

from prometheus_client import Counter

REFUSED = Counter("parley_refusals", "What the limits of this gateway refused or closed, by reason.", ["reason"])


class Reason(Enum):
    LOOP_LAG = "loop_lag"
    CONNECTS_IN_PROGRESS = "connects_in_progress"
    CONNECT_WAITED = "connect_waited"
    CONNECT_MISSING = "connect_missing"
    HALF_OPEN_OF_ADDRESS = "half_open_of_address"
    HALF_OPEN = "half_open"
    SOCKETS_OF_USER = "sockets_of_user"
    COMMANDS = "commands"
    REQUESTS = "requests"
    MESSAGES = "messages"
    DIRECTS = "directs"
    TYPING = "typing"
    FAULTS = "faults"
    MALFORMED = "malformed"
    MESSAGE_SIZE = "message_size"
    OUTBOX = "outbox"
    NO_PONG = "no_pong"
    WRITE_DEADLINE = "write_deadline"


for _reason in Reason:
    REFUSED.labels(_reason.value)  # there from the start, as 0: a rate needs a sample before the first refusal


def refused(reason: Reason) -> None:
    REFUSED.labels(reason.value).inc()
