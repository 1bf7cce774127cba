"""A path prefix in front of the API: whose word counts, and what becomes of the path."""

import ipaddress
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from unihire.dialects.common.prefix import Prefixed, is_prefix
from unihire.errors import ConfigError
from unihire.settings import Settings, read_settings

PROXY = ipaddress.ip_network("10.0.0.0/8")


async def pass_through(
    path: str, *said: str, prefix: str = "", client: tuple[str, int] | None = ("10.1.2.3", 4)
) -> tuple[str, str]:
    """Root path and path as the application behind sees them."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    headers = [(b"x-forwarded-prefix", one.encode()) for one in said]
    scope: dict[str, Any] = {"type": "http", "path": path, "root_path": "", "headers": headers, "client": client}
    await Prefixed(app, prefix, [PROXY])(scope, None, None)  # type: ignore[arg-type]
    return seen[0]["root_path"], seen[0]["path"]


@pytest.mark.parametrize("path", ["/docs", "/ats/docs"], ids=["taken off", "left on"])
async def test_prefix_of_the_operator_may_be_left_on_or_taken_off(path: str) -> None:
    assert await pass_through(path, prefix="/ats") == ("/ats", "/ats/docs")


@pytest.mark.parametrize("path", ["/", "/ats", "/ats/"])
async def test_first_page_is_at_the_prefix_itself(path: str) -> None:
    assert await pass_through(path, prefix="/ats") == ("/ats", "/ats/")


async def test_path_that_only_begins_like_the_prefix_is_another() -> None:
    assert await pass_through("/atsy/docs", prefix="/ats") == ("/ats", "/ats/atsy/docs")


@pytest.mark.parametrize("client", [("10.1.2.3", 4), ("::ffff:10.1.2.3", 4)])
async def test_forwarded_prefix_of_a_trusted_proxy_is_believed(client: tuple[str, int]) -> None:
    assert await pass_through("/docs", "/tools/ats/", client=client) == ("/tools/ats", "/tools/ats/docs")


@pytest.mark.parametrize("client", [("192.0.2.1", 4), ("2001:db8::1", 4), ("testclient", 4), None])
async def test_forwarded_prefix_of_a_stranger_is_not_believed(client: tuple[str, int] | None) -> None:
    assert await pass_through("/docs", "/ats", client=client) == ("", "/docs")


async def test_setting_counts_more_than_what_a_proxy_says() -> None:
    assert await pass_through("/docs", "/evil", prefix="/ats") == ("/ats", "/ats/docs")


@pytest.mark.parametrize(
    "said", ["ats", "//evil.example", "/a b", '/"><script>', "/../x", "/a/./b", "/" + "a" * 200, "/a?b", "/\u00e9"]
)
async def test_what_is_no_path_is_as_if_it_were_not_there(said: str) -> None:
    assert not is_prefix(said)
    assert await pass_through("/docs", said) == ("", "/docs")


async def test_two_forwarded_prefixes_are_none() -> None:
    assert await pass_through("/docs", "/a", "/b") == ("", "/docs")


@pytest.mark.parametrize("value", ["ats", "/ats/", "/a b", "//x", "/<"])
def test_prefix_setting_that_is_no_path_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIHIRE_ROOT_PATH", value)
    with pytest.raises(ConfigError, match="UNIHIRE_ROOT_PATH"):
        read_settings()


def test_proxies_are_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Settings(_env_file=None, trusted_proxies="127.0.0.1, 10.0.0.0/8,::1").list_trusted_proxies()
    assert [str(one) for one in found] == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"]
    monkeypatch.setenv("UNIHIRE_TRUSTED_PROXIES", "proxy.example.com")
    with pytest.raises(ConfigError, match="UNIHIRE_TRUSTED_PROXIES"):
        read_settings()
