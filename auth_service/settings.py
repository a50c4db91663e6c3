"""Settings of auth: what it is told beside the shared ones, under AUTH_ in the environment, `auth:` in the file."""

import base64
from collections.abc import Mapping

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import SettingsBase, SharedSettings

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


class AuthSettings(DatabaseSettings, SharedSettings):
    model_config = SettingsConfigDict(env_prefix="AUTH_", extra="forbid")

    port: int = Field(default=8081, ge=1, le=65535, description="the port for the front, like 8081")
    ops_port: int = Field(default=8091, ge=1, le=65535, description="the port for health and metrics, like 8091")
    refresh_keys: SecretStr = Field(
        default=SecretStr(""),
        validate_default=True,
        description="a list of id:key, each key 32 random bytes in base64; the first one issues (`make env` makes one)",
    )

    @property
    def refresh_key_bytes(self) -> Mapping[str, bytes]:
        """The HMAC keys of refresh tokens by id, the issuing one first."""
        return _parse_keys(self.refresh_keys.get_secret_value())

    @field_validator("refresh_keys")
    @classmethod
    def _check_refresh_keys(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
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
