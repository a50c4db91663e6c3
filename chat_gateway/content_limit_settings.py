"""The limits of what is said and read as settings (CHAT_*), beside those of connections in limit_settings.py.

They hold for the chat, not for a process: give every gateway the same. What is stored already stays as it is.
"""

from msgspec.structs import replace
from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict
from typing_extensions import override

from chat_gateway.api.channels import ChannelLimits
from chat_gateway.core.limits import ChatLimits
from chat_gateway.limit_settings import LimitSettings
from chat_gateway.protocol.json_text import AROUND_DATA
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.tails import TailLimits
from shared.settings import SettingsBase

_KIB, _MIB = 1024, 1024 * 1024

_ESCAPED_BYTES = 12
"""Of a character as a client may send it: an emoji is two escapes of six bytes each."""
_STORED_BYTES = 6
"""Of a character as JSON is stored and sent on: a control character is one escape."""
_REQUEST_BYTES = 16 * _KIB
"""For what stands around a text in a client's message: four identifiers, as long and as escaped as may be."""
_ENTRY_BYTES = 4 * _KIB
"""For what stands around a text in an entry."""


class RoomLimitSettings(SettingsBase):
    """What a command of an administrator needs of all these."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="ignore")

    rooms_per_person: int = Field(
        1_000, ge=1, le=2_000, description="how many rooms a person may be in, 1 to 2000: one connect carries them all"
    )

    def chat_limits(self) -> ChatLimits:
        """What the chat is told; a limit of the same name as a setting is that setting."""
        fields = ChatLimits.__struct_fields__
        return ChatLimits(**{name: getattr(self, name) for name in fields if hasattr(self, name)})


class ContentLimitSettings(RoomLimitSettings, LimitSettings):
    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="forbid", validate_default=True)

    text_characters: int = Field(
        8_000,
        ge=1,
        le=16_000,
        description="how many characters (code points) a message may have, 1 to 16000: a search looks at no more",
    )
    text_bytes: int = Field(
        32 * _KIB, le=64 * _KIB, description="how many bytes of UTF-8, CHAT_TEXT_CHARACTERS or more and 65536 at most"
    )
    json_depth: int = Field(8, ge=5, le=32, description="how deep a client's JSON may be nested, 5 to 32")

    subscribe_recovery_entries: int = Field(
        500, ge=1, le=1_000, description="how many missed entries a subscribe may recover, 1 to 1000"
    )
    connect_recovery_entries: int = Field(
        200, ge=1, le=1_000, description="how many of all rooms together a connect may recover, 1 to 1000"
    )
    recovery_bytes: int = Field(
        128 * _KIB, ge=16 * _KIB, le=_MIB, description="how many bytes one recovery may have, 16384 to 1048576"
    )
    instance_recovery_bytes: int = Field(
        64 * _MIB, description="how many bytes all recoveries under way may have, CHAT_RECOVERY_BYTES or more"
    )

    @field_validator("text_characters")
    @classmethod
    def _check_message(cls, value: int, info: ValidationInfo) -> int:
        frame, outbox = info.data.get("frame_bytes"), info.data.get("outbox_bytes")
        sent, relayed = _ESCAPED_BYTES * value + _REQUEST_BYTES, _STORED_BYTES * value + _ENTRY_BYTES
        if frame is not None and sent > frame:
            raise ValueError(f"a message that long, escaped, takes {sent} bytes, and CHAT_FRAME_BYTES is {frame}")
        if outbox is not None and relayed > outbox:
            raise ValueError(f"a message that long, escaped, takes {relayed} bytes, and CHAT_OUTBOX_BYTES is {outbox}")
        return value

    @field_validator("text_bytes")
    @classmethod
    def _check_bytes(cls, value: int, info: ValidationInfo) -> int:
        characters = info.data.get("text_characters", 0)
        if value < characters:
            raise ValueError(f"is less than {characters} characters have, of a byte each")
        return value

    @field_validator("instance_recovery_bytes")
    @classmethod
    def _check_recoveries(cls, value: int, info: ValidationInfo) -> int:
        one = info.data.get("recovery_bytes", 0)
        if value < one:
            raise ValueError(f"is less than a single recovery is given ({one}), so that nothing would be recovered")
        return value

    @override
    def limits(self) -> Limits:
        """Beside each room of a person there is a channel of what nobody keeps."""
        limits = super().limits()
        return replace(limits, channels=max(limits.channels, 2 * self.rooms_per_person + 1))

    def channel_limits(self) -> ChannelLimits:
        return ChannelLimits(
            subscribe_recovery_entries=self.subscribe_recovery_entries,
            connect_recovery_entries=self.connect_recovery_entries,
            recovery_bytes=self.recovery_bytes,
            data_depth=self.json_depth - AROUND_DATA,
        )

    def tail_limits(self) -> TailLimits:
        entries = max(self.subscribe_recovery_entries, self.connect_recovery_entries)
        return TailLimits.for_recoveries(entries=entries, data_bytes=self.recovery_bytes)
