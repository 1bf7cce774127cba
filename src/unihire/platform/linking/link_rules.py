"""What an environment says of its links: checked, and stored."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aiohttp
import msgspec

from unihire.errors import AddressRefused, ConfigError
from unihire.integration.registry import get_integration
from unihire.kit.files import find_fault
from unihire.kit.seal import Sealer
from unihire.outbound.addresses import AddressPolicy, make_connector
from unihire.platform.connectors import check_base_url
from unihire.platform.organisations import ENVIRONMENTS
from unihire.platform.sealing import make_partner_context
from unihire.store import Connection, Pool
from unihire.store.accounts import link_settings
from unihire.store.audit import Act, log_act

LANGUAGES = ("en", "de")
MOST_ORIGINS = 20
LONGEST_NAME = 100
LOGO_BYTES = 1024 * 1024
LOGO_SECONDS = 15.0

LOGO_TYPES: Mapping[str, re.Pattern[bytes]] = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}
"""How files of each type begin. No SVG: it can contain scripts."""

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?")
_LOOPBACK = ("localhost",)


@dataclass(frozen=True, slots=True)
class WantedSettings:
    """How the page is to look; None: as it is without having been said."""

    name: str | None = None
    colour: str | None = None
    language: str | None = None
    origins: Sequence[str] = ()


def find_setting_faults(wanted: WantedSettings) -> dict[str, str]:
    """What is wrong, by the name of the setting; nothing where all is right."""
    faults: dict[str, str] = {}
    if wanted.name is not None and (fault := find_fault(wanted.name, limit=LONGEST_NAME)) is not None:
        faults["name"] = fault
    if wanted.colour is not None and _COLOUR.fullmatch(wanted.colour) is None:
        faults["colour"] = "a colour is written #rrggbb"
    if wanted.language is not None and wanted.language not in LANGUAGES:
        faults["language"] = f"the languages are {', '.join(LANGUAGES)}"
    if len(wanted.origins) > MOST_ORIGINS:
        faults["origins"] = f"there can be {MOST_ORIGINS} at most"
    elif (bad := next((origin for origin in wanted.origins if not is_origin(origin)), None)) is not None:
        faults["origins"] = (
            f"{bad[:100]!r} is not an origin: write https://host[:port], or http:// of a loopback address"
        )
    return faults


def is_origin(text: str) -> bool:
    """Whether a text is an origin as browsers write it: https, or http of this machine alone."""
    if _ORIGIN.fullmatch(text) is None:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if port == 0 or port == {"https": 443, "http": 80}[parts.scheme]:  # browsers leave those out
        return False
    return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK or host.endswith(".localhost")


async def save_settings(pool: Pool, organisation: UUID, environment: str, wanted: WantedSettings) -> None:
    """Raises ConfigError for what `find_setting_faults` finds."""
    check_environment(environment)
    if faults := find_setting_faults(wanted):
        raise ConfigError("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
    colour = None if wanted.colour is None else wanted.colour.lower()
    said = {"name": wanted.name, "colour": colour, "language": wanted.language}
    origins = list(dict.fromkeys(wanted.origins))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(link_settings.SET_SETTINGS, organisation, environment, *said.values(), origins)
        await _log(connection, organisation, environment, "link_settings.changed", {**said, "origins": origins})


def find_logo_type(content: bytes) -> str:
    """The type of a logo, by how it begins. Raises ConfigError for one that is none of them, or too large."""
    if len(content) > LOGO_BYTES:
        raise ConfigError(f"the logo is larger than {LOGO_BYTES // 1024:,} KiB")
    for kind, beginning in LOGO_TYPES.items():
        if beginning.match(content) is not None:
            return kind
    raise ConfigError(f"the logo is none of: {', '.join(LOGO_TYPES)}")


async def save_logo(pool: Pool, organisation: UUID, environment: str, content: bytes | None) -> None:
    """Store a logo, or remove it. Raises ConfigError for one that cannot be shown."""
    check_environment(environment)
    kind = None if content is None else find_logo_type(content)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(link_settings.SET_LOGO, organisation, environment, content, kind)
        await _log(connection, organisation, environment, "link_settings.changed", {"logo_type": kind})


async def fetch_logo(policy: AddressPolicy, url: str) -> bytes:
    """The file at an address, asked for once; pages show what was stored. Raises ConfigError, AddressRefused too."""
    try:
        async with (
            aiohttp.ClientSession(
                connector=make_connector(policy, limit=1),
                timeout=aiohttp.ClientTimeout(total=LOGO_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ConfigError(f"the address of the logo answers {answer.status}, and must answer 200 with it")
            read = bytearray()
            async for chunk in answer.content.iter_chunked(64 * 1024):
                read += chunk
                if len(read) > LOGO_BYTES:
                    raise ConfigError(f"the logo is larger than {LOGO_BYTES // 1024:,} KiB")
            return bytes(read)
    except AddressRefused:
        raise
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ConfigError(f"the logo could not be fetched ({type(error).__name__})") from None


async def save_base_url(pool: Pool, organisation: UUID, environment: str, slug: str, url: str | None) -> None:
    """Where new links to an integration are asked; None: at the vendor's own address.

    Only for addresses that the operator gave: one of a private network is accepted. Raises ConfigError.
    """
    check_environment(environment)
    get_integration(slug)
    address = None if url is None else check_base_url(url)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(link_settings.SET_BASE_URL, uuid4(), organisation, environment, slug, address)
        said = {"integration_slug": slug, "base_url": address}
        await _log(connection, organisation, environment, "link_settings.changed", said)


async def save_partner(
    pool: Pool, sealer: Sealer, organisation: UUID, environment: str, slug: str, credentials: Mapping[str, str] | None
) -> None:
    """The operator's own credentials as the vendor's partner: with them links offer consent. None removes them.

    Raises ConfigError where the vendor has no partners, or a credential is missing or another than those it takes.
    """
    check_environment(environment)
    integration = get_integration(slug)
    if integration.partner_auth is None:
        raise ConfigError(f"{integration.name} has no partners: customers enter credentials")
    names = [one.name for one in integration.partner_auth.credentials]
    given = credentials or {}
    if credentials is not None and (missing := [name for name in names if not given.get(name)]):
        raise ConfigError(f"{integration.name} also needs: {', '.join(missing)}")
    if unknown := set(given) - set(names):
        raise ConfigError(f"{integration.name} takes {', '.join(names)}, not {', '.join(sorted(unknown))}")
    async with pool.acquire() as connection, connection.transaction():
        asked = uuid4(), organisation, environment, slug
        id: UUID = await connection.fetchval(link_settings.ENSURE_LINK_INTEGRATION, *asked)
        plain = None if credentials is None else msgspec.json.encode(dict(credentials))
        sealed = None if plain is None else sealer.seal(plain, make_partner_context(id))
        await connection.execute(link_settings.SET_PARTNER, id, sealed)
        said = {"integration_slug": slug, "has_partner": sealed is not None}
        await _log(connection, organisation, environment, "link_settings.changed", said)


async def _log(
    connection: Connection, organisation: UUID, environment: str, act: str, after: Mapping[str, object]
) -> None:
    """A line of the audit trail; the settings are one of an environment."""
    said = Act(
        organisation=organisation, environment=environment, act=act, kind="link_settings", object=environment,
        after=after,
    )  # fmt: skip
    await log_act(connection, said)


def check_environment(environment: str) -> None:
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"there is no environment {environment!r}; there are: {', '.join(ENVIRONMENTS)}")
