"""Which addresses nothing connects to, and what an operator can allow."""

from ipaddress import ip_address, ip_network

import pytest

from testbed.addresses import REFUSED
from unihire.outbound.addresses import AddressPolicy, name_origin

PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", REFUSED)
def test_nothing_connects_to_what_is_not_of_the_public_internet(text: str) -> None:
    words = AddressPolicy().find_refusal(ip_address(text))
    assert words is not None
    assert REFUSED[text] in words


@pytest.mark.parametrize("text", PUBLIC)
def test_public_address_is_connected_to(text: str) -> None:
    assert AddressPolicy().find_refusal(ip_address(text)) is None


def test_network_that_the_operator_allows_is_connected_to_in_every_form() -> None:
    policy = AddressPolicy((ip_network("10.1.0.0/16"), ip_network("64:ff9b::/96")))
    for text in ("10.1.2.3", "::ffff:10.1.2.3", "::a01:203", "64:ff9b::808:808"):
        assert policy.find_refusal(ip_address(text)) is None
    for text in ("10.2.0.1", "::ffff:10.2.0.1", "127.0.0.1", "64:ff9b:1::1"):
        assert policy.find_refusal(ip_address(text)) is not None


def test_literal_that_the_operator_gave_opens_itself_at_its_port_alone() -> None:
    policy = AddressPolicy().allow_origin("http://169.254.1.1:8080/path")
    address = ip_address("169.254.1.1")
    assert policy.find_refusal(address, *name_origin("169.254.1.1", 8080)) is None
    assert policy.find_refusal(address, *name_origin("169.254.1.1", 80)) is not None
    assert policy.find_refusal(address, *name_origin("elsewhere.example.com", 8080)) is not None
    assert policy.find_refusal(ip_address("169.254.1.2"), *name_origin("169.254.1.1", 8080)) is not None


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("http://[0:0:0:0:0:0:0:1]", "::1"),
        ("http://LOCALHOST.", "localhost"),
    ],
)
def test_host_is_the_same_however_it_is_written(given: str, asked: str) -> None:
    address = ip_address("::1" if asked == "::1" else "127.0.0.1")
    assert AddressPolicy().allow_origin(given).find_refusal(address, *name_origin(asked, 80)) is None


def test_name_that_the_operator_gave_leads_to_this_machine_and_private_networks_alone() -> None:
    policy = AddressPolicy().allow_origin("https://ats.example.com")
    origin = name_origin("ATS.example.com.", 443)
    for text in ("127.0.0.1", "10.0.0.1", "172.20.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "8.8.8.8"):
        assert policy.find_refusal(ip_address(text), *origin) is None
    for text in (
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "168.63.129.16",
        "fe80::1",
        "2002:a00:1::",
        "64:ff9b::a00:1",
    ):
        assert policy.find_refusal(ip_address(text), *origin) is not None
