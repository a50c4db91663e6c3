"""The settings of a gateway, by environment (CHAT_*, and the shared names) over a YAML file."""

import os
import socket

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from chat_gateway.content_limit_settings import ContentLimitSettings, RoomLimitSettings
from shared.settings import SettingsBase, SharedSettings


def _this_process() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class DatabaseSettings(SettingsBase):
    """The one thing migrations need; other names of the same file are for others."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="ignore")

    database_url: str = Field(
        "sqlite:///var/chat.db",
        pattern=r"^(sqlite:///|postgresql://)",
        description="the chat database, like postgresql://chat:password@host/chat or sqlite:///var/chat.db",
        repr=False,
    )


class CopySettings(SettingsBase):
    """The two databases of a copy, where their addresses hold passwords: arguments are read by all of the machine."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="ignore")

    copy_from: str = Field("", description="the database that is there", repr=False)
    copy_to: str = Field("", description="an empty, migrated database", repr=False)


class CommandSettings(DatabaseSettings, RoomLimitSettings):
    """What a command of an administrator needs; other names of the same file are for others."""

    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="ignore")


class ChatSettings(DatabaseSettings, ContentLimitSettings, SharedSettings):
    model_config = SettingsConfigDict(env_prefix="CHAT_", extra="forbid")

    port: int = Field(8082, ge=0, le=65535, description="the port clients and the front proxy connect to")
    ops_port: int = Field(9082, ge=0, le=65535, description="the port of /livez, /readyz and /metrics")
    auth_url: str = Field(
        "http://127.0.0.1:8081",
        pattern=r"^https?://",
        description="where this gateway reaches the auth service, like http://auth_service:8000",
    )
    instance: str = Field(
        default_factory=_this_process, min_length=1, description="this gateway's name in logs, metrics and replies"
    )
    search_inside: bool = Field(
        default=True, description="whether a search also finds parts inside of words; false keeps to beginnings"
    )

    @field_validator("auth_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.removesuffix("/")
