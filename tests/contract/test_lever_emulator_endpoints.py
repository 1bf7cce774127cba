"""Every documented endpoint of Lever is answered by the emulator or named among those that are not; and whatever is in
its rows, each answers: never an error of ours."""

import random
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec
import pytest

from testbed.effort import IS_THOROUGH
from testbed.lever_line import LeverLine, open_lever
from unihire.errors import ConfigError
from unihire.integration.emulate import Receiver
from unihire.integrations.lever.emulator.api.bodies import declare_body
from unihire.integrations.lever.emulator.api.unanswered import UNANSWERED

DOCUMENTED = """
GET /opportunities /opportunities/{} /opportunities/deleted /opportunities/{}/applications
    /opportunities/{}/applications/{} /applications/deleted /archive_reasons /archive_reasons/{} /disposition_stages
    /stages /stages/{} /tags /sources /audit_events /contacts/{} /eeo/responses /eeo/responses/pii
    /opportunities/{}/feedback /opportunities/{}/feedback/{} /feedback_templates /feedback_templates/{}
    /opportunities/{}/files /opportunities/{}/files/{} /opportunities/{}/files/{}/download
    /opportunities/{}/file_actions /opportunities/{}/resumes /opportunities/{}/resumes/{}
    /opportunities/{}/resumes/{}/download /form_templates /form_templates/{} /opportunities/{}/forms
    /opportunities/{}/forms/{} /opportunities/{}/interviews /opportunities/{}/interviews/{} /opportunities/{}/panels
    /opportunities/{}/panels/{} /opportunities/{}/notes /opportunities/{}/notes/{} /opportunities/{}/offers
    /opportunities/{}/offers/{}/download /opportunities/{}/referrals /opportunities/{}/referrals/{} /postings
    /postings/{} /postings/deleted /postings/{}/users /postings/{}/apply /requisitions /requisitions/{}
    /requisition_fields /requisition_fields/{} /surveys/diversity/{} /users /users/{} /webhooks
    /v0/postings/{} /v0/postings/{}/{}
POST /opportunities /opportunities/{}/addLinks /opportunities/{}/removeLinks /opportunities/{}/addTags
    /opportunities/{}/removeTags /opportunities/{}/addSources /opportunities/{}/removeSources
    /opportunities/{}/feedback /feedback_templates /opportunities/{}/files /uploads /form_templates
    /opportunities/{}/forms /opportunities/{}/interviews /opportunities/{}/panels /opportunities/{}/notes /postings
    /postings/{} /postings/{}/apply /requisitions /requisition_fields /requisition_fields/{}/options /users
    /users/{}/deactivate /users/{}/reactivate /webhooks /v0/postings/{}/{}
PUT /opportunities/{}/stage /opportunities/{}/archived /contacts/{} /opportunities/{}/feedback/{}
    /feedback_templates/{} /form_templates/{} /opportunities/{}/interviews/{} /opportunities/{}/panels/{}
    /opportunities/{}/notes/{} /requisitions/{} /requisition_fields/{} /requisition_fields/{}/options /users/{}
    /webhooks
DELETE /opportunities/{}/feedback/{} /feedback_templates/{} /opportunities/{}/files/{} /form_templates/{}
    /opportunities/{}/interviews/{} /opportunities/{}/panels/{} /opportunities/{}/notes/{} /requisitions/{}
    /requisition_fields/{} /requisition_fields/{}/options /webhooks/{}
"""

DEEP: Any = "deep"
for _ in range(80):
    DEEP = [DEEP]
ODD_VALUES: dict[str, Any] = {
    "null": None, "text": "x", "empty text": "", "surprising text": "\x00 \u202e 7", "number": 7, "negative": -1,
    "fraction": 0.5, "huge": 10**300, "true": True, "list": [], "list of null": [None], "list of texts": ["x"],
    "list of numbers": [7], "list of lists": [[1]], "list of objects": [{}], "object": {},
    "list of empty entries": [{"value": None, "id": None, "name": None, "type": 7, "options": 7}],
    "object of null": {"value": None, "id": None, "name": None, "reason": None, "archivedAt": None},
    "object of objects": {"reason": {"x": []}, "name": {}, "id": {}, "location": [], "conditions": 7}, "deep": DEEP,
}  # fmt: skip
QUERIES: dict[str, list[tuple[str, str]]] = {
    "/opportunities": [
        ("tag", "x"), ("source", "x"), ("origin", "applied"), ("stage_id", "offer"), ("location", "x"),
        ("archived", "true"), ("snoozed", "false"), ("email", "x@example.com"), ("archive_reason_id", "x"),
        ("archived_posting_id", "x"),
        *((f"{name}_at_start", "1") for name in ("created", "updated", "advanced", "archived")),
    ],
    "/postings": [("team", "x"), ("location", "x"), ("tag", "x"), ("state", "draft"), ("updated_at_start", "1")],
    "/users": [("email", "x"), ("accessRole", "admin"), ("external_directory_id", "x")],
    "/requisitions": [("created_at_start", "1"), ("status", "open"), ("requisition_code", "x")],
    "/eeo/responses": [("fromDate", "1")],
    "/eeo/responses/pii": [("created_at_start", "1"), ("expand", "contact,posting,hiringManager")],
    "/applications/deleted": [("deleted_at_start", "1")],
}  # fmt: skip


def list_documented() -> set[str]:
    found = set()
    method = ""
    for word in DOCUMENTED.split():
        if word.startswith("/"):
            found.add(f"{method} {word}")
        else:
            method = word
    return found


def list_endpoints(line: LeverLine) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = line.app.emulator._endpoints  # type: ignore[attr-defined]
    return found


def test_every_endpoint_is_answered_or_named_with_the_reason() -> None:
    answered = {" ".join(name) for name in list_endpoints(open_lever())}
    assert answered | UNANSWERED.keys() == list_documented()
    assert answered.isdisjoint(UNANSWERED)


def make_member(kind: str, words: tuple[str, ...], name: str, ids: dict[str, str], chance: random.Random) -> Any:
    entry = {"id": ids["users"], "text": "x", "type": "score-system", "value": "x", "name": "fullName", "content": "x"}
    plain: dict[str, Any] = {
        "text": chance.choice(["x", "a@example.com", *ids.values()]), "bool": True, "count": 5, "score": 2,
        "millis": 1_700_000_000_000, "headcount": 3, "any": None, "object": {},
        "list": [entry, {**entry, "name": "email", "interviewers": [{"id": ids["users"]}], "date": 1, "duration": 1}],
        "texts": chance.sample(["x", *ids.values()], chance.randrange(1, 3)),
    }  # fmt: skip
    named = {
        "panel": "panels", "interview": "interviews", "stage": "stages", "reason": "archive_reasons", "owner": "users",
        "hiringManager": "users", "managerId": "users", "contact": "contacts", "requisitionId": "requisitions",
        "baseTemplateId": chance.choice(["feedback_templates", "form_templates"]),
        "feedbackTemplate": "feedback_templates",
    }  # fmt: skip
    lists = {
        "postings": "postings",
        "postingIds": "postings",
        "applications": "applications",
        "linkedContactIds": "contacts",
    }
    if words:
        return chance.choice(words)
    if name in named:
        return ids[named[name]]
    return [ids[lists[name]]] if name in lists else plain[kind]


def make_body(declared: str, ids: dict[str, str], chance: random.Random) -> dict[str, Any]:
    return {
        field.name: make_member(field.kind, field.words, field.name, ids, chance)
        for field in declare_body(declared)
        if field.is_required or chance.random() < 0.7
    }


def list_asked(line: LeverLine, ids: dict[str, str], owned: dict[str, str]) -> Iterator[tuple[str, str, Any]]:
    """(method, path, endpoint) of every endpoint, about rows that are there."""
    for (method, path), endpoint in list_endpoints(line).items():
        first, *rest = path.strip("/").split("/")
        id_ = {"opportunities": ids["opportunities"], "requisition_fields": "grade"}.get(first) or ids.get(first, "x")
        found = path.replace("{}", id_, 1)
        if "{}" in found:
            kind = rest[1]
            found = found.replace("{}", ids.get(kind, "x"), 1)
            found = found.replace(ids["opportunities"], owned.get(kind, ids["opportunities"]))
        yield method, found, endpoint


@pytest.mark.parametrize("kind", ODD_VALUES)
def test_reads_and_writes_over_rows_with_members_of_any_kind(kind: str) -> None:
    line, chance = open_lever(), random.Random(kind)
    assert line.app.outbox is not None
    line.app.outbox.add_receiver(Receiver(1, "everything", "http://127.0.0.1:9/", "secret", ()))
    streams: Any = line.app.emulator.streams
    ids: dict[str, str] = {}
    owned: dict[str, str] = {}
    for name, rows in streams.items():
        taken = [(number, row) for number, row in islice(rows.walk_latest(), 25)]
        if not taken or name == "api_keys":
            continue
        members = sorted({member for _, row in taken for member in row if not member.startswith("_")})
        for place, member in enumerate(members):
            with suppress(ConfigError):
                rows.change(taken[place % len(taken)][0], {member: ODD_VALUES[kind]})
        with suppress(ConfigError):
            rows.create({member: ODD_VALUES[kind] for member in members if member not in ("id", "updatedAt")})
        row = chance.choice(taken)[1]
        ids[name] = row["id"]
        owned[name] = row.get("opportunityId") or ""
    ids["opportunities"] = str(next(row["id"] for _, row in streams["opportunities"].walk_latest()))
    actor = ("perform_as", line.keys["perform_as"])
    line.control("PATCH", "rows/users/1", {"deactivatedAt": None})
    met = set()
    for _ in range(6 if IS_THOROUGH else 1):
        for method, path, endpoint in list_asked(line, ids, owned):
            for query in ([("confidentiality", "all")], *([one] for one in QUERIES.get(path, ()))):
                body = b"" if method == "GET" else msgspec.json.encode(make_body(endpoint.body, ids, chance))
                answer = line.send(method, path, body, [*query, actor, *([("expand", chance.choice(list(ids)))])])
                assert answer.status < 500, (method, path, query, answer.body)
                met.add(answer.status)
    assert {200, 201, 204, 400} <= met
    for path in ("/opportunities", "/postings", "/requisitions", "/users"):
        assert re.match(rb'{"data":\[{', line.send("GET", path, query={"confidentiality": "all"}).body)
    for _, row in islice(streams["opportunities"].walk_latest(), 30):
        for child in ("notes", "interviews", "panels", "feedback", "offers", "files", "resumes", "applications"):
            assert line.send("GET", f"/opportunities/{row['id']}/{child}").status in (200, 404)
