"""How vendors are asked, over a real socket: tokens, what is tried again, and what is given up at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from testbed.effort import pick
from testbed.harvest import serve_harvest
from testbed.vendor import ACME, HERE, IMPATIENT, Answerer, Vendor, cut, run_vendor, say
from unihire.errors import (
    PermissionMissing,
    ReauthorizeNeeded,
    RetryLater,
    VendorChanged,
    VendorError,
    VendorRefused,
)
from unihire.integration.registry import get_integration
from unihire.kit.clock import MovableClock, to_text
from unihire.outbound.auth import ClientCredentials
from unihire.outbound.budget import TokenBucketHeaders
from unihire.outbound.client import Retry, Target, VendorClient
from unihire.outbound.paging import VendorResponse
from unihire.platform.connectors import open_client

SECRETS = {"client_id": "the-id", "client_secret": "the-secret"}
HEADERS = TokenBucketHeaders(remaining="x-left", per_second="x-rate")
QUERY = "email=ada%40example.com"


def make_client(
    vendor: Vendor, *, clock: MovableClock | None = None, retry: Retry = IMPATIENT, **others: Any
) -> VendorClient:
    target = Target(base_url=vendor.base_url, addresses=HERE, auth=ACME.auth, headers={"Beta": "true"}, retry=retry)
    return VendorClient(replace(target, **others), SECRETS, clock=clock)


@pytest_asyncio.fixture
async def client(vendor: Vendor) -> AsyncIterator[VendorClient]:
    vendor.lists["/jobs"] = [{"id": "1"}]
    async with make_client(vendor) as opened:
        yield opened


def answer(status: int, body: Any = None, **headers: str) -> Answerer:
    return lambda request: say(body if body is not None else {}, status, **headers)


async def test_token_is_bought_once_and_sent_with_what_the_integration_declares(
    vendor: Vendor, client: VendorClient
) -> None:
    await asyncio.gather(*(client.get("/jobs/1") for _ in range(20)))
    assert vendor.count("/token") == 1
    bought, *others = vendor.log
    assert (bought.method, bought.content_type) == ("POST", "application/x-www-form-urlencoded")
    assert dict(await bought.post()) == {"grant_type": "client_credentials", **SECRETS}
    for request in others:
        assert request.headers["Authorization"] == "Bearer token-1"
        assert request.headers["Beta"] == "true"
        assert request.headers["Accept"] == "application/json"


async def test_integration_says_what_it_accepts_where_the_vendor_has_versions_of_it(vendor: Vendor) -> None:
    vendor.lists["/jobs"] = [{"id": "1"}]
    async with make_client(vendor, headers={"Accept": "application/json; version=1"}) as client:
        await client.get("/jobs/1")
    assert vendor.log[-1].headers.getall("Accept") == ["application/json; version=1"]


async def test_credentials_go_into_a_header_where_the_vendor_wants_them_there(vendor: Vendor) -> None:
    auth = ClientCredentials(token_path="/token", credentials=ACME.auth.credentials, sent_as="basic")
    async with make_client(vendor, auth=auth) as client:
        await client.check()
    assert vendor.log[0].headers["Authorization"] == "Basic dGhlLWlkOnRoZS1zZWNyZXQ="
    assert dict(await vendor.log[0].post()) == {"grant_type": "client_credentials"}


async def test_token_is_bought_at_the_token_server_and_used_at_the_api(vendor: Vendor) -> None:
    vendor.lists["/jobs"] = [{"id": "1"}]
    async with run_vendor() as server, make_client(vendor, token_base_url=server.base_url) as client:
        await client.get("/jobs/1")
        assert [request.path for request in server.log] == ["/token"]
        assert [request.path for request in vendor.log] == ["/jobs/1"]


async def test_moment_at_which_a_token_ends_is_obeyed(vendor: Vendor) -> None:
    vendor.lists["/jobs"] = [{"id": "1"}]
    clock = MovableClock()
    ends_at = to_text(clock.now() + timedelta(hours=1))
    vendor.will("/token", *[answer(200, {"access_token": "x", "expires_at": ends_at})] * 2)
    async with make_client(vendor, clock=clock) as client:
        await client.get("/jobs/1")
        clock.advance(timedelta(minutes=58))
        await client.get("/jobs/1")
        assert vendor.count("/token") == 1
        clock.advance(timedelta(minutes=2))
        await client.get("/jobs/1")
        assert vendor.count("/token") == 2


async def test_token_endpoint_is_outside_the_budget(vendor: Vendor) -> None:
    vendor.lists["/jobs"] = [{"id": "1"}]
    vendor.will("/jobs/1", answer(200, x_left="0", x_rate="0.001"))
    async with make_client(vendor, budget_rule=HEADERS) as client:
        await client.get("/jobs/1")
        async with asyncio.timeout(2):
            await client.check()


@pytest.mark.parametrize(("lasts", "kept"), [(3600, 3500), (100, 35), (30, 10)])
async def test_token_is_renewed_shortly_before_it_ends(vendor: Vendor, lasts: int, kept: int) -> None:
    vendor.lists["/jobs"] = [{"id": "1"}]
    vendor.token_seconds = lasts
    clock = MovableClock()
    async with make_client(vendor, clock=clock) as client:
        await client.get("/jobs/1")
        clock.advance(timedelta(seconds=kept))
        await client.get("/jobs/1")
        assert vendor.tokens == 1
        clock.advance(timedelta(seconds=lasts - kept - 1))
        await client.get("/jobs/1")
        assert vendor.tokens == 2


async def test_token_that_lasts_for_ever_does_no_harm(vendor: Vendor, client: VendorClient) -> None:
    vendor.token_seconds = 9_223_372_036_854_775_807
    await client.get("/jobs/1")
    await client.get("/jobs/1")
    assert vendor.tokens == 1


async def test_refused_token_is_renewed_once_for_all_calls_under_way(vendor: Vendor, client: VendorClient) -> None:
    await client.get("/jobs/1")

    async def refuse_the_first_token(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        is_old = request.headers["Authorization"] == "Bearer token-1"
        return say({}, 401) if is_old else say({"id": "1"})

    vendor.will("/jobs/1", *[refuse_the_first_token] * 20)
    await asyncio.gather(*(client.get("/jobs/1") for _ in range(10)))
    assert vendor.tokens == 2
    assert vendor.count("/jobs/1") == 1 + 10 + 10


async def test_fresh_token_that_is_refused_needs_the_customer(vendor: Vendor, client: VendorClient) -> None:
    vendor.will("/jobs/1", *[answer(401)] * 5)
    with pytest.raises(ReauthorizeNeeded, match="fresh token"):
        await client.get("/jobs/1")
    # The old token, the fresh one twice, another one twice.
    said = [request.headers["Authorization"] for request in vendor.log if request.path == "/jobs/1"]
    assert said == [f"Bearer token-{number}" for number in (1, 2, 2, 3, 3)]


async def test_fresh_token_that_is_not_known_everywhere_at_once_is_asked_with_again(
    vendor: Vendor, client: VendorClient
) -> None:
    vendor.will("/jobs/1", *[answer(401)] * 2)
    assert (await client.get("/jobs/1")).status == 200
    assert vendor.tokens == 2


async def test_answer_that_is_not_as_documented_is_asked_for_again(vendor: Vendor, client: VendorClient) -> None:
    def read(found: VendorResponse) -> bytes:
        if b"error" in found.body:
            raise VendorChanged("odd")
        return found.body

    vendor.will("/jobs/1", answer(200, {"error": "odd"}))
    assert await client.read("/jobs/1", read) == b'{"id": "1"}'
    vendor.will("/jobs/1", *[answer(200, {"error": "odd"})] * IMPATIENT.attempts)
    with pytest.raises(VendorChanged):
        await client.read("/jobs/1", read)


async def test_clock_that_runs_ahead_of_the_vendors_is_noticed(vendor: Vendor) -> None:
    vendor.lists["/jobs"] = []
    async with make_client(vendor, clock=MovableClock(timedelta(hours=-1))) as late:
        await late.get("/jobs")
        assert late.ahead == timedelta()
    async with make_client(vendor, clock=MovableClock(timedelta(hours=1))) as early:
        await early.get("/jobs")
        assert timedelta(minutes=59) < early.ahead < timedelta(minutes=61)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_need_the_customer_and_are_not_tried_again(
    vendor: Vendor, client: VendorClient, status: int
) -> None:
    vendor.will("/token", answer(status, {"error": "invalid_client", "error_description": "the-secret is wrong"}))
    with pytest.raises(ReauthorizeNeeded, match="invalid_client") as caught:
        await client.check()
    assert "the-secret" not in str(caught.value)
    assert vendor.count("/token") == 1


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b'"x"', b"null", b'{"access_token": 5}', b'{"access_token": ""}', b'{"access_token": "x\\n"}'],
)
async def test_token_answer_of_another_shape_is_told_and_may_be_right_later(
    vendor: Vendor, client: VendorClient, body: bytes
) -> None:
    vendor.will("/token", *[answer(200, body)] * 50)
    with pytest.raises(RetryLater, match="token answer"):
        await client.get("/jobs/1")
    assert vendor.count("/token") <= IMPATIENT.attempts
    assert vendor.count("/jobs/1") == 0


@pytest.mark.parametrize("end", ['"3600"', "NaN", "true", "-1", "1e999", '"soon"', "[]"])
async def test_token_whose_end_is_not_as_documented_is_used(vendor: Vendor, client: VendorClient, end: str) -> None:
    body = f'{{"access_token": "odd", "expires_in": {end}}}'.encode()
    vendor.will("/token", answer(200, body))
    await client.get("/jobs/1")
    await client.get("/jobs/1")
    assert {request.headers["Authorization"] for request in vendor.log if request.path == "/jobs/1"} == {"Bearer odd"}
    assert vendor.count("/token") == 1


async def test_token_server_that_fails_is_asked_as_often_as_any_other(vendor: Vendor, client: VendorClient) -> None:
    vendor.will("/token", *[answer(500)] * 100)
    with pytest.raises(RetryLater, match="500"):
        await client.get("/jobs/1")
    assert vendor.count("/token") == IMPATIENT.attempts


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
async def test_passing_refusal_is_tried_again(vendor: Vendor, client: VendorClient, status: int) -> None:
    vendor.will("/jobs/1", answer(status), answer(status, b"<html>"))
    assert (await client.get("/jobs/1")).body == b'{"id": "1"}'
    assert vendor.count("/jobs/1") == 3


def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize(
    "break_it",
    [cut, hang_up, answer(200, b'{"id": '), answer(200, b""), answer(200, b"<html>"), answer(204, b"")],
    ids=["cut body", "reset", "half JSON", "no body", "HTML", "204"],
)
async def test_broken_answer_is_tried_again_and_told_when_it_stays(
    vendor: Vendor, client: VendorClient, break_it: Answerer
) -> None:
    vendor.will("/jobs/1", break_it, break_it)
    assert (await client.get(f"/jobs/1?{QUERY}")).body == b'{"id": "1"}'
    vendor.will("/jobs/1", *[break_it] * IMPATIENT.attempts * 2)  # of a lost connection the client makes two
    with pytest.raises((RetryLater, VendorChanged)) as caught:
        await client.get(f"/jobs/1?{QUERY}")
    assert "/jobs/1" in str(caught.value)
    assert "ada" not in str(caught.value)


async def test_row_with_half_of_an_emoji_is_read(vendor: Vendor, client: VendorClient) -> None:
    # Systems that count UTF-16 units cut texts in the middle of a pair; such an escape is JSON, and no text.
    body = rb'{"cut": "Hi \ud83d", "whole": "\ud83d\ude00", "low": "\ude00", "escaped": "\\ud83d"}'
    vendor.will("/jobs/1", answer(200, body))
    assert (await client.get("/jobs/1")).body.decode() == (
        r'{"cut": "Hi \ufffd", "whole": "\ud83d\ude00", "low": "\ufffd", "escaped": "\\ud83d"}'
    )


async def test_slow_answer_is_given_up_and_tried_again(vendor: Vendor) -> None:
    async def dawdle(request: web.Request) -> web.Response:
        await asyncio.sleep(0.5)
        return say({})

    vendor.lists["/jobs"] = [{"id": "1"}]
    vendor.will("/jobs/1", dawdle)
    async with make_client(vendor, retry=replace(IMPATIENT, timeout=0.05)) as client:
        assert (await client.get("/jobs/1")).body == b'{"id": "1"}'
        vendor.will("/jobs/1", *[dawdle] * IMPATIENT.attempts)
        with pytest.raises(RetryLater, match="no answer"):
            await client.get("/jobs/1")


@pytest.mark.parametrize(
    "retry_after", [lambda: "0.3", lambda: formatdate(time.time() + 1.3, usegmt=True)], ids=["seconds", "date"]
)
async def test_vendor_that_says_when_to_come_back_is_obeyed(
    vendor: Vendor, client: VendorClient, retry_after: Callable[[], str]
) -> None:
    vendor.will("/jobs/1", answer(429, Retry_After=retry_after()))
    begun_at = time.monotonic()
    await client.get("/jobs/1")
    assert 0.25 < time.monotonic() - begun_at < 2.5
    assert vendor.count("/jobs/1") == 2


async def test_all_calls_wait_while_the_vendor_wants_none(vendor: Vendor, client: VendorClient) -> None:
    await client.get("/jobs/1")
    vendor.will("/jobs/1", answer(429, Retry_After="0.3"))
    begun_at = time.monotonic()
    waiting = asyncio.create_task(client.get("/jobs/1"))
    await asyncio.sleep(0.05)
    await client.get("/jobs")
    assert time.monotonic() - begun_at > 0.25
    await waiting


@pytest.mark.parametrize("retry_after", ["soon", "", "-5", "nan"])
async def test_nonsense_about_when_to_come_back_is_passed_over(
    vendor: Vendor, client: VendorClient, retry_after: str
) -> None:
    vendor.will("/jobs/1", answer(503, Retry_After=retry_after))
    async with asyncio.timeout(1):
        await client.get("/jobs/1")


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 422])
async def test_refusal_is_told_at_once_with_its_status(vendor: Vendor, client: VendorClient, status: int) -> None:
    vendor.will("/jobs/1", answer(status, {"error": "ada@example.com is odd"}))
    with pytest.raises(VendorRefused) as caught:
        await client.get(f"/jobs/1?{QUERY}")
    assert caught.value.status == status
    assert "ada" not in str(caught.value)
    assert vendor.count("/jobs/1") == 1


async def test_forbidden_path_is_a_missing_permission(vendor: Vendor, client: VendorClient) -> None:
    vendor.will("/jobs/1", answer(403))
    with pytest.raises(PermissionMissing):
        await client.get("/jobs/1")
    assert vendor.count("/jobs/1") == 1


async def test_thing_that_is_not_there_is_none_and_other_refusals_are_errors(
    vendor: Vendor, client: VendorClient
) -> None:
    def read(found: VendorResponse) -> bytes:
        return found.body

    assert await client.find("/jobs/1", read) == b'{"id": "1"}'
    assert await client.find("/jobs/2", read) is None
    vendor.will("/jobs/1", answer(410))
    with pytest.raises(VendorRefused):
        await client.find("/jobs/1", read)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(vendor: Vendor, client: VendorClient, status: int) -> None:
    for path in ("/jobs/1", "/token"):
        vendor.tokens = 0
        vendor.will(path, *[answer(status, Location=f"{vendor.base_url}/elsewhere")] * IMPATIENT.attempts)
        with pytest.raises(RetryLater, match="redirect, which is not followed"):
            await client.check() if path == "/token" else await client.get(path)
    assert vendor.count("/elsewhere") == 0


async def test_vendor_that_is_not_there_is_asked_again_later(vendor: Vendor) -> None:
    async with make_client(vendor, base_url="http://127.0.0.1:9") as client:
        with pytest.raises(RetryLater, match="no answer"):
            await client.get(f"/jobs?{QUERY}")


async def test_base_address_with_a_path_reaches_token_and_lists_below_it(vendor: Vendor) -> None:
    vendor.lists["/proxy/acme/jobs"] = [{"id": "1"}]
    vendor.will("/proxy/acme/token", answer(200, {"access_token": "x"}))
    async with make_client(vendor, base_url=f"{vendor.base_url}/proxy/acme") as client:
        assert (await client.get(client.target.locate("/jobs/1"))).body == b'{"id": "1"}'
        assert client.target.origin == vendor.base_url


async def test_query_goes_out_as_it_stands(vendor: Vendor, client: VendorClient) -> None:
    vendor.lists["/jobs"] = []
    await client.get("/jobs?cursor=a%2Bb%3D%3D&x=%20+%26", {"more": "ä&b"})
    assert vendor.log[-1].raw_path == "/jobs?cursor=a%2Bb%3D%3D&x=%20+%26&more=%C3%A4%26b"


KNOWN_STATUSES = {200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503, 504}


async def test_every_error_is_of_the_engines_kind_whatever_the_vendor_does(
    vendor: Vendor, client: VendorClient
) -> None:
    quick = replace(IMPATIENT, attempts=1)
    for status in sorted({*KNOWN_STATUSES, *pick(range(200, 600), 30)}):
        vendor.answers["/jobs/1"] = [answer(status, b"\xff\xfe")] * 5
        async with make_client(vendor, retry=quick) as asked:
            with pytest.raises(VendorError):
                await asked.get("/jobs/1")


async def test_budget_said_in_headers_is_never_overdrawn_by_calls_abreast(vendor: Vendor) -> None:
    """The vendor holds a bucket of five calls that refills by fifty a second, and refuses what is too many."""
    left, at, refused = 5.0, time.monotonic(), 0

    def serve(request: web.Request) -> web.Response:
        nonlocal left, at, refused
        now = time.monotonic()
        left, at = min(5.0, left + (now - at) * 50), now
        if left < 1:
            refused += 1
            return say({}, 429, x_left="0", x_rate="50")
        left -= 1
        return say({}, x_left=str(int(left)), x_rate="50")

    vendor.will("/jobs/1", *[serve] * 200)
    async with make_client(vendor, budget_rule=HEADERS) as client:
        await client.get("/jobs/1")
        begun_at = time.monotonic()
        gate = asyncio.Semaphore(8)

        async def ask() -> None:
            async with gate:
                await client.get("/jobs/1")

        await asyncio.gather(*(ask() for _ in range(60)))
        took = time.monotonic() - begun_at
    assert refused == 0
    assert took < 60 / 50 * 1.6  # and little of the budget is left unused


@pytest.mark.parametrize("said", [("", "5"), ("x", "y"), ("0", "0"), ("5", ""), ("nan", "nan"), ("-3", "-1")])
async def test_nonsense_about_the_budget_is_passed_over(vendor: Vendor, said: tuple[str, str]) -> None:
    vendor.will("/jobs/1", *[answer(200, x_left=said[0], x_rate=said[1])] * 3)
    async with make_client(vendor, budget_rule=HEADERS) as client, asyncio.timeout(2):
        for _ in range(3):
            await client.get("/jobs/1")


async def test_real_window_is_used_to_the_last_call_and_never_overrun() -> None:
    """Takes until the window ends that is open when the test begins."""
    limits = {"rate_limit": "150", "token_rate_limit": "60"}
    with serve_harvest(size=100, options=limits) as sandbox:
        ready = sandbox.ready
        secrets = {"client_id": ready.client_id, "client_secret": ready.client_secret}
        if (left := 30 - time.time() % 30) < 5:  # too little to spend a window in
            await asyncio.sleep(left)
        begun_at = time.time()
        async with open_client(
            get_integration("greenhouse"), secrets, ready.base_url, is_base_url_trusted=True
        ) as client:
            gate = asyncio.Semaphore(8)

            async def ask() -> None:
                async with gate:
                    await client.get("/v3/jobs?per_page=1")

            await asyncio.gather(*(ask() for _ in range(200)))
            assert client.budget.waited == pytest.approx(30 - begun_at % 30, abs=3)
        assert dict(sandbox.app.log.by_route["GET /v3/jobs"]) == {200: 200}
    assert (time.time() // 30) - (begun_at // 30) == 1  # none of the first window's calls was left for a third
