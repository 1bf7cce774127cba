"""Links to a next page: resolved by RFC 3986, compared by their origin, and never followed to a stranger."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from unihire.outbound.links import LINK_LENGTH, Unfollowed, find_next_link, follow

ORIGIN = "https://api.example.com"
ASKED = "/v3/people?email=ada%40example.com"


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ("/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("?cursor=a", "/v3/people?cursor=a"),
        ("people?cursor=a", "/v3/people?cursor=a"),
        ("./people?cursor=a", "/v3/people?cursor=a"),
        ("../v3/people?cursor=a", "/v3/people?cursor=a"),
        ("../../../v3/people?cursor=a", "/v3/people?cursor=a"),
        ("https://api.example.com:443/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("https://api.example.com:0443/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("https://api.example.com:/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("HTTPS://API.Example.COM/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("//api.example.com/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("//API.EXAMPLE.COM:443/v3/people?cursor=a", "/v3/people?cursor=a"),
        ("/v3/people?cursor=a#page", "/v3/people?cursor=a"),
        ("https://api.example.com", "/"),
        ("https://api.example.com?cursor=a", "/?cursor=a"),
        ("", ASKED),
        ("#top", ASKED),
        ("/v3/people?cursor=a%2Bb%3D%3D&x=+", "/v3/people?cursor=a%2Bb%3D%3D&x=+"),
        (" /v3/people?cursor=a ", "/v3/people?cursor=a"),
        ('/v3/people?after={"id":1}|x', "/v3/people?after=%7B%22id%22:1%7D%7Cx"),
        ("/v3/people?name=Zoë B", "/v3/people?name=Zo%C3%AB%20B"),
    ],
)
def test_link_is_resolved_against_the_address_that_was_asked_for(link: str, following: str) -> None:
    assert follow(link, origin=ORIGIN, asked=ASKED) == following


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "http://[::1]:8080", "https://api.example.com:8443"])
def test_origin_with_a_port_of_its_own_is_that_with_the_port(origin: str) -> None:
    assert follow(f"{origin}/v3?cursor=a", origin=origin, asked=ASKED) == "/v3?cursor=a"
    assert follow("?cursor=a", origin=origin, asked=ASKED) == "/v3/people?cursor=a"
    with pytest.raises(Unfollowed):
        follow(f"{origin}0/v3?cursor=a", origin=origin, asked=ASKED)
    with pytest.raises(Unfollowed):
        follow(origin.rpartition(":")[0] + "/v3?cursor=a", origin=origin, asked=ASKED)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v3/people?cursor=ada%40example.com",
        "//evil.example/v3/people",
        "///evil.example/v3/people",
        "http://api.example.com/v3/people",
        "http://api.example.com:443/v3/people",
        "https://api.example.com:80/v3/people",
        "https://api.example.com:8443/v3/people",
        "https://api.example.com:0/v3/people",
        "https://api.example.com:99999/v3/people",
        "https://api.example.com:four/v3/people",
        "https://api.example.com:４４３/v3/people",  # noqa: RUF001
        "https://api.example.com.evil.example/v3/people",
        "https://api.example.com./v3/people",
        "https://api.example.com@evil.example/v3/people",
        "https://user@api.example.com/v3/people",
        "https://user:password@api.example.com/v3/people",
        "//@api.example.com/v3/people",
        r"https://evil.example\@api.example.com/v3/people",
        r"https://api.example.com\.evil.example/v3/people",
        r"\\evil.example\v3",
        r"/\evil.example/v3",
        "https://аpi.example.com/v3/people",  # noqa: RUF001  a Cyrillic letter
        "https://ａpi.example.com/v3/people",  # noqa: RUF001  a letter of full width
        "https://api.example.com／.evil.example/v3/people",  # noqa: RUF001
        "https://api。example.com/v3/people",
        "https://api%2Eexample.com/v3/people",
        "https://[::1]/v3/people",
        "https://[broken/v3",
        "https:///v3/people",
        "javascript:alert(1)",
        "data:application/json,[]",
        "ftp://api.example.com/v3/people",
        "mailto:ada@example.com",
        "/v3/people?cursor=a\r\nHost: evil.example",
        "/v3/people?cursor=\0",
        "/v3/people?cursor=\x1b[2J",
        "/v3/people?cursor=\x7f",
        "/v3/people?cursor=\x85",
        "java\tscript:alert(1)",
        "ht\ntps://evil.example/",
        "\thttps://evil.example/",
        "/v3/people?cursor=\ud800",
        "/v3/people?cursor=" + "a" * LINK_LENGTH,
        "/v3/people?cursor=" + "ë" * (LINK_LENGTH // 4),
    ],
)
def test_link_to_anywhere_else_is_not_followed_and_the_reason_has_no_query_and_no_odd_character(link: str) -> None:
    with pytest.raises(Unfollowed) as caught:
        follow(link, origin=ORIGIN, asked=ASKED)
    message = str(caught.value)
    assert "ada" not in message
    assert "password" not in message
    assert message.isprintable()
    assert len(message) < 200


PARTS = [
    "https:",
    "http:",
    "//",
    "/",
    "\\",
    "api.example.com",
    "evil.example",
    ":443",
    "@",
    "?",
    "#",
    "..",
    "%2F",
    "%00",
    "\t",
    "é",
]


@given(
    (st.text(max_size=40) | st.lists(st.sampled_from(PARTS), max_size=8).map("".join)),
    st.sampled_from([ASKED, "/", "//x/y"]),
)
@settings(deadline=None, max_examples=1000)
def test_whatever_a_link_is_what_is_followed_stays_at_home(link: str, asked: str) -> None:
    try:
        following = follow(link, origin=ORIGIN, asked=asked)
    except Unfollowed:
        return
    assert following.startswith("/")
    assert following.isascii()
    assert following.isprintable()
    assert " " not in following
    url = URL(ORIGIN + following, encoded=True)
    assert (url.scheme, url.host, url.port, url.user) == ("https", "api.example.com", 443, None)


@pytest.mark.parametrize(
    "header",
    [
        "<" * 8_000,
        "<x>" + " " * 8_000,
        "<x>" + ";a" * 4_000,
        "<x>" + ';a="' * 2_000,
        "<x>;" + "a" * 8_000,
        "<x>" + "; a = " * 1_300,
        "<x>, " * 1_600,
        "<x>; rel=" + "next" * 2_000,
    ],
)
def test_link_header_is_read_in_no_time_whatever_it_holds(header: str) -> None:
    started_at = time.process_time()
    assert find_next_link({"Link": ", ".join([header] * 120)}) is None
    assert time.process_time() - started_at < 2
