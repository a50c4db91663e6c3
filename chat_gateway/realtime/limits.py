"""The bounds of a connection, with the defaults of the design."""

import msgspec

from chat_gateway.protocol.json_text import MAX_DEPTH
from chat_gateway.realtime.buckets import Rate


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`spread_seconds` is the time over which many connections that must come back at once are told so.

    `channels` is what a connection may be subscribed to before a client's wish for more is refused: a thousand with a
    log, what nobody keeps of each, and the user's own. Half open is a connection without a complete connect command
    `half_open_seconds` after it was accepted. `recovery_bytes` is what one recovery sends at most, and is set aside
    for it of the instance's.
    """

    json_depth: int = MAX_DEPTH
    connect_seconds: float = 5.0
    connect_wait_seconds: float = 3.0
    connects_in_progress: int = 500
    loop_lag_seconds: float = 0.25
    half_open_seconds: float = 1.0
    half_open_per_address: int = 200
    half_open_sockets: int = 1_000
    sockets_per_user: int = 10
    commands: Rate = Rate(600, burst=100)
    ping_seconds: int = 25
    pong_seconds: int = 8
    write_seconds: float = 10.0
    expiry_grace_seconds: int = 25
    spread_seconds: float = 20.0
    in_flight: int = 64
    slow_in_flight: int = 4
    channels: int = 2_001
    faults_per_minute: int = 10
    recovery_bytes: int = 128 * 1024
    instance_recovery_bytes: int = 64 * 1024 * 1024
