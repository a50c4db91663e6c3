"""Settings of auth: what it is told beside the shared ones, under AUTH_ in the environment, `auth:` in the file."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from auth_service.core.audit import LEAST_KEPT
from shared.settings import SettingsBase, SharedSettings, SiteSettings

_KEY_BYTES = 32


class DatabaseSettings(SettingsBase):
    """The one thing migrations need; other names of the same file are for others."""

    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="ignore")

    database_url: str = Field(
        default="sqlite:///var/auth.db",
        pattern=r"^(sqlite|postgres|postgresql)://",
        description="where users and sessions are kept, like postgresql://user:password@host/auth",
        repr=False,
    )


class MigrationSettings(DatabaseSettings, SiteSettings):
    """And what the set-up link of a new site needs."""

    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="ignore")


class CopySettings(SettingsBase):
    """The two databases of a copy, where their addresses hold passwords: arguments are read by all of the machine."""

    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="ignore")

    copy_from: str = Field(default="", description="the database that is there", repr=False)
    copy_to: str = Field(default="", description="an empty database, even of tables", repr=False)


class AuthSettings(DatabaseSettings, SharedSettings):
    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="forbid")

    port: int = Field(default=8081, ge=1, le=65535, description="the port for the front, like 8081")
    ops_port: int = Field(default=8091, ge=1, le=65535, description="the port for health and metrics, like 8091")
    refresh_keys: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="a list of id:key, each key 32 random bytes in base64; the first one issues (`make env` makes one)",
    )

    key_encryption_keys: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="a list of id:key that encrypt the signing keys, each key 32 random bytes in base64; the first one "
        "encrypts (`make env` makes one)",
    )
    registration: Literal["open", "invitation", "closed"] = Field(
        default="invitation", description="open (anybody makes an account), invitation or closed"
    )

    audit_days: int = Field(
        default=400,
        ge=0,
        le=36500,
        description="after how many days a record of the audit log is deleted: 30 or more, or 0 for never",
    )

    throttle_url: str = Field(
        default="",
        pattern=r"^((redis|rediss)(\+cluster)?://|unix://|$)",
        description="the Redis that counts failed log-ins where that is not REDIS_URL, like "
        "redis+cluster://node1:6379,node2:6379",
        repr=False,
    )

    @property
    def audit_kept(self) -> timedelta | None:
        """None is for ever."""
        return timedelta(days=self.audit_days) or None

    @property
    def refresh_key_bytes(self) -> Mapping[str, bytes]:
        """The HMAC keys of refresh tokens by id, the issuing one first."""
        return _parse_keys(self.refresh_keys.get_secret_value())

    @property
    def key_encryption_key_bytes(self) -> Mapping[str, bytes]:
        """The keys that encrypt signing keys by id, the encrypting one first."""
        return _parse_keys(self.key_encryption_keys.get_secret_value())

    @field_validator("audit_days")
    @classmethod
    def _check_days(cls, value: int) -> int:
        if 0 < value < LEAST_KEPT.days:
            raise ValueError(f"is less than {LEAST_KEPT.days}, which the database itself refuses (0 is for ever)")
        return value

    @field_validator("refresh_keys", "key_encryption_keys")
    @classmethod
    def _check_keys(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        if not _parse_keys(value.get_secret_value()) and info.data.get("parley_mode") != "demo":
            raise ValueError("is missing, and production does not start without it")
        return value


def _parse_keys(text: str) -> dict[str, bytes]:
    """Raises ValueError without showing what was given."""
    keys: dict[str, bytes] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except ValueError:
            key = b""
        if not key_id or key_id in keys or len(key) != _KEY_BYTES:
            raise ValueError(f"is not a list of different ids, each with {_KEY_BYTES} bytes in base64")
        keys[key_id] = key
    return keys
