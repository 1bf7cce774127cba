"""The settings: one frozen object, read once from UNIHIRE_* and .env."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from unihire.errors import ConfigError
from unihire.kit.files import find_fault, read_text

DOTENV = Path(".env")
_DOTENV_BYTES = 1_000_000
_WRITE_SO = "in it @ / : ? # and % are written %40 %2F %3A %3F %23 %25"

_PUBLIC_URL = re.compile(
    r"https?://(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?"
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _default_home() -> Path:
    """Where state is stored by default: the user's data folder, or /var/lib for root.

    Root gets /var/lib because the embedded PostgreSQL then runs as another user, who must be able to
    reach its files, and a home folder such as /root is closed.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/unihire")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "unihire"


class Settings(BaseSettings):
    """What the operator can set. Every field is `UNIHIRE_<NAME>` in the environment or in .env."""

    model_config = SettingsConfigDict(
        env_prefix="UNIHIRE_", env_file=DOTENV, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    home: Annotated[Path, Field(description="Folder for the embedded database and the generated key.")] = Field(
        default_factory=_default_home
    )
    database_url: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL 15 or newer, as postgresql://…; unset: the embedded server."),
    ] = None
    encryption_keys: Annotated[
        SecretStr | None,
        Field(
            description="Keys that seal vendor credentials, comma-separated, newest first; unset: one stored in home."
        ),
    ] = None
    host: Annotated[str, Field(description="Address the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port the API listens on; 0 picks a free one.")] = 8700
    root_path: Annotated[
        str,
        Field(
            pattern=r"^((/[A-Za-z0-9._~-]+)+)?$",
            max_length=200,
            description="Path under which a proxy shows the API, as /ats; it may leave it on or take it off.",
        ),
    ] = ""
    public_url: Annotated[
        str | None,
        Field(
            max_length=500,
            description="The address at which others reach the API, as https://hire.example.com/ats: hooks and what "
            "customers come back to are below it.",
        ),
    ] = None
    trusted_proxies: Annotated[
        str,
        Field(description="Proxies whose X-Forwarded-Prefix is accepted: addresses and networks, comma-separated."),
    ] = ""
    allowed_networks: Annotated[
        str,
        Field(description="Private or reserved networks that may be connected to, as 10.1.0.0/16, comma-separated."),
    ] = ""
    rate_limit: Annotated[
        int,
        Field(ge=0, description="Requests a minute for one connector, operations included; 0 switches the limit off."),
    ] = 200
    hook_rate_limit: Annotated[
        int, Field(ge=0, description="Deliveries a minute to one hook; 0 switches the limit off.")
    ] = 12_000
    unknown_parameters: Annotated[
        str,
        Field(pattern="^(refuse|ignore)$", description="What is done with query parameters that a list does not have."),
    ] = "refuse"
    database_pool: Annotated[int, Field(ge=4, le=200, description="Most connections to PostgreSQL.")] = 16
    answer_bytes: Annotated[
        int,
        Field(
            ge=1 << 20,
            le=1 << 30,
            description="Most bytes of one answer of a vendor, as sent and unpacked; for one row a 16th.",
        ),
    ] = 64 << 20
    answer_seconds: Annotated[
        float, Field(ge=1, le=600, description="Most seconds that one answer of a vendor may take, to its last byte.")
    ] = 60.0
    documented_rates: Annotated[
        bool,
        Field(description="Whether the rates are kept to that vendors document and say nothing of in their answers."),
    ] = True
    fast_models: Annotated[
        str,
        Field(
            description="Models whose changes are read between the scheduled runs, as candidate,application, for "
            "connectors that say nothing else and whose vendor reports no changes."
        ),
    ] = ""
    fast_every: Annotated[str, Field(pattern="^[0-9]{1,6}[dhms]$", description="How often that is: 30s to 1d.")] = "1m"
    worker_slots: Annotated[int, Field(ge=1, le=100, description="Connectors that one worker syncs at once.")] = 8
    inbox_slots: Annotated[
        int, Field(ge=1, le=100, description="Connectors whose reported changes one worker reads at once.")
    ] = 8
    delivery_slots: Annotated[
        int, Field(ge=1, le=200, description="Messages that one worker sends to webhooks at once.")
    ] = 32
    history_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which ended runs and resolved issues are stored.")
    ] = 30
    calls_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which answers under idempotency keys are stored.")
    ] = 7
    writes_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which writes and their idempotency keys are stored.")
    ] = 30
    write_bodies: Annotated[
        bool, Field(description="Whether the bodies of writes stay in the log of writes when these are over.")
    ] = False
    events_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which events of the change log are stored.")
    ] = 30
    deliveries_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which the log of webhook deliveries is stored.")
    ] = 7
    audit_days: Annotated[
        int, Field(ge=1, le=36_500, description="Days for which the audit trail and keys that ended are stored.")
    ] = 365
    deleted_days: Annotated[
        int,
        Field(ge=0, le=36_500, description="Days for which the content of deleted records is stored; 0 for ever."),
    ] = 365
    metrics_port: Annotated[
        int | None,
        Field(ge=0, le=65535, description="Port on which `unihire worker` serves its metrics; unset: it does not."),
    ] = None
    metrics_token: Annotated[
        SecretStr | None,
        Field(description="What must come with a request for metrics, as a bearer token; unset: they are open."),
    ] = None
    log_level: Annotated[str, Field(pattern="^(debug|info|warning|error)$", description="Least level logged.")] = "info"
    log_format: Annotated[str, Field(pattern="^(console|json)$", description="How log lines are written.")] = "console"

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_odd_texts(cls, value: Any, info: ValidationInfo) -> Any:
        """An empty variable is a slip: an empty address would listen everywhere, an empty token is none at all."""
        is_empty_default = value == "" and cls.model_fields[info.field_name or ""].default == ""
        if isinstance(value, str) and not is_empty_default and (fault := find_fault(value)) is not None:
            raise ValueError(f"{fault}: set it right, or not at all")
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str | None) -> str | None:
        if url is not None and _PUBLIC_URL.fullmatch(url) is None:
            raise ValueError("it must be https://host[:port][/path], without a query")
        return None if url is None else url.rstrip("/")

    @field_validator("home")
    @classmethod
    def _find_home(cls, home: Path) -> Path:
        try:
            return home.expanduser()
        except RuntimeError:
            raise ValueError("there is no home folder of that user") from None

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        fault = None if url is None else find_address_fault(url.get_secret_value())
        if fault is not None:
            raise ValueError(fault)
        return url

    @field_validator("trusted_proxies", "allowed_networks")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        _read_networks(value)
        return value

    def list_fast_models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name.strip() for name in self.fast_models.split(",") if name.strip()))

    def list_trusted_proxies(self) -> list[Network]:
        return _read_networks(self.trusted_proxies)

    def list_allowed_networks(self) -> list[Network]:
        return _read_networks(self.allowed_networks)


def _read_networks(text: str) -> list[Network]:
    """Raises ValueError for what is neither an address nor a network."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def find_address_fault(url: str) -> str | None:
    """Why that is no address of a PostgreSQL server, never with a part of it: it may be the password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it is no address of the form postgresql://user:password@host:port/database"
    if parts.scheme not in ("postgresql", "postgres"):
        return "it must begin with postgresql://"
    if " " in url:
        return "it has a space, which is written %20"
    if re.search(r"%(?![0-9A-Fa-f]{2})", url):
        return f"a % in it has no two hexadecimal digits after it: {_WRITE_SO}"
    user, _, servers = parts.netloc.rpartition("@")
    if parts.fragment or "@" in parts.path + user:
        return f"its user or password is not written as in an address: {_WRITE_SO}"
    for server in servers.split(","):
        port = re.fullmatch(r"(?:\[[^\]]*\]|[^:]*)(?::([0-9]{0,5}))?", server)
        if port is None or int(port[1] or 0) > 65535:
            return f"its port is no number up to 65535, or its password is not written as in an address: {_WRITE_SO}"
    return None


class _LogFormat(BaseSettings):
    """The one setting that says how to report that others are wrong."""

    model_config = Settings.model_config

    log_format: str = "console"


def find_log_format() -> str:
    """The form of log lines where the settings as a whole cannot be read."""
    try:
        return _LogFormat().log_format
    except (OSError, ValueError):  # .env is no file of ours
        return os.environ.get("UNIHIRE_LOG_FORMAT", "console")


def read_settings() -> Settings:
    """The settings of this process. Raises ConfigError that names each bad variable, or why .env cannot be read."""
    if os.path.lexists(DOTENV):
        read_text(DOTENV, limit=_DOTENV_BYTES, what=f"{DOTENV} in {Path.cwd()}")
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"UNIHIRE_{'_'.join(str(part) for part in fault['loc']).upper()}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        raise ConfigError(f"bad setting: {faults}") from None
    except RuntimeError as error:  # the home folder of a user whom the system does not know
        raise ConfigError(f"set UNIHIRE_HOME: {error}") from None
