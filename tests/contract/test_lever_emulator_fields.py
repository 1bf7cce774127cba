"""Rows of the Lever emulator have the members that are documented, each of its type; the JSON beside says which."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from testbed.lever_line import LeverLine, Row, make_lever_form, open_lever, read_lever

FIELDS: dict[str, dict[str, Any]] = msgspec.json.decode(
    (Path(__file__).with_name("test_lever_emulator_fields.json")).read_bytes()
)
ALL = {"confidentiality": "all"}
OF_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "text": str, "integer": int, "number": (int, float), "boolean": bool, "list": list, "object": dict,
    "null": type(None), "any": object,
}  # fmt: skip
LATER = {"Note": {"noteId"}, "Requisition.approval": {"id"}, "Opportunity": {"deletedAt", "deletedBy"},
         "Contact.phones": {"type"}}  # fmt: skip
"""Members that rows have in other answers alone, or not always: a phone's type is known to be missing elsewhere."""


@pytest.fixture(scope="module")
def line() -> LeverLine:
    return open_lever()


def list_children(line: LeverLine, kind: str) -> list[Row]:
    rows = line.walk("/opportunities", **ALL)
    return [child for row in rows for child in line.get(f"/opportunities/{row['id']}/{kind}")]


def list_deleted(line: LeverLine, stream: str) -> list[Row]:
    line.control("DELETE", f"rows/{'postings' if stream == 'postings' else 'opportunities'}", {"count": 5})
    now = int(line.app.clock.now().timestamp() * 1000)
    found: list[Row] = line.get(f"/{stream}/deleted", deleted_at_start=now - 60_000, deleted_at_end=now + 60_000)
    line.reset()
    return found


def upload(line: LeverLine) -> list[Row]:
    raw, kind = make_lever_form(("file", "cv.pdf", b"abc"))
    return [read_lever(line.send("POST", "/uploads", raw, content_type=kind))["data"]]


def make_webhook(line: LeverLine) -> list[Row]:
    return [line.act("POST", "/webhooks", {"url": "http://127.0.0.1:9/", "event": "contactCreated"})]


ROWS: dict[str, Callable[[LeverLine], list[Row]]] = {
    "Opportunity": lambda line: line.walk("/opportunities", **ALL),
    "Contact": lambda line: [line.get(f"/contacts/{row['contact']}") for row in line.walk("/opportunities", **ALL)],
    "Stage": lambda line: line.get("/stages"),
    "ArchiveReason": lambda line: line.get("/archive_reasons"),
    "DispositionStages": lambda line: [line.get("/disposition_stages")],
    "Tag": lambda line: line.get("/tags"),
    "Source": lambda line: line.get("/sources"),
    "User": lambda line: line.get("/users", includeDeactivated="true"),
    "Posting": lambda line: line.walk("/postings", **ALL),
    "PostingApplyForm": lambda line: [line.get(f"/postings/{row['id']}/apply") for row in line.walk("/postings")],
    "Requisition": lambda line: line.walk("/requisitions", **ALL),
    "RequisitionField": lambda line: line.get("/requisition_fields"),
    "FeedbackTemplate": lambda line: line.get("/feedback_templates"),
    "FormTemplate": lambda line: line.get("/form_templates"),
    "EeoResponse": lambda line: line.walk("/eeo/responses", fromDate=0),
    "EeoResponsePii": lambda line: line.walk("/eeo/responses/pii", created_at_start=0),
    "Application": lambda line: list_children(line, "applications"),
    "Feedback": lambda line: list_children(line, "feedback"),
    "ProfileForm": lambda line: list_children(line, "forms"),
    "Referral": lambda line: list_children(line, "referrals"),
    "Note": lambda line: list_children(line, "notes"),
    "Interview": lambda line: list_children(line, "interviews"),
    "Panel": lambda line: list_children(line, "panels"),
    "Offer": lambda line: list_children(line, "offers"),
    "File": lambda line: list_children(line, "files"),
    "FileAction": lambda line: list_children(line, "file_actions"),
    "Resume": lambda line: list_children(line, "resumes"),
    "PostingDeleted": lambda line: list_deleted(line, "postings"),
    "ApplicationDeleted": lambda line: list_deleted(line, "applications"),
    "Upload": upload,
    "Webhook": make_webhook,
}


def list_faults(where: str, fields: dict[str, Any], rows: Iterable[Row]) -> set[str]:
    """What of the rows is not as documented."""
    found = set()
    for row in rows:
        found |= {f"{where}.{name} is not documented" for name in row.keys() - fields.keys()}
        for name, field in fields.items():
            place = f"{where}.{name}"
            if name not in row:
                if not field.get("absent") and name not in LATER.get(where, ()):
                    found.add(f"{place} is missing")
                continue
            value = row[name]
            types = [OF_PYTHON[type_] for type_ in field["types"]]
            if not any(isinstance(value, type_) for type_ in types):
                found.add(f"{place} is {value!r}")
            if "words" in field and value is not None and value not in field["words"]:
                found.add(f"{place} is {value!r}")
            if "members" in field and value:
                entries = value if isinstance(value, list) else [value]
                found |= list_faults(place, field["members"], (entry for entry in entries if isinstance(entry, dict)))
    return found


def test_rows_of_every_documented_kind_are_looked_at() -> None:
    assert ROWS.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_rows_have_the_documented_members_of_the_documented_types(line: LeverLine, name: str) -> None:
    rows = ROWS[name](line)
    assert rows
    assert list_faults(name, FIELDS[name], rows) == set()
