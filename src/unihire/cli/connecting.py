"""`unihire connect`: a customer's credentials, taken without leaving a trace of them, proven, sealed and stored."""

import getpass
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import typer
from rich.markup import escape

from unihire.app import open_sealer
from unihire.cli.consenting import take_code
from unihire.cli.ending import run
from unihire.cli.starting import run_on_database, start
from unihire.cli.terminal import OUT, Json, examples, note, print_json, print_plain
from unihire.errors import ConfigError, VendorError
from unihire.integration.declare import Integration
from unihire.integration.registry import get_integration, list_integrations
from unihire.outbound.auth import Auth, Credential, Grant
from unihire.outbound.client import Retry, VendorClient
from unihire.platform.connectors import NewConnector, check_base_url, create_connector, get_auth, open_client
from unihire.platform.organisations import ensure_organisation, list_keys
from unihire.store import Pool

CHECK = Retry(attempts=2, timeout=15)
"""A person waits for this one."""

Environment = Literal["production", "development"]

_SLUGS = [integration.slug for integration in list_integrations()]
_ONE = next(iter(_SLUGS), "acmehire")

EPILOG = examples(
    f"unihire connect {_ONE} --customer 'ACME GmbH'",
    f"unihire connect {_ONE} --customer 'ACME GmbH' --credentials-file acme.json",
    f"pass show acme | unihire connect {_ONE} --customer 'ACME GmbH' --credentials-file - --json",
)


def connect(
    slug: Annotated[
        str, typer.Argument(metavar="INTEGRATION", help=f"One of: {', '.join(_SLUGS)}.", show_default=False)
    ],
    customer: Annotated[str, typer.Option(help="Whose system it is, as you call them.", show_default=False)],
    organisation: Annotated[str, typer.Option(help="Your organisation; made if there is none.")] = "default",
    environment: Annotated[Environment, typer.Option(help="API keys of this environment reach it.")] = "production",
    origin_id: Annotated[str | None, typer.Option(help="Your own id of the customer.")] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another address of the vendor's API: an emulator, a region.")
    ] = None,
    credentials_file: Annotated[
        Path | None, typer.Option(metavar="PATH|-", help="A JSON object of the credentials; - reads standard input.")
    ] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Save without asking the vendor.")] = False,
    partner: Annotated[
        bool, typer.Option("--partner", help="The credentials are yours, as the vendor's partner; the customer agrees.")
    ] = False,
    redirect_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="With --partner: where the vendor sends the customer on to.")
    ] = None,
    code: Annotated[
        str | None, typer.Option(metavar="CODE|URI", help="With --partner: what the customer came back with.")
    ] = None,
    is_json: Json = False,
) -> None:
    """Connect a customer's system.

    The vendor is asked whether the credentials are good; they are stored sealed, and the connector's token is told
    once.

    Each credential is taken from --credentials-file, else from the environment (UNIHIRE_<INTEGRATION>_<CREDENTIAL>),
    else it is asked for. There is no argument for one: it would stay in the shell's history.

    With --partner the customer makes no credentials: they open the address that is shown, agree, and what they come
    back with is asked for, or given as --code. A vendor's codes end after a minute or so.
    """
    integration = get_integration(slug)
    if not customer.strip():
        raise typer.BadParameter("give the customer a name", param_hint="--customer")
    auth = get_auth(integration, is_partner=partner)
    _check_partner_options(partner, redirect_uri, code, no_check=no_check)
    settings = start()
    address = None if base_url is None else check_base_url(base_url)
    given = {} if credentials_file is None else read_credentials(integration, auth, credentials_file)
    can_ask = _can_ask(credentials_file)
    credentials = gather_credentials(integration, auth, given, os.environ, _ask if can_ask else None)
    sealer = open_sealer(settings)
    client = open_client(integration, credentials, address, is_partner=partner, retry=CHECK)
    if redirect_uri is not None:
        code = take_code(client, redirect_uri, code, can_ask=can_ask)
    elif not no_check:
        run(lambda _: _check(integration, client))

    async def save(pool: Pool) -> tuple[NewConnector, bool]:
        grant = None if redirect_uri is None or code is None else await _redeem(client, code, redirect_uri)
        owner: UUID = await ensure_organisation(pool, organisation)
        new = await create_connector(
            pool,
            sealer,
            organisation=owner,
            environment=environment,
            integration=integration,
            end_user=customer.strip(),
            credentials=credentials,
            origin_id=origin_id,
            base_url=address,
            grant=grant,
        )
        return new, await _has_key(pool, organisation, environment)

    new, has_key = run_on_database(save, settings)
    if is_json:
        print_json(
            {
                "connector_id": str(new.id),
                "connector_token": new.token,
                "integration": slug,
                "customer": customer.strip(),
                "organisation": organisation,
                "environment": environment,
                "origin_id": origin_id,
                "base_url": address,
            }
        )
    else:
        OUT.print(f"[green]✓[/green] {escape(customer.strip())} connected to {integration.name}\n", soft_wrap=True)
        print_plain(f"connector id     {new.id}")
        print_plain(f"connector token  {new.token}")
        OUT.print("\nThe token is shown this once: keep it with your API key.", style="dim")
        OUT.print(f"Where unihire serve or a worker runs, it is being synced; unihire sync {new.id} does it here.")
    if not has_key:
        named = "" if organisation == "default" else f" --organisation '{organisation}'"
        note(f"There is no API key yet: unihire keys create --environment {environment}{escape(named)}")


def name_variable(integration: Integration, credential: Credential) -> str:
    """The environment variable of a credential."""
    return f"UNIHIRE_{integration.slug}_{credential.name}".upper().replace("-", "_")


def read_credentials(integration: Integration, auth: Auth, path: Path) -> dict[str, str]:
    """The credentials in a JSON file, or on standard input for `-`. Raises ConfigError, never telling a value."""
    where = "standard input" if str(path) == "-" else str(path)
    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {where}: {error.strerror}") from None
    names = [credential.name for credential in auth.credentials]
    try:
        given = msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        shape = ", ".join(f'"{name}": "…"' for name in names)
        raise ConfigError(f"{where} must be a JSON object of texts: {{{shape}}}") from None
    if unknown := set(given) - set(names):
        raise ConfigError(f"{where} has {', '.join(sorted(unknown))}; {integration.name} takes {', '.join(names)}")
    return given


def gather_credentials(
    integration: Integration,
    auth: Auth,
    given: Mapping[str, str],
    environ: Mapping[str, str],
    ask: Callable[[Credential], str] | None,
) -> dict[str, str]:
    """Every credential, from the first source that has it: `given`, the environment, the person.

    An optional one may be missing. Raises ConfigError that says where to put what is not.
    """
    found: dict[str, str] = {}
    missing = []
    for credential in auth.credentials:
        value = given.get(credential.name) or environ.get(name_variable(integration, credential)) or ""
        if not value.strip() and ask is not None:
            value = ask(credential)
        if value.strip():
            found[credential.name] = value.strip()
        elif not credential.is_optional:
            missing.append(credential)
    if missing:
        names = ", ".join(credential.name for credential in missing)
        variables = " and ".join(name_variable(integration, credential) for credential in missing)
        raise ConfigError(
            f"{integration.name} also needs {names}: set {variables}, give --credentials-file, or run it in a terminal"
        )
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


def _check_partner_options(partner: bool, redirect_uri: str | None, code: str | None, *, no_check: bool) -> None:
    if not partner and (redirect_uri is not None or code is not None):
        raise typer.BadParameter("it goes with --partner", param_hint="--redirect-uri" if redirect_uri else "--code")
    if partner and redirect_uri is None:
        raise typer.BadParameter("--partner needs the one you gave the vendor", param_hint="--redirect-uri")
    if partner and no_check:
        raise typer.BadParameter("a partner is let in by the vendor only", param_hint="--no-check")


async def _check(integration: Integration, client: VendorClient) -> None:
    try:
        async with client:
            await client.check()
    except VendorError:
        note("Nothing was saved; --no-check saves without asking the vendor.")
        raise
    note(f"[green]✓[/green] {integration.name} accepts the credentials")


async def _redeem(client: VendorClient, code: str, redirect_uri: str) -> Grant:
    try:
        async with client:
            return await client.redeem(code, redirect_uri)
    except VendorError:
        note("Nothing was saved. A code works once and not for long: let the customer agree again.")
        raise


async def _has_key(pool: Pool, organisation: str, environment: str) -> bool:
    return any(
        key["organisation"] == organisation and key["environment"] == environment and key["revoked_at"] is None
        for key in await list_keys(pool)
    )
