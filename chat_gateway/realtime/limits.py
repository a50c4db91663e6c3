"""The bounds of a connection, with the defaults of the design."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`spread_seconds` is the time over which many connections that must come back at once are told so."""

    connect_seconds: float = 5.0
    ping_seconds: int = 25
    pong_seconds: int = 8
    write_seconds: float = 10.0
    expiry_grace_seconds: int = 25
    abort_after_loss_seconds: float = 1.0
    spread_seconds: float = 20.0
    in_flight: int = 64
    faults_per_minute: int = 10
    recovery_bytes: int = 128 * 1024
    instance_recovery_bytes: int = 64 * 1024 * 1024
