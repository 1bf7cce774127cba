"""Every spoiler over every emulator: it does what its word says, to one row of an answer, by its seed."""

import gzip
import json
import re
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from testbed.effort import count
from unihire.sandbox.faults import ANYTHING, FAULTS, FaultRule
from unihire.sandbox.runner import Ready, start_sandbox
from unihire.sandbox.spoiling import SPOILERS
from unihire.sandbox.spoiling.members import MEMBERS
from unihire.sandbox.spoiling.spoiled_headers import RETRY_AFTERS
from unihire.sandbox.spoiling.spoiled_links import LINKS
from unihire.sandbox.spoiling.spoiled_rows import ROWS
from unihire.sandbox.spoiling.spoiled_tokens import TOKENS

LISTS = {"greenhouse": "/v3/candidates?per_page=20", "personio": "/v2/recruiting/candidates?limit=20"}
TOKEN = {"greenhouse": "/token", "personio": "/v2/auth/token"}
ROWS_AT: dict[str, Callable[[Any], list[Any]]] = {
    "greenhouse": lambda body: body,
    "personio": lambda body: body["_data"],
}
TRIES = count(12, 5)


@dataclass
class Given:
    """An answer as it came over the socket."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for own, value in self.headers if own.lower() == name), "")


@dataclass
class Line:
    """A running emulator, spoken to by bytes: what is wrong on purpose, no client lets through."""

    slug: str
    ready: Ready

    def __post_init__(self) -> None:
        self.address = urlsplit(self.ready.base_url)
        self.authorization = ""
        self.control = httpx.Client(base_url=self.ready.control_url)

    def sign_in(self) -> Given:
        form = (
            f"grant_type=client_credentials&client_id={self.ready.client_id}&client_secret={self.ready.client_secret}"
        )
        basic = httpx.BasicAuth(self.ready.client_id, self.ready.client_secret)
        request = next(basic.auth_flow(httpx.Request("POST", self.ready.base_url)))
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if self.slug == "greenhouse":
            headers["authorization"] = request.headers["authorization"]
        return self.ask(TOKEN[self.slug], "POST", headers, form.encode())

    def ask(
        self,
        target: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        most: int = 2**31,
    ) -> Given:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.address.netloc}", "Connection: close"]
        given = headers if headers is not None else {"authorization": self.authorization}
        lines += [f"{name}: {value}" for name, value in given.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        assert self.address.hostname is not None
        with socket.create_connection((self.address.hostname, self.address.port or 80), timeout=20) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            received = bytearray()
            while len(received) < most and (piece := connection.recv(1 << 20)):
                received += piece
        head, _, rest = bytes(received).partition(b"\r\n\r\n")
        first, *others = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in others]
        return Given(int(first.split()[1]), [(name, value.strip()) for name, _, value in pairs], rest)

    def list(self) -> Given:
        return self.ask(LISTS[self.slug])

    def let(self, word: str, **settings: Any) -> None:
        rule = {"word": word, **settings}
        self.control.put("faults", json=[rule]).raise_for_status()

    def end_faults(self) -> None:
        self.control.delete("faults").raise_for_status()

    def find_spoiled(self) -> dict[str, Any]:
        """The last request as the log has it."""
        entry: dict[str, Any] = self.control.get("requests").raise_for_status().json()["last"][-1]
        return entry

    def forget(self) -> None:
        """Begin the log anew: it is read whole each time."""
        self.control.delete("requests").raise_for_status()


@pytest.fixture(scope="module", params=sorted(LISTS))
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    # Without limits of its own, lest an answer be refused for them.
    options = {"rate_limit": "0", "token_rate_limit": "0"} if request.param == "greenhouse" else {"token_requests": "0"}
    with start_sandbox(request.param, size=100, seed=3, options=options) as sandbox:
        made = Line(request.param, sandbox.ready)
        made.authorization = f"Bearer {json.loads(made.sign_in().body)['access_token']}"
        yield made
        made.end_faults()
        made.control.close()


@pytest.fixture
def clean(line: Line) -> Given:
    """The list as it is when nothing spoils it."""
    line.end_faults()
    line.forget()
    return line.list()


def dump(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def test_every_spoiler_is_a_fault_with_a_description() -> None:
    assert all(FAULTS[word] == spoiler.help for word, spoiler in SPOILERS.items())
    assert all(FaultRule(word).word == word for word in SPOILERS)


@pytest.mark.parametrize("word", [*MEMBERS, *ROWS])
def test_one_row_is_spoiled_and_its_siblings_are_as_they_were(line: Line, clean: Given, word: str) -> None:
    rows = ROWS_AT[line.slug](json.loads(clean.body))
    line.let(word, megabytes=0.5)
    bodies = []
    for _ in range(TRIES):
        given = line.list()
        assert given.status == 200
        [entry, *_] = line.find_spoiled()["spoiled"]
        assert entry["word"] == word
        assert given.body != clean.body or word in ("other-row", "double-member")
        spoiled = {str(entry["id"]) for entry in line.find_spoiled()["spoiled"]}
        for row in rows:
            if str(row["id"]) not in spoiled:
                assert dump(row) in given.body, row["id"]
        bodies.append(given.body)
    assert len(set(bodies)) > 1
    line.let(word, megabytes=0.5)
    assert [line.list().body for _ in range(3)] == bodies[:3]
    line.end_faults()
    assert line.list().body == clean.body


def test_spoiled_rows_are_reported_by_their_list(line: Line, clean: Given) -> None:
    line.let("null-member", member="first_name")
    seen = set()
    for _ in range(TRIES):
        line.list()
        [entry] = line.find_spoiled()["spoiled"]
        assert entry["member"] == "first_name"
        seen.add(entry["id"])
    spoiled = httpx.get(f"{line.ready.control_url}faults").json()["spoiled"]
    assert {LISTS[line.slug].partition("?")[0]: sorted(seen)} == spoiled


def decode(body: bytes) -> Any:
    return json.loads(body)


MEMBER_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "missing-member": lambda body: decode(body) is not None,
    "null-member": lambda body: b"null" in body,
    "huge-member": lambda body: len(body) > 200_000,
    "deep-member": lambda body: re.search(rb'(\[){50}|(\{"a":){50}', body) is not None,
    "double-member": lambda body: decode(body) is not None,
    "zero-text": lambda body: b"\\u0000" in body,
    "surrogate-text": lambda body: b"\\ud83d" in body,
    "broken-text": lambda body: b"\xff\xc3" in body,
    "huge-row": lambda body: len(body) > 2_000_000,
    "deep-row": lambda body: b'{"a":' * 100_000 in body,
}


@pytest.mark.parametrize("word", MEMBER_CHECKS)
def test_members_and_rows_are_spoiled_as_the_word_says(line: Line, clean: Given, word: str) -> None:
    line.let(word, **({"megabytes": 2} if word == "huge-row" else {}))
    for _ in range(TRIES):
        assert MEMBER_CHECKS[word](line.list().body)


def test_answer_by_id_can_be_another_row(line: Line, clean: Given) -> None:
    rows = ROWS_AT[line.slug](json.loads(clean.body))
    line.let("other-row")
    line.list()
    asked = rows[-1]["id"]
    path = LISTS[line.slug].partition("?")[0]
    given = line.ask(f"{path}?ids={asked}" if line.slug == "greenhouse" else f"{path}/{asked}")
    assert given.status == 200
    body = json.loads(given.body)
    row = body[0] if isinstance(body, list) else body
    assert row["id"] != asked
    assert row["first_name"] is not None


@pytest.mark.parametrize("word", LINKS)
def test_next_links_are_spoiled_as_the_word_says(line: Line, clean: Given, word: str) -> None:
    found = set()
    right = find_next(line, clean)
    assert right is not None
    base = line.ready.base_url + LISTS[line.slug]
    following_page = follow(line, right).body
    line.let(word)
    for _ in range(3 * TRIES):
        given = line.list()
        assert given.status == 200
        link = find_next(line, given)
        found.add(json.dumps(link))
        if word == "spelt-next":
            resolved = urljoin(base, str(link))
            assert urlsplit(resolved).netloc == urlsplit(base).netloc
            assert follow(line, resolved).body == following_page
        elif word == "other-next":
            assert urlsplit(urljoin(base, str(link)))[:2] != urlsplit(right)[:2]
        elif word == "huge-next":
            assert len(str(link)) > 30_000
        elif word in ("circle-next", "endless-next"):
            following = follow(line, str(link))
            assert following.status == 200
            if word == "endless-next":
                assert re.findall(rb'"id":"?\d+', following.body)[:15] == re.findall(rb'"id":"?\d+', given.body)[:15]
    if word == "circle-next":
        # Three pages at most are led back to, by the same links each time.
        assert len(found) <= 3
    else:
        assert len(found) > (1 if word != "huge-next" else 0)


def follow(line: Line, link: str) -> Given:
    """What the link leads to, without the links of that page: they show the request they came with."""
    split = urlsplit(link)
    given = line.ask(f"{split.path}?{split.query}")
    return Given(given.status, given.headers, re.sub(rb'"_meta":{"links":{"self":{"href":"[^"]*\?.*$', b"", given.body))


def find_next(line: Line, given: Given) -> Any:
    if line.slug == "greenhouse":
        found = re.match(r"<(.*)>; rel=", given.header("link"), re.DOTALL)
        return None if found is None else found[1]
    try:
        return json.loads(given.body, strict=False)["_meta"]["links"]["next"]["href"]
    except KeyError:
        return None


@pytest.mark.parametrize("word", TOKENS)
def test_token_answers_are_spoiled_and_lists_are_not(line: Line, clean: Given, word: str) -> None:
    line.let(word)
    bodies, statuses = set(), set()
    for _ in range(2 * TRIES):
        given = line.sign_in()
        bodies.add(given.body)
        statuses.add(given.status)
        if word == "empty-token":
            assert str(json.loads(given.body).get("access_token") or "").strip() == ""
        elif word == "firewall":
            assert given.header("content-type") == "text/html"
            assert b"<html>" in given.body
    assert statuses == ({400, 401, 403} if word == "firewall" else {200})
    assert len(bodies) > 3 or word == "firewall"
    assert line.list().body == clean.body


def test_retry_after_is_anything_but_a_sensible_wait(line: Line, clean: Given) -> None:
    line.let("odd-retry-after")
    seen = set()
    for _ in range(60):
        given = line.list()
        assert given.status == 429
        seen.add(given.header("retry-after"))
    assert seen <= set(RETRY_AFTERS)
    assert len(seen) > 10


@pytest.mark.parametrize(
    "word",
    ["odd-rate-limit", "odd-date", "odd-header", "odd-content-type", "odd-type", "odd-status", "odd-encoding"],
)
def test_headers_are_odd_and_the_body_is_right(line: Line, clean: Given, word: str) -> None:
    line.let(word)
    heads = set()
    for _ in range(2 * TRIES):
        given = line.list()
        if word == "odd-status":
            assert given.status != 200
            assert given.body in (clean.body, b"")
        else:
            assert given.body == clean.body
        heads.add(str([given.status, [pair for pair in given.headers if pair[0] not in ("date", "x-ratelimit-reset")]]))
        heads.add(given.header("date") if word == "odd-date" else "")
    assert len(heads) > (2 if word != "odd-type" else 1)


def test_gzip_bomb_unpacks_to_as_many_megabytes_as_asked_and_ends_in_the_right_answer(line: Line, clean: Given) -> None:
    line.let("gzip-bomb", megabytes=30)
    given = line.list()
    assert given.header("content-encoding") == "gzip"
    assert len(given.body) < 1_000_000
    unpacked = gzip.decompress(given.body)
    assert len(unpacked) == 30_000_000 + len(clean.body)
    assert unpacked.lstrip() == clean.body


def test_broken_gzip_cannot_be_unpacked_or_has_something_behind(line: Line, clean: Given) -> None:
    line.let("broken-gzip")
    for _ in range(TRIES):
        given = line.list()
        with pytest.raises((OSError, EOFError, zlib.error)):
            gzip.decompress(given.body)


def test_endless_body_goes_on_for_as_long_as_it_is_read(line: Line, clean: Given) -> None:
    line.let("endless-body", megabytes=20)
    given = line.list()
    assert given.header("transfer-encoding") == "chunked"
    assert len(given.body) > 20_000_000
    assert clean.body in given.body
    line.let("endless-body")
    assert 3_000_000 <= len(line.ask(LISTS[line.slug], most=3_000_000).body) < 10_000_000
    line.end_faults()
    assert line.list().body == clean.body


def test_dripping_body_is_late_and_right(line: Line, clean: Given) -> None:
    line.let("dripping-body", seconds=0.6)
    assert line.list().body == clean.body
    assert line.find_spoiled()["milliseconds"] > 500


def test_wrong_length_is_said_in_so_many_ways_and_the_connection_ends(line: Line, clean: Given) -> None:
    line.let("wrong-length")
    lengths = set()
    for _ in range(3 * TRIES):
        given = line.list()
        assert given.body == clean.body
        lengths.add(tuple(value for name, value in given.headers if name == "content-length"))
    assert (str(len(clean.body)),) not in lengths
    assert len(lengths) > 4


def test_odd_bodies_are_no_lists(line: Line, clean: Given) -> None:
    line.let("odd-body")
    assert {line.list().body for _ in range(3 * TRIES)} >= {b"", b"null", b"{}"}


def test_anything_is_any_spoiler(line: Line, clean: Given) -> None:
    line.let(ANYTHING, megabytes=0.5, seconds=0.01)
    struck: set[str] = set()
    for _ in range(300):
        line.list()
        struck |= set(line.find_spoiled()["faults"])
        if struck >= set(SPOILERS) - set(TOKENS):
            break
    assert struck >= set(SPOILERS) - set(TOKENS)
    line.end_faults()
    assert line.list().body == clean.body
    assert line.sign_in().status == 200
