"""The limits of a gateway as settings (CHAT_*), with the defaults of the design, and the checks of their combinations.

Each field is counted in one process: N gateways together allow up to N times as much.
"""

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from chat_gateway.api.pace import Rates
from chat_gateway.presence.exchange import Times
from chat_gateway.realtime.buckets import Rate
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.outbox import OutboxLimits
from shared.settings import SettingsBase

_KIB, _MIB = 1024, 1024 * 1024


class LimitSettings(SettingsBase):
    """A combination is checked at its later field, which is why those are validated even where they are not set."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="forbid", validate_default=True)

    drain_seconds: float = Field(
        20.0, ge=0, le=600, description="the time over which clients are sent away when the gateway stops"
    )
    proxy_idle_seconds: float = Field(
        75.0, gt=0, description="how long the proxy in front keeps a silent connection: proxy_read_timeout of nginx"
    )
    ping_seconds: int = Field(25, ge=10, le=600, description="the interval of pings to each client")
    pong_seconds: int = Field(8, ge=1, description="how long a client has to answer a ping, below CHAT_PING_SECONDS")
    write_seconds: float = Field(
        10.0, ge=1, le=600, description="how long a client may take not a single byte of what waits for it"
    )
    expiry_grace_seconds: int = Field(
        25, ge=0, le=600, description="how long a connection outlives a token that was not renewed"
    )

    frame_bytes: int = Field(
        256 * _KIB, ge=128 * _KIB, le=_MIB, description="the largest message a client may send, 131072 to 1048576"
    )
    outbox_bytes: int = Field(
        256 * _KIB, ge=64 * _KIB, description="what may wait in memory for one slow client, 65536 or more"
    )
    kernel_buffer_bytes: int = Field(
        128 * _KIB, ge=16 * _KIB, le=4 * _MIB, description="what the kernel may hold for one client, 16384 to 4194304"
    )
    instance_outbox_bytes: int = Field(
        256 * _MIB, description="what may wait in memory for all slow clients together, CHAT_OUTBOX_BYTES or more"
    )

    connect_seconds: float = Field(
        5.0, ge=1, le=60, description="how long a new connection has to be connected, 1 to 60"
    )
    connect_wait_seconds: float = Field(
        3.0, gt=0, description="how long a connect command waits for its turn, below CHAT_CONNECT_SECONDS"
    )
    connects_in_progress: int = Field(500, ge=1, description="how many connect commands are worked on at once")
    loop_lag_seconds: float = Field(
        0.25, gt=0, description="how late the event loop may be before new connections are refused"
    )
    half_open_seconds: float = Field(
        1.0, gt=0, description="the age at which a connection without a connect command counts as half open, below "
        "CHAT_CONNECT_SECONDS"
    )  # fmt: skip
    half_open_sockets: int = Field(1_000, ge=1, description="how many half open connections there may be")
    half_open_per_address: int = Field(
        200, ge=1, description="how many of them may be of one address, CHAT_HALF_OPEN_SOCKETS at most"
    )
    sockets_per_user: int = Field(10, ge=1, description="how many connections a user may have")

    commands_per_minute: float = Field(600.0, gt=0, description="how many commands a connection may send in a minute")
    commands_burst: int = Field(100, ge=2, description="how many of them at once, 2 or more")
    messages_per_minute: float = Field(
        60.0, gt=0, description="how many messages, edits, reactions and other writes a user may make in a minute"
    )
    messages_burst: int = Field(20, ge=1, description="how many of them at once")
    directs_per_hour: int = Field(30, ge=1, description="how many new direct rooms a user may open in an hour")
    typing_per_minute: float = Field(20.0, gt=0, description="how often a user may tell a room of typing in a minute")
    faults_per_minute: int = Field(10, ge=0, description="how many unknown commands a minute are answered")

    presence_refresh_seconds: float = Field(
        25.0, gt=0, description="how often a gateway renews what it says of who is online"
    )
    presence_ttl_seconds: float = Field(
        60.0, description="how long that counts, as after a crash; more than CHAT_PRESENCE_REFRESH_SECONDS"
    )
    presence_grace_seconds: float = Field(
        15.0, ge=0, le=600, description="how long a user is online after their last connection"
    )

    @field_validator("pong_seconds")
    @classmethod
    def _check_heartbeat(cls, value: int, info: ValidationInfo) -> int:
        ping, idle = info.data.get("ping_seconds"), info.data.get("proxy_idle_seconds")
        if ping is not None and value >= ping:
            raise ValueError(f"a pong must be due before the next ping, {ping} s after the last")
        if ping is not None and idle is not None and ping + value >= idle:
            raise ValueError(
                f"a ping and its pong take up to {ping + value} s, and the proxy ends what is silent for {idle:g} s "
                "(CHAT_PROXY_IDLE_SECONDS)"
            )
        return value

    @field_validator("instance_outbox_bytes")
    @classmethod
    def _check_budget(cls, value: int, info: ValidationInfo) -> int:
        one = info.data.get("outbox_bytes", 0)
        if value < one:
            raise ValueError(f"is less than a single client may use ({one})")
        return value

    @field_validator("connect_wait_seconds", "half_open_seconds")
    @classmethod
    def _check_before_the_deadline(cls, value: float, info: ValidationInfo) -> float:
        deadline = info.data.get("connect_seconds", float("inf"))
        if value >= deadline:
            raise ValueError(f"is over when the connection is closed already, after {deadline:g} s")
        return value

    @field_validator("half_open_per_address")
    @classmethod
    def _check_share(cls, value: int, info: ValidationInfo) -> int:
        in_all = info.data.get("half_open_sockets", value)
        if value > in_all:
            raise ValueError(f"is more than there may be in all ({in_all})")
        return value

    @field_validator("presence_ttl_seconds")
    @classmethod
    def _check_renewal(cls, value: float, info: ValidationInfo) -> float:
        refresh = info.data.get("presence_refresh_seconds", 0.0)
        if value <= refresh:
            raise ValueError(f"is over before it is renewed, after {refresh:g} s")
        return value

    def limits(self) -> Limits:
        """What the engine is told; a limit of the same name as a setting is that setting."""
        settings = {name: getattr(self, name) for name in Limits.__struct_fields__ if hasattr(self, name)}
        commands = Rate(self.commands_per_minute, self.commands_burst)
        return Limits(**settings, spread_seconds=self.drain_seconds, commands=commands)

    def outbox_limits(self) -> OutboxLimits:
        return OutboxLimits(per_connection_bytes=self.outbox_bytes, instance_bytes=self.instance_outbox_bytes)

    def presence_times(self) -> Times:
        return Times(
            refresh=self.presence_refresh_seconds, ttl=self.presence_ttl_seconds, grace=self.presence_grace_seconds
        )

    def rates(self) -> Rates:
        """A user's calls of the REST face count as the commands of one more connection."""
        return Rates(
            requests=Rate(self.commands_per_minute, self.commands_burst),
            messages=Rate(self.messages_per_minute, self.messages_burst),
            directs=Rate(self.directs_per_hour / 60, self.directs_per_hour),
            typing=Rate(self.typing_per_minute, 1),
        )
