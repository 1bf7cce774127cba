"""Where a connector's calls go."""

from dataclasses import replace

import pytest

from testbed.partner import PARTNER
from testbed.vendor import ACME
from unihire.errors import ConfigError
from unihire.integration.declare import Integration
from unihire.outbound.client import Target
from unihire.platform.connectors import check_base_url, get_auth, open_client

AUTH_HOST = "https://auth.acme.example"
assert PARTNER.partner_auth is not None
APART = replace(
    PARTNER,
    auth=replace(PARTNER.auth, token_host=AUTH_HOST),
    partner_auth=replace(PARTNER.partner_auth, token_host=AUTH_HOST),
)


def aim(integration: Integration, base_url: str | None = None, *, is_partner: bool = False) -> Target:
    return open_client(integration, {"client_id": "i"}, base_url, is_partner=is_partner).target


@pytest.mark.parametrize("is_partner", [False, True])
def test_tokens_come_from_the_vendors_token_server(is_partner: bool) -> None:
    target = aim(APART, is_partner=is_partner)
    assert (target.base_url, target.sign_in_url) == ("https://api.acme.example", AUTH_HOST)
    assert aim(PARTNER, is_partner=is_partner).sign_in_url == "https://api.acme.example"


@pytest.mark.parametrize("is_partner", [False, True])
def test_connector_with_an_address_of_its_own_gets_its_tokens_there(is_partner: bool) -> None:
    target = aim(APART, "http://127.0.0.1:9/acme", is_partner=is_partner)
    assert (target.base_url, target.sign_in_url) == ("http://127.0.0.1:9/acme", "http://127.0.0.1:9/acme")


def test_customer_is_sent_to_the_vendor_with_what_the_partner_asks_for() -> None:
    client = open_client(APART, {"client_id": "the id&x"}, is_partner=True)
    scopes = ("jobs:read", "people:read")
    assert client.write_authorize_url("https://partner.example.com/back?a=1", "the-state", scopes) == (
        "https://auth.acme.example/authorize?response_type=code&client_id=the+id%26x"
        "&redirect_uri=https%3A%2F%2Fpartner.example.com%2Fback%3Fa%3D1"
        "&scope=jobs%3Aread+people%3Aread&state=the-state"
    )


def test_partner_of_a_vendor_that_knows_none_is_refused() -> None:
    assert get_auth(ACME, is_partner=False) is ACME.auth
    with pytest.raises(ConfigError, match="Acme Hire cannot be connected as a partner"):
        get_auth(ACME, is_partner=True)


@pytest.mark.parametrize(
    "url", ["ftp://x", "x", "https://", "https://u@x", "https://x?a", "https://x#a", "https://x:y"]
)
def test_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address"):
        check_base_url(url)


def test_address_loses_its_closing_slash_alone() -> None:
    assert check_base_url("https://Example.com:8443/a/") == "https://example.com:8443/a"
    assert check_base_url("http://[::1]:5/") == "http://[::1]:5"
