"""Whatever rows the control plane lets in, every list, filter, single row and write answers: never an error of ours.

Each member of each stream's rows is null, left out and of every other type in turn, in rows of its own; then everything
is asked and written. An exception is an error of ours: a server would make a 500 of it.
"""

import random
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest

from testbed.ashby import AshbyLine
from testbed.ashby_bodies import collect_ids, make_call_body
from testbed.effort import IS_THOROUGH, pick
from unihire.integration.emulate import EmulatorResponse, Receiver, Request
from unihire.integrations.greenhouse.emulator.query import _list_kinds
from unihire.integrations.greenhouse.emulator.resources import RESOURCES
from unihire.integrations.greenhouse.emulator.writes.actions import ACTIONS
from unihire.integrations.greenhouse.emulator.writes.bodies import BodyField, declare_body
from unihire.integrations.greenhouse.emulator.writes.plain import WRITES
from unihire.sandbox.host import SandboxApp
from unihire.sandbox.runner import build_sandbox

LEFT_OUT = object()
DEEP: Any = "deep"
for _ in range(200):
    DEEP = [DEEP]
ODD_VALUES: dict[str, Any] = {
    "null": None,
    "left out": LEFT_OUT,
    "text": "x",
    "empty text": "",
    "surprising text": "\x00 \u202e 7",
    "number": 7,
    "negative": -1,
    "fraction": 0.5,
    "huge": 10**300,
    "true": True,
    "list": [],
    "list of null": [None],
    "list of texts": ["x"],
    "list of numbers": [7],
    "list of lists": [[1]],
    "list of objects": [{}],
    "list of empty entries": [{"value": None, "id": None, "name": None, "person": None, "type": 7}],
    "object": {},
    "object of null": {"value": None, "id": None, "name": None, "x": None},
    "object of objects": {"salary": {"value": {"x": []}}, "id": {}, "x": {}},
    "deep": DEEP,
}
MOST_KINDS = 9
"""So many kinds of odd values, spread over all, are tried in a usual run; `make chaos` tries each."""
EVENTLESS = Receiver(1, "everything", "http://127.0.0.1:9/", "secret", ())


PART = 0.1
"""Of the filters of each list, those that are asked for with each kind of odd value; `make chaos` asks for all."""


class Line:
    """An emulator asked without a socket, so that what fails in it is seen as it is."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self.authorization = ""

    def ask(self, method: str, path: str, query: str = "", body: Any = None) -> EmulatorResponse:
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {"authorization": self.authorization, "content-type": "application/json"}
        request = Request(method, path, parse_qsl(query, keep_blank_values=True), headers, content, "http://sandbox")
        try:
            answer = self.app.emulator.answer(request)
        except Exception as error:
            error.add_note(f"{method} {path}?{query} {content[:300]!r}")
            raise
        assert answer.status < 500, (method, path, query, content)
        return answer

    def upload(self, path: str) -> str:
        """Upload a file, and give its uuid."""
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\nabc\r\n--x--\r\n'
        headers = {"content-type": "multipart/form-data; boundary=x"}
        answer = self.app.emulator.answer(Request("POST", path, (), headers, form, "http://sandbox"))
        uuid: str = msgspec.json.decode(answer.body)["uuid"]
        return uuid

    async def control(self, method: str, path: str, body: Any) -> EmulatorResponse:
        content = b"" if body is None else msgspec.json.encode(body)
        assert self.app._answer_control is not None
        answer = await self.app._answer_control(Request(method, f"/_sandbox/{path}", (), {}, content, "http://sandbox"))
        assert answer.status in (200, 400), (method, path, content[:300], answer.body)
        return answer

    def list_rows(self, path: str) -> list[dict[str, Any]]:
        body = msgspec.json.decode(self.ask("GET", path).body)
        rows: list[dict[str, Any]] = body if isinstance(body, list) else body["_data"]
        return rows


async def make_odd(line: Line, stream: str, rows: list[dict[str, Any]], value: Any) -> list[str]:
    """Give each member of the stream's rows the odd value, each in another row as far as there are; the ids changed."""
    names = sorted({name for row in rows for name in row if not name.startswith("_")})
    changed = []
    for place, name in enumerate(names):
        row = rows[place % len(rows)]
        if value is LEFT_OUT:
            fields = {own: kept for own, kept in row.items() if own != name and not own.startswith("_") and own != "id"}
            answer = await line.control("POST", f"rows/{stream}", _without_times(fields))
        else:
            answer = await line.control("PATCH", f"rows/{stream}/{row['id']}", {name: value})
        if answer.status == 200:
            changed.append(str(msgspec.json.decode(answer.body)["id"]))
    return changed


def _without_times(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in ("created_at", "updated_at", "updatedAt")}


@pytest.mark.parametrize("kind", pick([*ODD_VALUES], MOST_KINDS))
async def test_greenhouse_reads_and_writes_over_rows_with_members_of_any_kind(kind: str) -> None:
    app = build_sandbox("greenhouse", size=100, seed=4, options={"rate_limit": "0"})
    line = Line(app)
    line.authorization = sign_in_greenhouse(app)
    assert app.outbox is not None
    app.outbox.add_receiver(EVENTLESS)
    chance = random.Random(kind)
    odd: dict[str, list[str]] = {}
    for stream in RESOURCES:
        if stream not in ("webhooks", "bulk_requests"):
            rows = line.list_rows(f"/v3/{stream}")
            odd[stream] = await make_odd(line, stream, rows, ODD_VALUES[kind])
            if kind in ("null", "list"):
                # Several odd members at once, too.
                odd[stream] += await make_odd(line, stream, rows[:2], ODD_VALUES[kind])
    for stream, resource in RESOURCES.items():
        if stream == "webhooks":
            continue
        line.ask("GET", f"/v3/{stream}", "per_page=500")
        for query in list_filters(resource, odd.get(stream, ["7"])):
            if IS_THOROUGH or chance.random() < PART:
                assert line.ask("GET", f"/v3/{stream}", query).status in (200, 422), query
    for method, path, body in list_writes(line, odd, chance):
        line.ask(method, path, body=body)
    for stream in odd:
        line.ask("GET", f"/v3/{stream}", "per_page=500")


def sign_in_greenhouse(app: SandboxApp) -> str:
    credentials = app.emulator.credentials
    import base64

    basic = base64.b64encode(f"{credentials.client_id}:{credentials.client_secret}".encode()).decode()
    headers = {"authorization": f"Basic {basic}"}
    answer = app.emulator.answer(
        Request("POST", "/token", (), headers, b"grant_type=client_credentials", "http://sandbox")
    )
    return f"Bearer {msgspec.json.decode(answer.body)['access_token']}"


def list_filters(resource: Any, ids: list[str]) -> Iterator[str]:
    """Every filter of a list with a value it takes."""
    yield "ids=" + ",".join(ids[:50])
    for name, kind in _list_kinds(resource).items():
        if kind == "ids":
            yield urlencode({name: ",".join(ids[:20])})
        elif kind in ("moment", "date"):
            value = "2024-01-01" + ("T00:00:00Z" if kind == "moment" else "")
            yield urlencode({name: f"gte|{value}|lt|2027{value[4:]}"})
        elif kind == "bool":
            yield f"{name}=true"
            yield f"{name}=false"
        elif kind in ("int", "option"):
            yield f"{name}={ids[0]}"
        elif kind == "text":
            yield urlencode({name: "jane.x@example.com" if "email" in name else "x"})
        else:
            for word in kind.split("|"):
                yield f"{name}={word}"


def list_writes(line: Line, odd: dict[str, list[str]], chance: random.Random) -> Iterator[tuple[str, str, Any]]:
    """Every write and every verb, each several times over rows that are odd."""
    custom = [int(row) for row in odd["custom_fields"]]
    for stream, writes in WRITES.items():
        if stream == "webhooks":
            continue
        ids = odd[stream] or ["7"]
        for _ in range(6 if IS_THOROUGH else 1):
            if writes.create is not None:
                yield "POST", f"/v3/{stream}", make_body(declare_body(writes.create), odd, custom, chance)
            if writes.update is not None:
                body = make_body(declare_body(writes.update), odd, custom, chance)
                yield "PATCH", f"/v3/{stream}/{chance.choice(ids)}", body
            for method in writes.bulk:
                text = writes.create if method == "POST" else writes.update
                entry = make_body(declare_body(text or ""), odd, custom, chance)
                data: list[Any] = [{**entry, "id": int(chance.choice(ids))}, None, "x", {}, 7]
                yield method, f"/v3/{stream}/bulk", {"data": data[1:] if method == "DELETE" else data}
    for stream, actions in ACTIONS.items():
        for action in actions:
            for number in chance.sample(odd[stream], min(15 if IS_THOROUGH else 2, len(odd[stream]))):
                body = make_body(declare_body(action.body), odd, custom, chance)
                if action.verb == "anonymize":
                    body["fields"] = ["full_name", "emails", "notes", "offers", "tags", "attachments", "source"]
                if action.verb == "convert_to_candidate":
                    prospects = msgspec.json.decode(line.ask("GET", "/v3/applications", "prospect=true").body)
                    number = str(chance.choice(prospects)["id"])
                if action.verb == "replace_approver":
                    approvers = msgspec.json.decode(line.ask("GET", "/v3/approvers").body)
                    there = [one for one in approvers if type(one["user_id"]) is int and one["approver_group_id"]]
                    approver = chance.choice(there)
                    number, body["remove_user_id"] = str(approver["approver_group_id"]), approver["user_id"]
                if action.verb == "move":
                    found = msgspec.json.decode(line.ask("GET", f"/v3/{stream}", f"ids={number}").body)
                    body["from_stage_id"] = found[0].get("stage_id") if found else 7
                yield action.method, f"/v3/{stream}/{number}/{action.verb}", body
    for stream, writes in WRITES.items():
        if writes.destroys and stream != "webhooks":
            for number in chance.sample(odd[stream], min(5 if IS_THOROUGH else 2, len(odd[stream]))):
                yield "DELETE", f"/v3/{stream}/{number}", None


def make_body(
    fields: tuple[BodyField, ...], odd: dict[str, list[str]], custom: list[int], chance: random.Random
) -> dict[str, Any]:
    """Mostly what the write wants, over odd rows; now and then a field is odd itself, or left out."""
    body = {}
    odds = chance.choice((0.0, 0.0, 0.1, 0.3))
    for field in fields:
        luck = chance.random()
        if luck < odds:
            body[field.name] = chance.choice([value for value in ODD_VALUES.values() if value is not LEFT_OUT])
        elif luck < 0.85 or field.is_required:
            body[field.name] = make_value(field, odd, custom, chance)
    return body


def make_value(field: BodyField, odd: dict[str, list[str]], custom: list[int], chance: random.Random) -> Any:
    plain = {
        "text": chance.choice(["x", "a@example.com", "7"]), "int": 2, "bool": True, "moment": "2026-06-01T12:00:00Z",
        "date": "2026-06-01", "object": {"job_id": int(chance.choice(odd["jobs"]))},
        "custom": chance.choice([[], [{"custom_field_id": chance.choice(custom), "value": "x"}]]),
        "list": make_list(field.name, odd, chance),
    }  # fmt: skip
    if field.words != ("",):
        return chance.choice(field.words)
    if field.kind in plain:
        return plain[field.kind]
    target = field.kind.rstrip("*")
    number = int(chance.choice(odd.get(target) or ["7"]))
    return [number] if field.kind.endswith("*") else number


def make_list(name: str, odd: dict[str, list[str]], chance: random.Random) -> list[Any]:
    user = int(chance.choice(odd["users"]))
    lists: dict[str, list[Any]] = {
        "tags": ["x"],
        "interviewers": [{"user_id": user}],
        "approver_groups": [{"approvers": [{"user_id": user}]}],
        "custom_field_options": [{"name": "x"}],
        "opening_ids": ["3-1", None],
        "email_to": ["x"],
    }
    odd_lists: list[list[Any]] = [
        [],
        ["x"],
        [None],
        [{"user_id": 7}],
        [{"approvers": [{}]}],
        [{"approvers": 7}],
        [{"name": []}],
    ]
    usual = lists.get(name, [{"value": "x", "type": "other"}])
    return usual if chance.random() < 0.9 else chance.choice(odd_lists)


PERSONIO_LISTS = {
    "jobs": "/v2/recruiting/jobs",
    "candidates": "/v2/recruiting/candidates",
    "applications": "/v2/recruiting/applications",
    "categories": "/v2/recruiting/categories",
    "persons": "/v2/persons",
}


@pytest.mark.parametrize("kind", pick([*ODD_VALUES], MOST_KINDS))
async def test_personio_reads_over_rows_with_members_of_any_kind(kind: str) -> None:
    app = build_sandbox("personio", size=100, seed=4, options={"auth": "off"})
    line = Line(app)
    odd: dict[str, list[str]] = {}
    for stream, path in PERSONIO_LISTS.items():
        rows = line.list_rows(path)
        odd[stream] = await make_odd(line, stream, rows, ODD_VALUES[kind])
        odd[stream] += await make_odd(line, stream, rows[:2], ODD_VALUES[kind])
    moment = "2024-01-01T00:00:00Z"
    for stream, path in PERSONIO_LISTS.items():
        line.ask("GET", path)
        for query in (
            f"limit=50&updated_at.gt={moment}", f"limit=50&updated_at.lt={moment}", "email=a@example.com",
            "candidate.email=a@example.com", "first_name=x", "preferred_name=x", "status=ACTIVE",
            f"created_at.gt={moment}", f"updated_at={moment}", "id=" + ",".join(odd[stream][:20]),
        ):  # fmt: skip
            line.ask("GET", path, query)
        for number in odd[stream]:
            assert line.ask("GET", f"{path}/{number}").status == 200
    for number in odd["applications"]:
        assert line.ask("GET", f"/v2/recruiting/applications/{number}/stage-transitions").status == 200
    for number in odd["persons"]:
        answer = line.ask("GET", f"/v2/persons/{number}/employments")
        for row in msgspec.json.decode(answer.body)["_data"]:
            if isinstance(row["id"], str) and re.fullmatch(r"\d+", row["id"]):
                line.ask("GET", f"/v2/persons/{number}/employments/{row['id']}")


@pytest.mark.parametrize("kind", pick([*ODD_VALUES], MOST_KINDS))
async def test_personio_takes_applications_and_files_over_rows_with_members_of_any_kind(kind: str) -> None:
    app = build_sandbox("personio", size=100, seed=4, options={"auth": "off", "v1_application_requests": "0"})
    line = Line(app)
    uuids = [line.upload("/v1/recruiting/applications/documents") for _ in range(20)]

    def submit(place: int, job: int, uuid: str) -> None:
        body = {"first_name": "A", "last_name": "B", "email": f"{place}@example.com", "job_position_id": job}
        body |= {"files": [{"uuid": uuid, "original_filename": "a.pdf", "category": "cv"}], "tags": ["a", str(place)]}
        for phase in ({"type": "custom", "id": 41001}, {"type": "system", "id": "offer"}, None):
            answer = line.ask("POST", "/v1/recruiting/applications", body=body | ({"phase": phase} if phase else {}))
            assert answer.status in (201, 400)

    for place, uuid in enumerate(uuids[:10]):
        submit(place, 209321, uuid)
    streams = {name: app.emulator.streams[name] for name in ("documents", "uploads", "submissions", "tags")}
    written = {
        name: [row for n in range(90_000_000, 90_000_100) if (row := rows.find(n))] for name, rows in streams.items()
    }
    assert all(len(rows) >= 10 for rows in written.values())
    others = {
        stream: line.list_rows(PERSONIO_LISTS[stream])
        for stream in ("jobs", "candidates", "applications", "categories")
    }
    for stream, rows in (written | others).items():
        await make_odd(line, stream, rows, ODD_VALUES[kind])
        await make_odd(line, stream, rows[:2], ODD_VALUES[kind])
    documents = "/v2/document-management/documents"
    for row in written["documents"]:
        for query in ("category_id=cv", "created_at.gte=2024-01-01", "limit=1"):
            line.ask("GET", documents, f"owner_id={row['owner']['id']}&{query}")
        assert line.ask("GET", f"{documents}/{row['id']}/download").status == 200
    for place, job in enumerate(others["jobs"]):
        submit(place, int(job["id"]), uuids[10 + place % 10])


def take_rows(app: SandboxApp, stream: str) -> list[dict[str, Any]]:
    """Some stored rows of a stream, the newest."""
    rows: Any = app.emulator.streams[stream]
    return [row for _, row in islice(rows.walk_latest(), 40)]


@pytest.mark.parametrize("kind", pick([*ODD_VALUES], MOST_KINDS))
async def test_ashby_reads_and_writes_over_rows_with_members_of_any_kind(kind: str) -> None:
    app = build_sandbox("ashby", size=100, seed=4, options={"rate_limit": "0"})
    line, asking, chance = Line(app), AshbyLine(app), random.Random(kind)
    assert app.outbox is not None
    app.outbox.add_receiver(EVENTLESS)
    named = collect_ids(asking)
    odd: dict[str, list[str]] = {}
    for stream in app.emulator.streams:
        if stream != "api_keys" and (rows := take_rows(app, stream)):
            odd[stream] = await make_odd(line, stream, rows, ODD_VALUES[kind])
            odd[stream] += await make_odd(line, stream, rows[:2], ODD_VALUES[kind])
    every = [one for ids in odd.values() for one in ids]
    assert len(every) > 100
    endpoints: Any = app.emulator._endpoints  # type: ignore[attr-defined]
    for key in (asking, asking.with_key(asking.keys["plain_key"])):
        for name, endpoint in endpoints.items():
            for _ in range(12 if IS_THOROUGH else 2):
                ids = {name: chance.choice(odd.get(find_named(name), [one])) for name, one in named.items()}
                body = make_call_body(endpoint.body, ids | {"id": chance.choice(every)}, chance)
                few = {name: value for name, value in body.items() if chance.random() < 0.6}
                for one in (body, few):
                    one = {name: value for name, value in one.items() if name not in ("cursor", "syncToken")}
                    assert key.send(name, msgspec.json.encode(one)).status in (200, 403), name
            if endpoint.stream is not None:
                whole = {
                    "limit": 100,
                    "includeArchived": True,
                    "includeDeactivated": True,
                    "surveyType": "Questionnaire",
                }
                assert key.send(name, msgspec.json.encode(whole)).status == 200


NAMED = {"tagId": "candidate_tags", "fieldId": "custom_fields", "teamId": "departments", "teamMemberId": "users",
         "formDefinitionId": "feedback_forms", "surveyFormDefinitionId": "survey_forms", "roleId": "hiring_roles",
         "objectId": "candidates"}  # fmt: skip


def find_named(member: str) -> str:
    """The stream that a member of a body names a row of."""
    words = re.sub("([A-Z])", lambda match: "_" + match[1].lower(), member.removesuffix("Id"))
    return NAMED.get(member, f"{words}s")
