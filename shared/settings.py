"""Settings: environment over one YAML file, one frozen class per service, every problem reported at once.

A field is its environment name in lower case (fields of one service carry its prefix there), its default, its check
and its meaning. `load` alone reads the environment. Secrets are SecretStr: no repr, log or error shows them.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

Network = IPv4Network | IPv6Network
Networks = tuple[Network, ...]
Mode = Literal["demo", "production"]

_MIN_SECRET_CHARACTERS = 32


class SettingsError(Exception):
    """The settings do not allow a start; the text lists every problem with the name to set."""


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(url: str) -> str:
    """The origin as a browser writes it: lower case, without the scheme's own port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_default_port = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
    return f"{parts.scheme}://{host}" if is_default_port else f"{parts.scheme}://{host}:{parts.port}"


class SettingsBase(BaseSettings):
    """How any settings are read and explained; a program that needs one field only makes a small class of this."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what the file said."""
        del settings_cls, dotenv_settings, file_secret_settings  # pydantic passes them by name
        return env_settings, init_settings

    @classmethod
    def env_name(cls, field: str) -> str:
        alias = cls.model_fields[field].validation_alias
        return alias if isinstance(alias, str) else f"{cls.model_config.get('env_prefix', '')}{field}".upper()

    @classmethod
    def load(cls, config: Path | None, section: str) -> Self:
        """What the environment says, below it the file's own and `shared` sections. Raises SettingsError."""
        values = {} if config is None else {**_section(config, "shared"), **_section(config, section)}
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(cls._explain(error)) from error

    @classmethod
    def _explain(cls, error: ValidationError) -> str:
        lines = []
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            field = next((f for f in cls.model_fields if name in (f, cls.env_name(f))), None)
            message = problem["msg"].removeprefix("Value error, ")
            if field is None:
                lines.append(f"{name}: there is no such setting")
            else:
                lines.append(f"{cls.env_name(field)}: {message}. Set it to {cls.model_fields[field].description}.")
        return "The settings do not allow a start:\n" + "\n".join(f"  {line}" for line in lines)


class SiteSettings(SettingsBase):
    """What kind of site this is and where people find it."""

    parley_mode: Mode = Field(
        default="production", validation_alias="PARLEY_MODE", description="demo (with demo users) or production"
    )
    public_url: str = Field(
        default="http://localhost:8080",
        validation_alias="PUBLIC_URL",
        validate_default=True,
        description="the address people type, like https://chat.example.org",
    )

    @property
    def public_origin(self) -> str:
        """The one Origin of a browser that is on this site."""
        return _origin(self.public_url)

    @property
    def is_secure(self) -> bool:
        """Whether people reach the site by https; only loopback may be without."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def public_port(self) -> int:
        parts = urlsplit(self.public_url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        bare = not (parts.query or parts.fragment or parts.username or parts.password) and parts.path in ("", "/")
        if parts.scheme not in ("http", "https") or not parts.hostname or not bare:
            raise ValueError("is not an address like https://chat.example.org, without a path")
        if parts.port == 0:
            raise ValueError("has port 0")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("is plain http off this machine: passwords would cross the network readable; use https")
        return value.removesuffix("/")


class SharedSettings(SiteSettings):
    """What both services are told. Their own settings subclass it with an `env_prefix` for their own fields."""

    trusted_proxies: Annotated[Networks, NoDecode] = Field(
        default=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
        validation_alias="TRUSTED_PROXIES",
        description="networks whose X-Forwarded-For is believed, like 10.0.0.0/8,::1/128",
    )
    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias="REDIS_URL",
        pattern=r"^(redis|rediss|unix)://",
        description="the Redis or Valkey server, like redis://127.0.0.1:6379/0",
    )
    internal_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="INTERNAL_KEY",
        validate_default=True,
        description="the secret both services share, 32 or more characters (`make env` makes one)",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", validation_alias="LOG_LEVEL", description="debug, info, warning or error"
    )
    listen_host: str = Field(
        default="127.0.0.1",
        validation_alias="LISTEN_HOST",
        min_length=1,
        description="the addresses to listen on, separated by commas",
    )

    @property
    def listen_hosts(self) -> tuple[str, ...]:
        return tuple(host.strip() for host in self.listen_host.split(",") if host.strip())

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            return items
        return tuple(ip_network(item.strip()) if isinstance(item, str) else item for item in items if item != "")

    @field_validator("internal_key")
    @classmethod
    def _check_internal_key(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        secret = value.get_secret_value()
        if secret and len(secret) < _MIN_SECRET_CHARACTERS:
            raise ValueError(f"is shorter than {_MIN_SECRET_CHARACTERS} characters")
        if not secret and info.data.get("parley_mode") != "demo":
            raise ValueError("is missing, and production does not start without it")
        return value


def _section(config: Path, name: str) -> Mapping[str, Any]:
    """One section of the file; a missing section is empty. Raises SettingsError."""
    try:
        document = yaml.safe_load(config.read_text("utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"The settings file {config} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {config} is not YAML: {error}.") from error
    section = document.get(name) or {} if isinstance(document, dict) else None
    if not isinstance(section, dict):
        raise SettingsError(f"The settings file {config} needs sections of names and values, `{name}:` is none.")
    return section
