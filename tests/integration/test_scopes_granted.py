"""What a vendor says that it granted is stored with the connector, for as long as its credentials are the same."""

import json

import pytest
from aiohttp import web

from testbed.partner import PARTNER, SECRETS, TokenEndpoint, connect_partner, make_grant
from testbed.vendor import IMPATIENT, Vendor, say
from unihire.cli.proving import Proof
from unihire.errors import VendorRefused
from unihire.kit.seal import Sealer
from unihire.outbound.auth import Grant
from unihire.outbound.client import VendorClient
from unihire.platform.connectors import open_client, reconnect_connector
from unihire.platform.grants import StoredGrants
from unihire.store import Pool
from unihire.store.accounts.tenancy import Connector, get_connector

BACK = "https://partner.example.com/back"
ASKED = ("jobs:read", "jobs:create", "notes:create")


@pytest.fixture
def endpoint(vendor: Vendor) -> TokenEndpoint:
    made = TokenEndpoint(vendor)
    made.open()
    return made


def name_scopes(vendor: Vendor, endpoint: TokenEndpoint, scope: object) -> None:
    """Let the vendor name these in its next token answer."""

    async def hand_out(request: web.Request) -> web.StreamResponse:
        answer = await endpoint.hand_out(request)
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        return say({**json.loads(answer.body), "scope": scope})

    vendor.answers["/token"].insert(0, hand_out)


async def redeem(vendor: Vendor) -> Grant:
    async with open_client(
        PARTNER, SECRETS, vendor.base_url, is_base_url_trusted=True, is_partner=True, retry=IMPATIENT
    ) as client:
        return await client.redeem("the-code", BACK, ASKED)


async def connect(pool: Pool, sealer: Sealer, vendor: Vendor, grant: Grant) -> Connector:
    return await connect_partner(
        pool, sealer, integration=PARTNER, base_url=vendor.base_url, credentials=SECRETS, grant=grant
    )


async def renew(pool: Pool, sealer: Sealer, connector: Connector) -> list[str] | None:
    """The scopes of the connector once its next token is bought."""
    kept = StoredGrants(
        pool, sealer, connector=connector.id, number=connector.number, version=connector.credentials_version
    )
    async with open_client(
        PARTNER, SECRETS, connector.base_url, is_base_url_trusted=True, is_partner=True, grants=kept, retry=IMPATIENT
    ) as client:
        await client.check()
    return await read_scopes(pool, connector)


async def read_scopes(pool: Pool, connector: Connector) -> list[str] | None:
    found = await get_connector(pool, connector.id)
    assert found is not None
    return found.scopes


async def test_what_was_asked_for_is_granted_where_the_vendor_names_nothing_else(
    pool: Pool, sealer: Sealer, vendor: Vendor, endpoint: TokenEndpoint
) -> None:
    connector = await connect(pool, sealer, vendor, await redeem(vendor))
    assert connector.scopes == list(ASKED)


async def test_vendor_may_grant_fewer_and_fewer_still_when_a_token_is_renewed(
    pool: Pool, sealer: Sealer, vendor: Vendor, endpoint: TokenEndpoint
) -> None:
    name_scopes(vendor, endpoint, "jobs:create jobs:read")
    connector = await connect(pool, sealer, vendor, await redeem(vendor))
    assert connector.scopes == ["jobs:create", "jobs:read"]
    assert await renew(pool, sealer, connector) == ["jobs:create", "jobs:read"]
    name_scopes(vendor, endpoint, "jobs:read")
    assert await renew(pool, sealer, connector) == ["jobs:read"]


async def test_new_credentials_have_the_scopes_granted_with_them_alone(
    pool: Pool, sealer: Sealer, vendor: Vendor, endpoint: TokenEndpoint
) -> None:
    connector = await connect(pool, sealer, vendor, await redeem(vendor))
    await reconnect_connector(pool, sealer, connector, PARTNER, SECRETS, grant=make_grant())
    assert await read_scopes(pool, connector) is None


async def test_what_is_bought_while_a_code_is_proven_is_what_it_is_worth(
    vendor: Vendor, endpoint: TokenEndpoint
) -> None:
    async def check(client: VendorClient) -> None:
        endpoint.expire()  # the vendor wants another token already, and the refresh token works once
        async with client:
            await client.check()

    client = open_client(PARTNER, SECRETS, vendor.base_url, is_base_url_trusted=True, is_partner=True, retry=IMPATIENT)
    grant = await Proof(SECRETS, client, "the-code", BACK, ASKED).prove(check)
    assert grant is not None
    assert (grant.access_token, grant.refresh_token, grant.scopes) == (endpoint.access, endpoint.refresh, ASKED)


async def test_code_that_was_spent_for_nothing_is_said_to_be(
    vendor: Vendor, endpoint: TokenEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    async def check(client: VendorClient) -> None:
        raise VendorRefused("no", status=422)

    client = open_client(PARTNER, SECRETS, vendor.base_url, is_base_url_trusted=True, is_partner=True, retry=IMPATIENT)
    with pytest.raises(VendorRefused):
        await Proof(SECRETS, client, "the-code", BACK, ASKED).prove(check)
    assert "let the customer agree again" in capsys.readouterr().err
