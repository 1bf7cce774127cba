"""A vendor that means harm, over a real socket: whatever it answers costs a row, a list or a call, and no more."""

import asyncio
import gzip
import random
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
import pytest_asyncio

from testbed.hostile import MEGABYTE, Hostile, bomb, drip, empty_blocks, head, plain, run_hostile, whole
from testbed.vendor import ACME, HERE, IMPATIENT, Answerer, Vendor, say
from unihire.errors import (
    AnswerTooLarge,
    BudgetSpent,
    RetryLater,
    Unanswered,
    VendorChanged,
    VendorError,
    VendorRefused,
)
from unihire.outbound.budget import TokenBucketHeaders
from unihire.outbound.client import Retry, Target, VendorClient
from unihire.sync.fetching import fetch_page, fetch_rows, walk

SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
DEEP = b"[" * 100_000 + b"]" * 100_000
JOBS = ACME.get_stream("jobs")


@pytest_asyncio.fixture
async def client(vendor: Vendor) -> AsyncIterator[VendorClient]:
    async with VendorClient(
        Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT), SECRETS
    ) as opened:
        yield opened


async def test_rows_that_cannot_be_decoded_come_with_their_fault_and_the_others_as_ever(
    vendor: Vendor, client: VendorClient
) -> None:
    bad = [b'{"id": "2", "x": ' + DEEP + b"}", b'{"id": "3", "name": "Zo\xeb"}', b'{"id": "4", "x": 1e999}', b"null"]
    body = b'{"next": null, "rows": [' + b",".join([b'{"id": "1"}', *bad, b'{"id": "5"}']) + b"]}"
    vendor.will("/jobs", *[lambda request: say(body)] * 2)
    page = await fetch_page(client, JOBS, "/jobs")
    assert [row.data.get("id") for row in page.rows] == ["1", "2", "3", "4", None, "5"]
    assert [row.raw for row in page.rows[1:5]] == bad
    faults = ["nested too deeply", "not UTF-8", "a number out of range", "not a JSON object"]
    assert [row.fault for row in page.rows] == [None, *faults, None]
    assert vendor.count("/jobs") == 2


async def test_page_whose_rows_can_be_decoded_when_it_is_asked_for_again_is_a_good_one(
    vendor: Vendor, client: VendorClient
) -> None:
    vendor.lists["/jobs"] = [{"id": "1", "name": "Zoë"}]
    vendor.will("/jobs", lambda request: say(b'{"next": null, "rows": [{"id": "1", "name": "Zo\xc3"}]}'))
    page = await fetch_page(client, JOBS, "/jobs")
    assert [(row.data, row.fault) for row in page.rows] == [({"id": "1", "name": "Zoë"}, None)]


async def test_row_by_id_that_cannot_be_decoded_comes_with_its_fault(vendor: Vendor, client: VendorClient) -> None:
    vendor.will("/jobs/1", lambda request: say(b'{"id": "1", "x": ' + DEEP + b"}"))
    found = await fetch_rows(client, JOBS, ["1"])
    assert [(row.data, row.fault) for row in found.rows] == [({"id": "1"}, "nested too deeply")]
    assert not found.missing
    assert not found.unsure


async def test_row_by_id_that_is_too_large_is_taken_for_nothing_and_for_no_sign_that_it_is_gone(
    vendor: Vendor, client: VendorClient
) -> None:
    rows = [{"id": str(id_), "name": "x" * size} for id_, size in enumerate((1, 5 << 20, 3 << 20))]
    for row in rows:
        vendor.will(f"/jobs/{row['id']}", *[lambda request, row=row: say(row)] * 2)
    found = await fetch_rows(client, JOBS, [row["id"] for row in rows])
    assert [row.data for row in found.rows] == [rows[0], rows[2]]
    assert (found.missing, found.unsure, found.wrong_answers) == (set(), {"1"}, 0)
    assert vendor.count("/jobs/1") == 1


@pytest_asyncio.fixture
async def hostile() -> AsyncIterator[Hostile]:
    async with run_hostile() as server:
        yield server


def make_client(hostile: Hostile, *, timeout: float = 20, attempts: int = 4) -> VendorClient:
    """A client that takes a megabyte."""
    retry = replace(IMPATIENT, timeout=timeout, attempts=attempts)
    return VendorClient(
        Target(base_url=hostile.base_url, addresses=HERE, auth=ACME.auth, retry=retry, answer_bytes=1 << 20), SECRETS
    )


@contextmanager
def within_memory(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


LARGE = {
    "plain": lambda: plain(100),
    "announced": lambda: [head(b"Content-Length: 3000000000"), MEGABYTE],
    "gzip": lambda: bomb(100),
    "deflate": lambda: bomb(100, encoding="deflate"),
    "raw deflate": lambda: bomb(100, encoding="raw"),
    "gzip of nothing": lambda: empty_blocks(100),
}


@pytest.mark.parametrize("kind", LARGE)
async def test_answer_beyond_all_bounds_is_refused_with_the_reason_and_asked_for_once(
    hostile: Hostile, kind: str
) -> None:
    hostile.answers["/jobs"] = LARGE[kind]
    async with make_client(hostile) as client:
        with within_memory(20_000_000), pytest.raises(AnswerTooLarge, match="1,048,576 bytes") as caught:
            await client.get("/jobs?email=ada%40example.com")
        assert "ada" not in str(caught.value)
        assert hostile.asked.count("/jobs") == 1
        assert hostile.sent < 20_000_000
        hostile.answers["/jobs"] = lambda: whole(b'{"rows": []}')
        assert (await client.get("/jobs")).body == b'{"rows": []}'


@pytest.mark.parametrize(("megabytes", "most"), [(64, 2_097_152), (16, 524_288)])
async def test_answer_of_more_values_than_memory_can_hold_is_refused_before_they_are_decoded(
    hostile: Hostile, megabytes: int, most: int
) -> None:
    body = b"[" + b"{}," * most + b"{}]"
    hostile.answers["/jobs"] = lambda: whole(body)
    target = Target(
        base_url=hostile.base_url,
        addresses=HERE,
        auth=ACME.auth,
        retry=replace(IMPATIENT, attempts=2),
        answer_bytes=megabytes << 20,
    )
    async with VendorClient(target, SECRETS) as client:
        with within_memory(40_000_000), pytest.raises(AnswerTooLarge, match=f"{most:,} values"):
            await client.get("/jobs")
    assert hostile.asked.count("/jobs") == 1


@pytest.mark.parametrize("kind", ["plain", "gzip", "gzip of nothing"])
async def test_token_answer_beyond_all_bounds_is_refused_with_the_reason(hostile: Hostile, kind: str) -> None:
    hostile.answers["/token"] = LARGE[kind]
    async with make_client(hostile) as client:
        with within_memory(20_000_000), pytest.raises(RetryLater, match="more than 1,048,576 bytes"):
            await client.get("/jobs")
    assert set(hostile.asked) == {"/token"}


@pytest.mark.parametrize("status", [b"404 Not Found", b"429 Too Many Requests", b"500 Oh", b"302 Found"])
@pytest.mark.parametrize("send", [plain, bomb])
async def test_refusal_is_known_by_its_status_however_large_it_is(
    hostile: Hostile, status: bytes, send: Callable[..., Iterable[bytes]]
) -> None:
    hostile.answers["/jobs"] = lambda: send(100, status=status)
    async with make_client(hostile, attempts=2) as client:
        with within_memory(20_000_000), pytest.raises((VendorRefused, RetryLater)) as caught:
            await client.get("/jobs")
    assert caught.value.status == int(status[:3])
    if isinstance(caught.value, VendorRefused):
        assert len(caught.value.body) == 256 << 10


@pytest.mark.parametrize(
    "answer",
    [
        whole(gzip.compress(b'{"a": 1}'), b"Content-Encoding: gzip"),
        whole(gzip.compress(b'{"a":') + gzip.compress(b" 1}"), b"Content-Encoding: X-GZIP"),
        whole(gzip.compress(b'{"a": 1}') + b"\0" * 100, b"Content-Encoding: gzip"),
        whole(zlib.compress(b'{"a": 1}'), b"Content-Encoding: deflate"),
        whole(zlib.compress(b'{"a": 1}')[2:-4], b"Content-Encoding: deflate"),
        whole(b'{"a": 1}', b"Content-Encoding: identity"),
        whole(b'{"a": 1}', b"Content-Encoding: utf-8"),
    ],
)
async def test_answer_is_unpacked_as_it_was_packed(hostile: Hostile, answer: Iterable[bytes]) -> None:
    parts = list(answer)
    for sent in (parts, [parts[0][at : at + 1] for at in range(len(parts[0]))]):
        hostile.answers["/jobs"] = lambda sent=sent: sent
        async with make_client(hostile) as client:
            assert msgspec.json.decode((await client.get("/jobs")).body) == {"a": 1}


async def test_answer_of_many_pieces_is_unpacked_to_the_last_byte(hostile: Hostile) -> None:
    text = random.Random(1).randbytes(300_000).hex().encode()
    body = b'{"a": "' + text + b'"}'
    hostile.answers["/jobs"] = lambda: whole(gzip.compress(body), b"Content-Encoding: gzip")
    async with make_client(hostile) as client:
        assert (await client.get("/jobs")).body == body


UNREADABLE: dict[str, list[bytes]] = {
    "not packed as said": list(whole(b'{"a": 1}', b"Content-Encoding: gzip")),
    "packed otherwise": list(whole(b'{"a": 1}', b"Content-Encoding: br")),
    "packed twice": list(whole(gzip.compress(gzip.compress(b"{}")), b"Content-Encoding: gzip, gzip")),
    "packed in a hundred parts": list(whole(gzip.compress(b" ") * 101, b"Content-Encoding: gzip")),
    "a header without end": [head(b"X: " + b"a" * 10_000_000)],
    "headers without end": [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: x\r\n" % number for number in range(10_000)]],
    "another protocol": [b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"],
    "no status": list(whole(b"{}", status=b"000 None")),
    "another protocol from now on": [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    "a length that is none": [head(b"Content-Length: " + b"9" * 400) + b"{}"],
    "two lengths": [head(b"Content-Length: 2", b"Content-Length: 3") + b"{}"],
    "a part of no length": [head(b"Transfer-Encoding: chunked") + b"zz\r\n{}"],
    "U+0000 in a header": [head(b"X: \0", b"Content-Length: 2") + b"{}"],
    "trailers without end": [head(b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n" + b"X: 1\r\n" * 100_000],
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_answer_that_cannot_be_read_is_a_change_of_the_vendors(hostile: Hostile, kind: str) -> None:
    hostile.answers["/jobs"] = lambda: UNREADABLE[kind]
    async with make_client(hostile, attempts=2) as client:
        with within_memory(20_000_000), pytest.raises(VendorChanged, match="GET /jobs: "):
            await client.get("/jobs")
        assert hostile.asked.count("/jobs") == 2
        with pytest.raises(Unanswered):
            await client.send("POST", "/jobs", b"{}")


@pytest.mark.parametrize("path", ["/jobs", "/token"])
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX:", head(), head(b"Content-Encoding: gzip")])
async def test_answer_that_never_ends_is_given_up_in_time(hostile: Hostile, path: str, start: bytes) -> None:
    hostile.answers[path] = lambda: drip(start, 0.02)
    async with make_client(hostile, timeout=0.3, attempts=2) as client, asyncio.timeout(5):
        with pytest.raises(VendorError):
            await client.get("/jobs")
    assert hostile.asked.count(path) == 2


async def test_head_that_never_comes_to_its_end_is_given_up_in_time(hostile: Hostile) -> None:
    def go_on() -> Iterable[bytes | float]:
        while True:
            yield b"HTTP/1.1 100 Continue\r\n\r\n" * 100
            yield 0.001

    hostile.answers["/jobs"] = go_on
    async with make_client(hostile, timeout=0.3, attempts=2) as client, asyncio.timeout(10):
        with pytest.raises(RetryLater, match="no answer"):
            await client.get("/jobs")


@pytest.mark.parametrize("retry_after", ["0", "0.0", "Mon, 01 Jan 0001 00:00:00 GMT", "Sun, 29 Nov 2020 06:00:00 GMT"])
async def test_vendor_that_wants_to_be_asked_again_at_once_for_ever_is_asked_at_our_own_growing_pauses(
    vendor: Vendor, retry_after: str
) -> None:
    vendor.will("/jobs", *[lambda request: say({}, 429, Retry_After=retry_after)] * 100)
    retry = Retry(attempts=5, first=0.1, longest=0.4)
    async with VendorClient(
        Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=retry), SECRETS
    ) as client:
        started_at = time.monotonic()
        with pytest.raises(RetryLater, match="429"):
            await client.get("/jobs")
    assert time.monotonic() - started_at > (0.2 + 0.4 + 0.4 + 0.4) / 2
    assert vendor.count("/jobs") == 5


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["86400", "31536000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_vendor_that_wants_to_be_left_alone_for_a_year_is_asked_again_in_an_hour(
    vendor: Vendor, status: int, retry_after: str
) -> None:
    vendor.will("/jobs", lambda request: say({}, status, Retry_After=retry_after))
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT)
    async with VendorClient(target, SECRETS, is_background=True, patience=1.0) as client:
        with pytest.raises(RetryLater) as refused:
            await client.get("/jobs")
        assert refused.value.after == 3600
        with pytest.raises(BudgetSpent) as held:
            await client.get("/jobs")
        assert held.value.after is not None
        assert 3590 < held.value.after <= 3600
    assert vendor.count("/jobs") == 1


@pytest.mark.parametrize(
    ("left", "rate"), [("-1e308", "1"), ("0", "1e-7"), ("0", "0.0000001"), ("nan", "1"), ("-5", "1"), ("0", "9" * 400)]
)
async def test_budget_that_is_none_is_passed_over(vendor: Vendor, left: str, rate: str) -> None:
    vendor.lists["/jobs"] = []
    vendor.will("/jobs", *[lambda request: say({"rows": []}, X_Left=left, X_Rate=rate)] * 3)
    headers = TokenBucketHeaders(remaining="x-left", per_second="x-rate")
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT, budget_rule=headers)
    async with VendorClient(target, SECRETS, is_background=True, patience=1.0) as client, asyncio.timeout(5):
        for _ in range(5):
            await client.get("/jobs")


@pytest.mark.parametrize(
    ("date", "days"),
    [
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 0),
        ("Sun, 29 Nov " + "9" * 400 + " 06:00:00 GMT", 0),
        ("Wed, 01 Jan 2020 00:00:00 GMT", 31),
    ],
)
async def test_clock_of_a_vendor_is_believed_for_a_month_at_most(hostile: Hostile, date: str, days: int) -> None:
    hostile.answers["/jobs"] = lambda: whole(b"{}", b"Date: " + date.encode())
    async with make_client(hostile) as client:
        await client.get("/jobs")
        assert client.ahead == timedelta(days=days)


@pytest.mark.parametrize("form", ["{path}", "//{host}{path}", "HTTP://LOCALHOST:{port}{path}", "?{query}"])
async def test_list_is_walked_to_its_end_however_its_links_are_written(vendor: Vendor, form: str) -> None:
    base_url = vendor.base_url.replace("127.0.0.1", "localhost")
    host, port = base_url.removeprefix("http://"), base_url.rpartition(":")[2]

    def answer(page: int) -> Answerer:
        path = f"/jobs?page={page + 1}"
        link = form.format(path=path, host=host, port=port, query=path.partition("?")[2])
        return lambda request: say({"rows": [{"id": str(page)}], "next": link if page < 3 else None})

    vendor.will("/jobs", *map(answer, range(4)))
    async with VendorClient(
        Target(base_url=base_url, addresses=HERE, auth=ACME.auth, retry=IMPATIENT), SECRETS
    ) as client:
        pages = [page async for page in walk(client, JOBS, "/jobs")]
    assert [row.data["id"] for page in pages for row in page.rows] == ["0", "1", "2", "3"]
    assert [request.query.get("page") for request in vendor.log if request.path == "/jobs"] == [None, "1", "2", "3"]
