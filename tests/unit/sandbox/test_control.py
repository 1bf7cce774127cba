"""The control plane answers every request in JSON and refuses what does not fit in words."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from unihire.sandbox.host import MAX_BODY_BYTES
from unihire.sandbox.runner import build_sandbox, list_emulators

SLUG = list_emulators()[0]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build_sandbox(SLUG, size=100))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as connected:
        yield connected


async def test_state_names_everything_there_is(client: httpx.AsyncClient) -> None:
    state = (await client.get("/_sandbox")).json()
    assert state["emulator"] == SLUG
    assert (state["size"], state["seed"], state["faults"]) == (100, 1, [])
    assert set(state["streams"]) == set((await client.get("/_sandbox/streams")).json())
    assert "PUT /_sandbox/faults" in state["control"]


async def test_faults_are_answered_with_those_set_and_explained_on_request(client: httpx.AsyncClient) -> None:
    put = (await client.put("/_sandbox/faults", json=[{"word": "429", "next": 3}])).json()
    assert put == {"faults": [{"word": "429", "next": 3, "seconds": 1.0}]}
    shown = (await client.get("/_sandbox/faults")).json()
    assert (shown["faults"], "429" in shown["known"]) == (put["faults"], True)
    assert (await client.delete("/_sandbox/faults")).json() == {"faults": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("POST", "/streams", None, 405),
        ("GET", "/rows/nothing/1", None, 404),
        ("GET", "/rows/jobs/7777777", None, 404),
        ("GET", "/rows/jobs/x", None, 400),
        ("DELETE", "/rows/jobs/7777777", None, 404),
        ("PATCH", "/rows/jobs/7777777", {}, 404),
        ("PATCH", "/rows/jobs/7777777", [], 400),
        ("PATCH", "/rows/jobs", {"count": -1}, 400),
        ("PATCH", "/rows/jobs", {"share": 2}, 400),
        ("PATCH", "/rows/jobs", {"share": 0.5, "count": 2}, 400),
        ("DELETE", "/rows/jobs", {}, 400),
        ("POST", "/rows/jobs", {"id": "x"}, 400),
        ("PUT", "/faults", {"word": "429"}, 400),
        ("PUT", "/faults", [{"word": "418"}], 400),
        ("POST", "/clock", {}, 400),
        ("POST", "/clock", {"set": "soon"}, 400),
        ("POST", "/clock", {"set": 5}, 400),
        ("POST", "/clock", {"advance_seconds": "1"}, 400),
        ("POST", "/clock", {"advance_seconds": 1e300}, 400),
        ("POST", "/clock", {"advance_seconds": 1e12}, 400),
    ],
)
async def test_what_does_not_fit_is_refused_in_words(
    client: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    response = await client.request(method, f"/_sandbox{path}", json=body)
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]


async def test_body_that_is_not_json_is_refused(client: httpx.AsyncClient) -> None:
    for content in (b"{", b"\xff", b"[" * 100_000):
        response = await client.put("/_sandbox/faults", content=content)
        assert (response.status_code, list(response.json())) == (400, ["error"])


async def test_clock_moves_and_reset_puts_it_back(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/clock", json={"advance_seconds": 3600})
    shift = (await client.post("/_sandbox/clock", json={"advance_seconds": -60})).json()["shift_seconds"]
    assert 3530 < shift <= 3541
    moved = (await client.post("/_sandbox/clock", json={"set": "2031-02-03T04:05:06Z"})).json()
    assert moved["now"].startswith("2031-02-03T04:05:0")
    await client.post("/_sandbox/reset")
    assert (await client.get("/_sandbox/clock")).json()["shift_seconds"] == 0


async def test_rows_and_shares_change(client: httpx.AsyncClient) -> None:
    total = (await client.get("/_sandbox/streams")).json()["candidates"]["rows"]
    assert (await client.patch("/_sandbox/rows/candidates", json={"share": 0.1})).json() == {"changed": total // 10}
    deleted = await client.request("DELETE", "/_sandbox/rows/candidates", json={"count": 4})
    assert deleted.json() == {"deleted": 4}
    counts = (await client.get("/_sandbox/streams")).json()["candidates"]
    assert counts == {"rows": total - 4, "created": 0, "changed": total // 10, "deleted": 4}


@pytest.mark.parametrize(("address", "is_open", "status"), [("203.0.113.9", False, 403), ("203.0.113.9", True, 200)])
async def test_other_machines_reach_the_control_plane_only_if_let(address: str, is_open: bool, status: int) -> None:
    app = build_sandbox(SLUG, size=100, is_control_open=is_open)
    transport = httpx.ASGITransport(app=app, client=(address, 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        assert (await client.get("/_sandbox/")).status_code == status


async def test_too_large_a_body_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/_sandbox/rows/jobs", content=b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
