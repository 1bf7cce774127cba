"""A code challenge goes with a consent where the vendor takes one, and its verifier with the code."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from testbed.partner import PARTNER, SECRETS
from testbed.vendor import IMPATIENT, Vendor, say
from unihire.outbound.auth import write_challenge
from unihire.platform.connectors import open_client

BACK = "https://partner.example.com/back"


def test_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert write_challenge(verifier) == challenge


async def test_verifier_is_sent_with_the_code_alone(vendor: Vendor) -> None:
    assert PARTNER.partner_auth is not None
    taking = replace(PARTNER, partner_auth=replace(PARTNER.partner_auth, takes_pkce=True))
    forms: list[dict[str, object]] = []

    async def hand_out(request: web.Request) -> web.StreamResponse:
        forms.append(dict(await request.post()))
        return say({"access_token": "access", "expires_in": 3600})

    vendor.will("/token", hand_out)
    client = open_client(taking, SECRETS, vendor.base_url, is_base_url_trusted=True, is_partner=True, retry=IMPATIENT)
    async with client:
        asked = parse_qs(urlsplit(client.write_authorize_url(BACK, "state", (), "the-verifier")).query)
        assert asked["code_challenge"] == [write_challenge("the-verifier")]
        assert asked["code_challenge_method"] == ["S256"]
        assert "the-verifier" not in str(asked)
        await client.redeem("code", BACK, (), "the-verifier")
        assert "code_challenge" not in client.write_authorize_url(BACK, "state", ())
    assert forms == [
        {
            "grant_type": "authorization_code",
            "code": "code",
            "redirect_uri": BACK,
            "code_verifier": "the-verifier",
        }
    ]
