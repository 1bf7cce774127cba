"""Credentials as a command takes them: from a file, the environment or a person, and proven at the vendor."""

import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer
from rich.markup import escape

from unihire.cli.consenting import take_code
from unihire.cli.console.ending import run
from unihire.cli.console.terminal import note
from unihire.errors import AddressRefused, ConfigError, VendorError
from unihire.integration.declare import Integration
from unihire.integration.registry import find_webhooks, list_writing
from unihire.integration.scopes import Access, list_scopes
from unihire.kit.files import find_fault, read_file
from unihire.outbound.addresses import Network
from unihire.outbound.auth import AuthorizationCode, Credential, Grant, MemoryGrants
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.connectors import get_auth, open_client
from unihire.platform.public_url import CONSENT_PATH, build_public_url
from unihire.settings import Settings

CHECK = Retry(attempts=2, timeout=15)
"""A person waits for this one."""

CREDENTIALS_BYTES = 1_000_000
CREDENTIAL_LENGTH = 20_000
"""A private key of 16,384 bits is shorter."""


_SPENT = "Nothing was saved. A code works once and not for long: let the customer agree again."


@dataclass(frozen=True, slots=True)
class Proof:
    """Credentials that were taken, and of a partner the code the customer came back with, asked for `scopes`."""

    credentials: dict[str, str]
    client: VendorClient
    code: str | None
    redirect_uri: str | None
    scopes: tuple[str, ...] = ()

    async def redeem(self) -> Grant | None:
        """What the code is worth, None without one. It works once: call it when everything else is right."""
        if self.code is None or self.redirect_uri is None:
            return None
        try:
            async with self.client:
                return await self.client.redeem(self.code, self.redirect_uri, self.scopes)
        except (VendorError, AddressRefused):
            note(_SPENT)
            raise

    async def prove(self, check: Callable[[VendorClient], Awaitable[None]]) -> Grant | None:
        """As `redeem`, once `check` has asked with the credentials: what was bought for it, where more was needed.

        `check` is given a client to be used in `async with`.
        """
        stored = MemoryGrants(await self.redeem())
        has_code = stored.grant is not None
        try:
            await check(VendorClient(self.client.target, self.credentials, grants=stored))
        except (VendorError, AddressRefused):
            note(_SPENT if has_code else "Nothing was saved.")
            raise
        return stored.grant if has_code else None


def take_credentials(
    integration: Integration,
    address: str | None,
    credentials_file: Path | None,
    *,
    is_address_trusted: bool,
    networks: Sequence[Network],
    is_partner: bool,
    redirect_uri: str | None,
    code: str | None,
    access: Access,
    no_check: bool,
) -> Proof:
    """Take what the integration needs; the vendor is asked about it, unless a partner's code will show it."""
    auth = get_auth(integration, is_partner=is_partner)
    asked = integration.list_credentials(is_partner=is_partner)
    given = {} if credentials_file is None else read_credentials(integration, asked, credentials_file)
    can_ask = _can_ask(credentials_file)
    credentials = gather_credentials(integration, asked, given, os.environ, _ask if can_ask else None)
    client = open_client(
        integration, credentials, address,
        is_base_url_trusted=is_address_trusted, networks=networks, is_partner=is_partner, retry=CHECK,
    )  # fmt: skip
    scopes: tuple[str, ...] = ()
    if isinstance(auth, AuthorizationCode) and redirect_uri is not None:
        writing, webhooks = list_writing(integration.slug), find_webhooks(integration.slug)
        scopes = list_scopes(auth, writing, access, webhooks)
        code = take_code(client, redirect_uri, code, scopes=scopes, access=access, can_ask=can_ask)
    elif not no_check:
        run(lambda _: _check(integration, client))
    return Proof(credentials, client, code, redirect_uri, scopes)


def check_partner_options(
    partner: bool, redirect_uri: str | None, code: str | None, access: Access | None, *, no_check: bool
) -> None:
    if not partner and access is not None:
        raise typer.BadParameter("it goes with --partner", param_hint="--access")
    if not partner and (redirect_uri is not None or code is not None):
        raise typer.BadParameter("it goes with --partner", param_hint="--redirect-uri" if redirect_uri else "--code")
    if partner and no_check:
        raise typer.BadParameter("a partner is let in by the vendor only", param_hint="--no-check")


def find_redirect_uri(settings: Settings, given: str | None, *, is_partner: bool) -> str | None:
    """Where the vendor sends a partner's customer on to: what was given, else our own page for it."""
    if given is not None or not is_partner:
        return given
    if settings.public_url is None:
        raise typer.BadParameter(
            "--partner needs the one you gave the vendor, or UNIHIRE_PUBLIC_URL to be set", param_hint="--redirect-uri"
        )
    return build_public_url(settings, CONSENT_PATH)


def name_variable(integration: Integration, credential: Credential) -> str:
    """The environment variable of a credential."""
    return f"UNIHIRE_{integration.slug}_{credential.name}".upper().replace("-", "_")


def read_credentials(integration: Integration, asked: Sequence[Credential], path: Path) -> dict[str, str]:
    """The credentials in a JSON file, or on standard input for `-`. Raises ConfigError, never telling a value."""
    where = "standard input" if str(path) == "-" else str(path)
    if str(path) == "-":
        text = sys.stdin.buffer.read(CREDENTIALS_BYTES)
    else:
        text = read_file(path, limit=CREDENTIALS_BYTES, can_be_pipe=True)
    names = [credential.name for credential in asked]
    try:
        given = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError):
        shape = ", ".join(f'"{name}": "…"' for name in names)
        raise ConfigError(f"{where} must be a JSON object of texts: {{{shape}}}") from None
    if unknown := set(given) - set(names):
        raise ConfigError(f"{where} has {', '.join(sorted(unknown))}; {integration.name} takes {', '.join(names)}")
    return given


def gather_credentials(
    integration: Integration,
    asked: Sequence[Credential],
    given: Mapping[str, str],
    environ: Mapping[str, str],
    ask: Callable[[Credential], str] | None,
) -> dict[str, str]:
    """Every credential, from the first source that has it: `given`, the environment, the person.

    An optional one may be missing. Raises ConfigError that says where to put what is not, and where one credential of a
    write key comes without the others.
    """
    found: dict[str, str] = {}
    missing = []
    for credential in asked:
        value = given.get(credential.name) or environ.get(name_variable(integration, credential)) or ""
        if not value.strip() and ask is not None:
            value = ask(credential)
        if value.strip():
            if (fault := find_fault(value.strip(), limit=CREDENTIAL_LENGTH)) is not None:
                raise ConfigError(f"{credential.name} cannot be right, for {fault}: copy it again")
            found[credential.name] = value.strip()
        elif not credential.is_optional:
            missing.append(credential)
    if missing:
        names = ", ".join(credential.name for credential in missing)
        variables = " and ".join(name_variable(integration, credential) for credential in missing)
        raise ConfigError(
            f"{integration.name} also needs {names}: set {variables}, give --credentials-file, or run it in a terminal"
        )
    if integration.write_key is not None and (gap := integration.write_key.find_gap(found)) is not None:
        raise ConfigError(f"{integration.name}: {gap}")
    return found


def _can_ask(credentials_file: Path | None) -> bool:
    return sys.stdin.isatty() and str(credentials_file) != "-"


def _ask(credential: Credential) -> str:
    """Ask on the terminal, again until what is needed is typed; stdout stays free for the result."""
    note(f"[dim]{escape(credential.help)}[/dim]")
    title = f"{credential.title}{' (or nothing)' if credential.is_optional else ''}"
    while True:
        try:
            if credential.is_secret:
                value = getpass.getpass(f"{title} (not shown): ", sys.stderr)
            else:
                sys.stderr.write(f"{title}: ")
                sys.stderr.flush()
                value = input()
        except EOFError:
            sys.stderr.write("\n")
            return ""
        if value.strip() or credential.is_optional:
            return value


async def _check(integration: Integration, client: VendorClient) -> None:
    try:
        async with client:
            await client.check()
    except (VendorError, AddressRefused):
        note("Nothing was saved; --no-check saves without asking the vendor.")
        raise
    note(f"[green]✓[/green] {integration.name} accepts the credentials")
