"""`unihire links`: links for customers, how their page looks, and where integrations are asked."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer
from rich.markup import escape

from unihire.app import make_policy
from unihire.cli.console.arguments import Environment, make_name_option
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import Json, examples, note, print_json, print_line, print_plain
from unihire.cli.proving import read_credentials
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration, list_integrations
from unihire.kit.files import read_file
from unihire.pages.link_page import PATH
from unihire.platform.connectors import check_base_url
from unihire.platform.linking.link_rules import (
    LOGO_BYTES,
    WantedSettings,
    fetch_logo,
    save_base_url,
    save_logo,
    save_partner,
    save_settings,
)
from unihire.platform.linking.link_tokens import EndUser, create_link_token
from unihire.platform.organisations import ensure_organisation
from unihire.platform.public_url import build_public_url
from unihire.platform.sealing import open_sealer
from unihire.store import Pool
from unihire.store.accounts.link_settings import get_settings, list_link_integrations

_ONE = next((integration.slug for integration in list_integrations()), "acmehire")

EPILOG = examples(
    "unihire links create --customer 'ACME GmbH' --origin-id acme",
    "unihire links settings --name 'Example Inc.' --colour '#1f5fbf' --origin https://app.example.com",
    "unihire links settings --logo logo.png",
    f"unihire links address {_ONE} http://127.0.0.1:8800",
    f"unihire links partner {_ONE} --credentials-file partner.json",
)

app = typer.Typer(no_args_is_help=False)

Organisation = Annotated[str, make_name_option("Whose links; made if there is none.")]
InEnvironment = Annotated[Environment, typer.Option(help="The links of this environment.")]
Slug = Annotated[str, typer.Argument(metavar="INTEGRATION", help="The system.", show_default=False)]


@app.callback(invoke_without_command=True)
def links(context: typer.Context, is_json: Json = False) -> None:
    """Make links for customers, and say how their page looks; alone, it shows the settings."""
    if context.invoked_subcommand is None:
        _show("default", "production", is_json=is_json)


@app.command()
def show(
    organisation: Organisation = "default", environment: InEnvironment = "production", is_json: Json = False
) -> None:
    """Show the settings."""
    _show(organisation, environment, is_json=is_json)


@app.command()
def create(
    customer: Annotated[str | None, make_name_option("Whose system is to be connected, as you call them.")] = None,
    origin_id: Annotated[str | None, make_name_option("Your own id of the customer.")] = None,
    integration: Annotated[
        str | None, typer.Option(metavar="INTEGRATION", help="The system.", show_default="the customer picks one")
    ] = None,
    relink: Annotated[
        str | None, typer.Option(metavar="ID", help="A connector that gets new credentials: its id, or the beginning.")
    ] = None,
    organisation: Organisation = "default",
    environment: InEnvironment = "production",
    is_json: Json = False,
) -> None:
    """Make a link to send to a customer, who connects their system there.

    It is valid for 7 days and for one connector. Whoever has it can use it. The address is below UNIHIRE_PUBLIC_URL;
    where that is not set, it is a path.
    """
    if (customer is None) == (relink is None):
        raise typer.BadParameter("give one of the two: whom it is for, or what is linked anew", param_hint="--customer")
    settings = start()

    async def make(pool: Pool) -> str:
        category = "ATS"
        if relink is not None:
            (connector,) = await pick_connectors(pool, [relink])
            return await create_link_token(
                pool,
                organisation=connector.organisation,
                environment=connector.environment,
                category=connector.category,
                connector_id=connector.id,
            )
        if integration is not None:
            get_integration(integration)  # or the error lists those there are
        assert customer is not None
        return await create_link_token(
            pool,
            organisation=await ensure_organisation(pool, organisation),
            environment=environment,
            category=category,
            integration=integration,
            end_user=EndUser(customer.strip(), origin_id),
        )

    token = run_on_database(make, settings)
    path = f"{PATH}?link_token={token}"
    url = path if settings.public_url is None else build_public_url(settings, path)
    if is_json:
        print_json({"link_token": token, "url": url})
    else:
        print_plain(url)
        note("It is shown this once, and valid for 7 days.")


@app.command()
def settings(
    name: Annotated[str | None, make_name_option("Who asks the customer to connect.")] = None,
    colour: Annotated[str | None, typer.Option(metavar="#RRGGBB", help="Of what is pressed.")] = None,
    language: Annotated[str | None, typer.Option(metavar="en|de", help="Where the browser asks for none.")] = None,
    origin: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="What may frame the page; repeat it for several.")
    ] = None,
    no_origins: Annotated[bool, typer.Option("--no-origins", help="Nothing may frame the page.")] = False,
    logo: Annotated[
        str | None, typer.Option(metavar="PATH|URL", help="PNG, JPEG, GIF or WebP, 1 MiB at most; - removes it.")
    ] = None,
    organisation: Organisation = "default",
    environment: InEnvironment = "production",
    is_json: Json = False,
) -> None:
    """Change how the page looks, and what may frame it. What is left out stays."""
    if origin and no_origins:
        raise typer.BadParameter("it goes without --origin", param_hint="--no-origins")
    found = start()

    async def change(pool: Pool) -> None:
        owner = await ensure_organisation(pool, organisation)
        old = await get_settings(pool, owner, environment)
        wanted = WantedSettings(
            old.name if name is None else name.strip(),
            old.colour if colour is None else colour,
            old.language if language is None else language,
            () if no_origins else origin or old.origins,
        )
        await save_settings(pool, owner, environment, wanted)
        if logo is not None:
            await save_logo(pool, owner, environment, await read_logo(logo))

    async def read_logo(where: str) -> bytes | None:
        if where == "-":
            return None
        if where.startswith(("http://", "https://")):
            return await fetch_logo(make_policy(found), where)
        return read_file(Path(where), limit=LOGO_BYTES)

    run_on_database(change, found)
    _show(organisation, environment, is_json=is_json)


@app.command()
def address(
    slug: Slug,
    url: Annotated[str | None, typer.Argument(metavar="URL", help="Where the system is asked.")] = None,
    is_default: Annotated[bool, typer.Option("--default", help="Ask it at its own address again.")] = False,
    organisation: Organisation = "default",
    environment: InEnvironment = "production",
) -> None:
    """Say where new links to a system ask it: an emulator, a proxy. Connectors that there are stay as they are."""
    if (url is None) != is_default:
        raise typer.BadParameter("give one of the two: an address, or --default", param_hint="URL")
    get_integration(slug)
    checked = None if url is None else check_base_url(url)

    async def change(pool: Pool) -> None:
        await save_base_url(pool, await ensure_organisation(pool, organisation), environment, slug, checked)

    run_on_database(change, start())
    print_line(f"[green]✓[/green] new links to {slug} ask {escape(checked or 'its own address')}")


@app.command()
def partner(
    slug: Slug,
    credentials_file: Annotated[
        Path | None, typer.Option(metavar="PATH|-", help="A JSON object of your credentials as the vendor's partner.")
    ] = None,
    is_removed: Annotated[bool, typer.Option("--remove", help="Offer consent no more.")] = False,
    organisation: Organisation = "default",
    environment: InEnvironment = "production",
) -> None:
    """Give your own credentials as a vendor's partner: customers then sign in there and agree, and enter nothing.

    The vendor must have /consent below UNIHIRE_PUBLIC_URL as your redirect URI.
    """
    if (credentials_file is None) != is_removed:
        raise typer.BadParameter("give one of the two: --credentials-file or --remove", param_hint="--credentials-file")
    integration = get_integration(slug)
    if integration.partner_auth is None:
        raise ConfigError(f"{integration.name} has no partners: customers enter credentials")
    credentials = None
    if credentials_file is not None:
        credentials = read_credentials(integration, integration.partner_auth.credentials, credentials_file)
    found = start()

    async def change(pool: Pool) -> None:
        sealer = await open_sealer(found, pool)
        owner = await ensure_organisation(pool, organisation)
        await save_partner(pool, sealer, owner, environment, slug, credentials)

    run_on_database(change, found)
    said = "no longer offer consent" if credentials is None else "offer consent"
    print_line(f"[green]✓[/green] links to {integration.name} {said}")


def _show(organisation: str, environment: str, *, is_json: bool) -> None:
    async def find(pool: Pool) -> dict[str, object]:
        owner: UUID = await ensure_organisation(pool, organisation)
        found = await get_settings(pool, owner, environment)
        said = await list_link_integrations(pool, owner, environment)
        return {
            "organisation": organisation,
            "environment": environment,
            "name": found.name,
            "colour": found.colour,
            "language": found.language,
            "origins": list(found.origins),
            "logo_type": found.logo_type,
            "integrations": [
                {"integration": one.integration, "base_url": one.base_url, "has_partner": one.partner is not None}
                for one in said.values()
            ],
        }

    shown = run_on_database(find, start())
    if is_json:
        print_json(shown)
        return
    for name, value in shown.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        print_plain(f"{name:<14}{text}")
