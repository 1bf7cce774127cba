import pytest

from unihire.outbound.auth import ApiKey, Credential, Probe

KEY = Credential("api_key", "API key", "", is_secret=True)
PROBE = Probe(path="/me")
COMPANY = Credential("company", "Company", "", pattern=r"[a-z0-9-]{1,63}", shape="the name in the address, example")
REGION = Credential("region", "Region", "", is_optional=True, choices={"us": "", "eu": "eu."})


def test_key_is_the_user_of_basic_authentication() -> None:
    auth = ApiKey(credentials=(KEY,), probe=PROBE, basic=("{api_key}", ""))
    assert auth.sign({"api_key": "k"}).headers == {"Authorization": "Basic azo="}


def test_key_is_in_a_header_in_the_vendors_own_form() -> None:
    auth = ApiKey(credentials=(KEY,), probe=PROBE, headers={"Authorization": "Token token={api_key}", "X-Version": "1"})
    assert auth.sign({"api_key": "k"}).headers == {"Authorization": "Token token=k", "X-Version": "1"}


def test_key_in_the_query_is_no_header_and_not_shown() -> None:
    signed = ApiKey(credentials=(KEY,), probe=PROBE, params={"apikey": "{api_key}"}).sign({"api_key": "secret"})
    assert signed.headers == {}
    assert signed.params == {"apikey": "secret"}
    assert "secret" not in repr(signed)


@pytest.mark.parametrize("value", ["example", "a-b-1", ""])
def test_part_of_an_address_is_taken(value: str) -> None:
    assert COMPANY.find_fault(value) is None


@pytest.mark.parametrize("value", ["a.b", "a/b", "evil.example#", "a@b", "..", "ä", "a b", "a\n", "A", "x" * 64])
def test_what_leads_elsewhere_is_refused_and_not_repeated(value: str) -> None:
    assert COMPANY.find_fault(value) == "is not the name in the address, example"


def test_choice_is_one_of_those_there_are_and_the_first_where_none_is_given() -> None:
    assert REGION.find_fault("eu") is None
    assert REGION.find_fault("mars") == "is none of: us, eu"
    assert [REGION.write_part(value) for value in ("eu", "us", None, "")] == ["eu.", "", "", ""]
