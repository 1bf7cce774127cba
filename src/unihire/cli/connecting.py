"""`unihire connect` and `reconnect`: a customer's credentials, taken without a trace of them, proven and sealed."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape

from unihire.cli.console.arguments import Environment, make_name_option
from unihire.cli.console.picking import pick_connectors
from unihire.cli.console.starting import run_on_database, start
from unihire.cli.console.terminal import OUT, Json, examples, note, print_json, print_line, print_plain
from unihire.cli.proving import check_partner_options, find_redirect_uri, take_credentials
from unihire.errors import ConfigError
from unihire.integration.registry import get_integration, list_integrations, list_writing
from unihire.integration.scopes import Access, find_access
from unihire.outbound.client import VendorClient
from unihire.platform.accounts import check_account, has_records
from unihire.platform.connectors import NewConnector, check_base_url, create_connector, get_auth, reconnect_connector
from unihire.platform.organisations import ensure_organisation, list_keys
from unihire.platform.sealing import find_sealer, open_sealer
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector

_SLUGS = [integration.slug for integration in list_integrations()]
_ONE = next(iter(_SLUGS), "acmehire")

CredentialsFile = Annotated[
    Path | None, typer.Option(metavar="PATH|-", help="A JSON object of the credentials; - reads standard input.")
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Save without asking the vendor.")]
RedirectUri = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="Of a partner: where the vendor sends the customer on to.",
        show_default="/consent under UNIHIRE_PUBLIC_URL",
    ),
]
Code = Annotated[str | None, typer.Option(metavar="CODE|URI", help="Of a partner: what the customer came back with.")]
AskedAccess = Annotated[
    Access | None,
    typer.Option("--access", help="Of a partner: what the customer is asked to grant.", show_default="read"),
]

EPILOG = examples(
    f"unihire connect {_ONE} --customer 'ACME GmbH'",
    f"unihire connect {_ONE} --customer 'ACME GmbH' --credentials-file acme.json",
    f"pass show acme | unihire connect {_ONE} --customer 'ACME GmbH' --credentials-file - --json",
)

RECONNECT_EPILOG = examples(
    "unihire reconnect 3f2c",
    "unihire reconnect 3f2c --credentials-file acme.json --json",
    "unihire reconnect 3f2c --redirect-uri https://app.example.com/back",
)


def connect(
    slug: Annotated[
        str, typer.Argument(metavar="INTEGRATION", help=f"One of: {', '.join(_SLUGS)}.", show_default=False)
    ],
    customer: Annotated[str, make_name_option("Whose system it is, as you call them.", show_default=False)],
    organisation: Annotated[str, make_name_option("Your organisation; made if there is none.")] = "default",
    environment: Annotated[Environment, typer.Option(help="API keys of this environment reach it.")] = "production",
    origin_id: Annotated[str | None, make_name_option("Your own id of the customer.")] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another address of the vendor's API: an emulator, a region.")
    ] = None,
    credentials_file: CredentialsFile = None,
    no_check: NoCheck = False,
    partner: Annotated[
        bool, typer.Option("--partner", help="The credentials are yours, as the vendor's partner; the customer agrees.")
    ] = False,
    redirect_uri: RedirectUri = None,
    code: Code = None,
    access: AskedAccess = None,
    is_json: Json = False,
) -> None:
    """Connect a customer's system.

    The vendor is asked whether the credentials are valid; they are stored encrypted, and the connector's token is shown
    once.

    Each credential is taken from --credentials-file, else from the environment (UNIHIRE_<INTEGRATION>_<CREDENTIAL>),
    else it is asked for. There is no argument for one: it would stay in the shell's history.

    With --partner the customer makes no credentials: they open the address that is shown, agree, and what they come
    back with is asked for, or given as --code. A vendor's codes end after a minute or so. Where they come back to is
    what the vendor has of you as redirect URI: --redirect-uri, else /consent under UNIHIRE_PUBLIC_URL. They are asked
    to let you read; with --access read-write also to create what the operations of the integration create. Whoever
    gives --code in a second call gives --access in both.
    """
    integration = get_integration(slug)
    get_auth(integration, is_partner=partner)  # or the vendor has no partners
    check_partner_options(partner, redirect_uri, code, access, no_check=no_check)
    settings = start()
    back = find_redirect_uri(settings, redirect_uri, is_partner=partner)
    address = None if base_url is None else check_base_url(base_url)
    find_sealer(settings)  # or a bad key is found when all else is done
    proof = take_credentials(
        integration, address, credentials_file,
        is_address_trusted=True, networks=settings.list_allowed_networks(),
        is_partner=partner, redirect_uri=back, code=code, access=access or "read", no_check=no_check,
    )  # fmt: skip

    async def save(pool: Pool) -> tuple[NewConnector, bool]:
        sealer = await open_sealer(settings, pool)
        grant = await proof.redeem()
        owner: UUID = await ensure_organisation(pool, organisation)
        new = await create_connector(
            pool,
            sealer,
            organisation=owner,
            environment=environment,
            integration=integration,
            end_user=customer.strip(),
            credentials=proof.credentials,
            origin_id=origin_id,
            base_url=address,
            is_base_url_trusted=address is not None,
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
        print_line(f"[green]✓[/green] {escape(customer.strip())} connected to {integration.name}\n")
        print_plain(f"connector id     {new.id}")
        print_plain(f"connector token  {new.token}")
        OUT.print("\nThe token is shown this once: keep it with your API key.", style="dim")
        OUT.print(f"Where unihire serve or a worker runs, it is being synced; unihire sync {new.id} does it here.")
    if not has_key:
        named = "" if organisation == "default" else f" --organisation '{organisation}'"
        note(f"There is no API key yet: unihire keys create --environment {environment}{escape(named)}")


def reconnect(
    id: Annotated[str, typer.Argument(metavar="ID", help="The connector's id, or its beginning.", show_default=False)],
    credentials_file: CredentialsFile = None,
    no_check: NoCheck = False,
    redirect_uri: RedirectUri = None,
    code: Code = None,
    access: Annotated[
        Access | None,
        typer.Option("--access", help="Of a partner: what the customer is asked to grant.", show_default="as before"),
    ] = None,
    same_account: Annotated[
        bool, typer.Option("--same-account", help="You know that they are of the same account as before.")
    ] = False,
    is_json: Json = False,
) -> None:
    """Give a connector new credentials.

    Its id, its token and all records stay as they are; a sync begins at once. Credentials are taken and checked as
    by connect; of a partner's connector the customer agrees again, and comes back to the same redirect URI.

    They must be of the account the records are from: the vendor is asked for the first rows of some lists, and nothing
    is saved where none of them is known here. With --same-account that much is taken on your word, and with --no-check
    besides all of it; rows that contradict are never taken.

    The rows can be asked for only with a grant, so a partner's code is spent before the accounts are compared: where
    nothing is saved, the customer must agree once more.
    """
    settings = start()

    async def find(pool: Pool) -> Connector:
        (found,) = await pick_connectors(pool, [id])
        return found

    connector = run_on_database(find, settings)
    integration = get_integration(connector.integration)
    check_partner_options(connector.is_partner, redirect_uri, code, access, no_check=no_check)
    back = find_redirect_uri(settings, redirect_uri, is_partner=connector.is_partner)
    before = find_access(list_writing(integration.slug), connector.scopes)
    find_sealer(settings)  # or a bad key is found when all else is done
    proof = take_credentials(
        integration, connector.base_url, credentials_file,
        is_address_trusted=connector.is_base_url_trusted, networks=settings.list_allowed_networks(),
        is_partner=connector.is_partner, redirect_uri=back, code=code, access=access or before,
        no_check=no_check,
    )  # fmt: skip

    async def save(pool: Pool) -> None:
        sealer = await open_sealer(settings, pool)
        if no_check and not same_account and await has_records(pool, connector):
            raise ConfigError(
                "with --no-check nobody looks whether the credentials are of the account the records are from: leave "
                "it out, or give --same-account besides where you know that they are"
            )

        async def check(client: VendorClient) -> None:
            await check_account(pool, connector, integration, client, is_confirmed=same_account)

        grant = await (proof.redeem() if no_check else proof.prove(check))
        await reconnect_connector(pool, sealer, connector, integration, proof.credentials, grant=grant)

    run_on_database(save, settings)
    if is_json:
        print_json({"connector_id": str(connector.id), "integration": integration.slug, "status": "COMPLETE"})
    else:
        OUT.print(f"[green]✓[/green] {escape(connector.end_user)} connected again, with its records and its token")


async def _has_key(pool: Pool, organisation: str, environment: str) -> bool:
    return any(
        key["organisation"] == organisation and key["environment"] == environment and key["is_good"]
        for key in await list_keys(pool)
    )
