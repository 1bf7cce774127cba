"""Whatever rows the control plane lets into the Workable emulator, everything it is asked and told is answered.

Each member of each stream's rows is of another type in turn, in rows of its own; an exception is an error of ours.
"""

import random
from itertools import islice
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from testbed.effort import count
from testbed.workable_line import BASE, ORIGIN, Row, WorkableLine, open_workable
from unihire.integration.emulate import Receiver, Request
from unihire.integrations.workable.emulator.api.calls import Endpoint
from unihire.integrations.workable.emulator.app import WorkableEmulator

DEEP: Any = "deep"
for _ in range(90):
    DEEP = [DEEP]
LEFT_OUT = object()
ODD_VALUES: dict[str, Any] = {
    "null": None, "left out": LEFT_OUT, "text": "x", "empty text": "", "surprising text": "\x00 \u202e 7",
    "number": 7, "negative": -1, "fraction": 0.5, "huge": 10**300, "true": True, "list": [], "list of null": [None],
    "list of texts": ["x"], "list of lists": [[1]], "list of objects": [{}], "object": {},
    "object of null": {"id": None, "name": None, "body": None, "filename": None},
    "object of objects": {"id": {}, "filename": {}, "location_str": [], "score": {}}, "deep": DEEP,
}  # fmt: skip
WORDS: dict[str, tuple[Any, ...]] = {
    "text": ("x", "2026-09", "ada@example.com", "applied", "1f0001", "92b01", "NEW-1"), "id": (7, "x"),
    "bool": (True, False), "int": (0, 1, 2), "number": (1.5,), "object": ({}, {"name": "x", "data": "eA=="}),
    "objects": ([], [{}]), "texts": ([], ["x"], ["ats.simple"]), "list": ([], [7]),
}  # fmt: skip
QUERIES = (
    "", "limit=100&status=all&include_cancelled=true", "updated_after=2020-01-01", "created_after=2020-01-01&limit=7",
    "email=ada@example.com", "stage=applied", "state=published", "actions=comment,rating", "member_id=1f0001",
    "start_date=2020-01-01&end_date=2030-01-01", "role=admin", "plan_date_from=2026-01&state=pending", "job_id=5b0001",
    "include_fields=description,full_description", "since_id=90000000",
)  # fmt: skip


async def make_odd(line: WorkableLine, stream: str, rows: list[Row], value: Any) -> list[str]:
    """Give each member of the rows the odd value, each in another row as far as there are; the ids changed."""
    found = []
    for place, name in enumerate(sorted({name for row in rows for name in row if not name.startswith("_")})):
        row = rows[place % len(rows)]
        if value is LEFT_OUT:
            given = {own: kept for own, kept in row.items() if own not in (name, "id", "updated_at") and own[0] != "_"}
            method, path = "POST", f"rows/{stream}"
        else:
            method, path, given = "PATCH", f"rows/{stream}/{row['id']}", {name: value}
        content = msgspec.json.encode(given)
        assert line.app._answer_control is not None
        answer = await line.app._answer_control(Request(method, f"/_sandbox/{path}", (), {}, content, ORIGIN))
        assert answer.status in (200, 400), (stream, name, answer.body)
        if answer.status == 200:
            found.append(str(msgspec.json.decode(answer.body)["id"]))
    return found


def make_body(endpoint: Endpoint, odd: dict[str, list[str]], chance: random.Random) -> Row:
    """What the write wants, by its types, over odd rows."""
    body: Row = {"member_id": "1f0001"}
    for name, kind in (endpoint.body or {}).items():
        if kind.endswith("!") or chance.random() < 0.7:
            body[name] = chance.choice(WORDS[kind.rstrip("!?")])
    named = {
        "target_job_shortcode": "jobs", "disqualify_reason_id": "disqualification_reasons", "job_id": "jobs",
        "department_id": "departments", "owner_id": "members", "id": "members", "parent_id": "departments",
    }  # fmt: skip
    for name, stream in named.items():
        if name in body and chance.random() < 0.8:
            body[name] = chance.choice(odd[stream])
    if "target_stage" in body:
        body["target_stage"] = chance.choice(("applied", "offer", "hired", "screening"))
    if "comment" in body and (endpoint.body or {})["comment"] == "object!":
        body["comment"] = {"body": "x", "attachment": {"name": "x", "data": "eA=="}}
    if "candidate" in body:
        question = {"question_key": chance.choice(odd["questions"]), "body": "x", "choices": ["x"], "number": 1}
        body["candidate"] = {
            "name": "A B", "email": f"{chance.randrange(10**6)}@example.com",
            "answers": [question][: chance.randrange(2)], "resume": {"name": "x.pdf", "data": "eA=="}, "tags": ["x"],
        }  # fmt: skip
    if chance.random() < 0.1 and endpoint.body:
        body[chance.choice(list(endpoint.body))] = chance.choice(
            [one for one in ODD_VALUES.values() if one is not LEFT_OUT]
        )
    return body


def fill(path: str, odd: dict[str, list[str]], chance: random.Random, codes: list[str], jobs: list[str]) -> str:
    stream = path.split("/")[1]
    values = {
        "{id}": chance.choice(odd.get(stream, ["x"])) if stream != "jobs" else chance.choice(odd["candidates"]),
        "{shortcode}": chance.choice(jobs), "{code}": quote(chance.choice(codes), safe=""),
        "{decision}": chance.choice(("approve", "reject")), "{stage}": "applied", "{subdomain}": "example",
    }  # fmt: skip
    for name, value in values.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("kind", ODD_VALUES)
async def test_reads_and_writes_are_answered_over_rows_with_members_of_any_kind(kind: str) -> None:
    line, chance = open_workable(size=100, seed=4), random.Random(kind)
    emulator = line.app.emulator
    assert isinstance(emulator, WorkableEmulator)
    assert line.app.outbox is not None
    line.app.outbox.add_receiver(Receiver(1, "everything", "http://127.0.0.1:9/", "secret", ()))
    line.post("/subscriptions", target="http://127.0.0.1:9/", event="candidate_moved", args={"stage_slug": "offer"})
    odd: dict[str, list[str]] = {}
    streams: Any = emulator.streams
    for stream in streams:
        if stream != "api_keys":
            rows = [row for _, row in islice(streams[stream].walk_latest(), 25)]
            odd[stream] = await make_odd(line, stream, rows, ODD_VALUES[kind])
            odd[stream] += await make_odd(line, stream, rows[:2], ODD_VALUES[kind])
    assert sum(map(len, odd.values())) > 150
    jobs = [f"{row['shortcode']}" for _, row in streams["jobs"].walk_latest() if isinstance(row.get("shortcode"), str)]
    codes = [f"{row['code']}" for _, row in streams["requisitions"].walk_latest() if isinstance(row.get("code"), str)]
    endpoints = [one for same in emulator._routes._known.values() for _, one in same]
    user = line.with_token(line.tokens["user_token"])
    for endpoint in sorted(endpoints, key=lambda one: one.method == "DELETE"):
        for _ in range(count(40, 6)):
            path = fill(endpoint.path, odd, chance, codes, jobs)
            if endpoint.method == "GET":
                answer = user.send("GET", f"{path}?{chance.choice(QUERIES)}")
            else:
                answer = user.send(endpoint.method, path, make_body(endpoint, odd, chance))
            assert answer.status < 500, (endpoint.method, path)
    for path in ("/candidates", "/jobs", "/members", "/events", "/requisitions", "/departments", "/stages"):
        assert user.send("GET", f"{path}?limit=100&status=all&include_cancelled=true").status == 200
    for stream in ("candidates", "events"):
        for id_ in odd[stream]:
            assert user.send("GET", f"/{stream}/{id_}").status in (200, 404)
    assert emulator.find_stream(f"{BASE}/candidates") == "candidates"
