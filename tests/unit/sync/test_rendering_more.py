"""What only richer faces show of a record: rendered beside its members, as these are."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid5

import asyncpg
import msgspec
import pytest

from testbed.records import make_more, make_row, stream_of
from unihire.integration.declare import RecordMapping, Source, Stream, Volatile
from unihire.model import MODELS, NATIVE_MODELS, Candidate, Contact, Job, Pay, TeamMember
from unihire.outbound.paging import Row
from unihire.store.bodies import Content, take_apart
from unihire.store.feed.refreshing import is_fresh
from unihire.store.feed.rendered import CONTENT_BYTES, EMPTY_ENDING, NOTHING, Rendered
from unihire.sync.rendering import Renderer

CONNECTOR = UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b")
RENDERER = Renderer(CONNECTOR, 7)
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def row(**fields: Any) -> Row:
    return Row(fields, msgspec.json.encode(fields))


def render(model: str, **fields: Any) -> Rendered:
    (record,), misfits = RENDERER.render_rows(stream_of(MODELS[model]), [row(**fields)], {})
    assert not misfits
    return record


def read_more(record: Rendered) -> Any:
    return msgspec.json.decode(record.more)


def id_of(model: str, remote_id: str) -> str:
    return str(uuid5(CONNECTOR, f"{model}:{remote_id}"))


@pytest.mark.parametrize("model", NATIVE_MODELS)
def test_members_are_the_same_with_it_and_without(model: str) -> None:
    spec = MODELS[model]
    plain, more = make_row(spec, 7), make_more(spec, 7)
    alone, rich = render(model, **plain), render(model, **plain, **more)
    derived = {"candidate": 2, "job": 2, "scheduled_interview": 1}.get(model, 0)
    one, other = (msgspec.json.decode(b"{%b}" % record.members) for record in (alone, rich))
    assert list(one) == list(other)
    assert len({name for name in one if one[name] != other[name]}) == derived
    assert list(read_more(rich)) == [field.name for field in spec.more]
    assert alone.more == NOTHING


def test_nothing_of_it_is_null_but_parts_of_what_is_there() -> None:
    job = render("job", remote_id="1", category="Sales", openings_count=0, places=[], pay={"amount": 1})
    assert read_more(job) == {
        "category": "Sales",
        "openings_count": 0,
        "places": [],
        "pay": {"amount": 1, "minimum": None, "maximum": None, "currency": None, "period": None},
    }


def test_relations_become_our_ids_also_inside_of_structs() -> None:
    answers = [{"question": "5", "question_remote_id": "5"}, {"title": "Other"}]
    team = [{"user": "1", "role": "RECRUITER"}, {"user": "2", "role_name": "Referee"}]
    made = read_more(render("application", remote_id="1", answers=answers, hiring_team=team, source_record="9"))
    assert [answer["question"] for answer in made["answers"]] == [id_of("screening_question", "5"), None]
    assert made["answers"][0]["question_remote_id"] == "5"
    assert [member["user"] for member in made["hiring_team"]] == [id_of("remote_user", id) for id in "12"]
    assert made["source_record"] == id_of("source", "9")
    tags = read_more(render("candidate", remote_id="1", tag_records=["1", "2", "1"]))
    assert tags == {"tag_records": [id_of("tag", "1"), id_of("tag", "2")]}


def test_native_fields_are_derived_before_relations_become_our_ids() -> None:
    team = [{"user": "1", "role": "RECRUITER"}, {"user": "2", "role": "HIRING_MANAGER"}, {"user": "1"}]
    members = msgspec.json.decode(b"{%b}" % render("job", remote_id="1", hiring_team=team).members)
    assert members["recruiters"] == [id_of("remote_user", "1")]
    assert members["hiring_managers"] == [id_of("remote_user", "2")]


def test_blank_texts_are_null_also_inside_of_structs() -> None:
    emails = [{"value": "", "type": "WORK"}]
    record = render(
        "candidate",
        remote_id="1",
        name=" ",
        emails=emails,
        salary_expectation={"currency": ""},
        sources=["", "LinkedIn"],
    )
    assert read_more(record) == {
        "emails": [{"value": None, "type": "WORK", "is_primary": None}],
        "salary_expectation": dict.fromkeys(("amount", "minimum", "maximum", "currency", "period")),
        "sources": ["LinkedIn"],
    }
    assert msgspec.json.decode(b"{%b}" % record.members)["email_addresses"] == []


def test_fingerprint_of_the_content_stays_whatever_is_beside_it() -> None:
    one = render("job", remote_id="1")
    raw = Row({"remote_id": "1", "category": "Sales"}, one.raw)  # the row as it was: only the mapping reads more of it
    (other,), _ = RENDERER.render_rows(stream_of(MODELS["job"]), [raw], {})
    assert one.fingerprint[:CONTENT_BYTES] == other.fingerprint[:CONTENT_BYTES]
    assert len(one.fingerprint) == len(other.fingerprint) == CONTENT_BYTES + 8
    assert one.fingerprint != other.fingerprint
    assert render("job", remote_id="1", category="Sales").fingerprint == render(
        "job", remote_id="1", category="Sales"
    ).fingerprint  # fmt: skip


def stream(model: type[Any], to: Any) -> Stream:
    plain = stream_of(MODELS["job"])
    return Stream(
        name="rows",
        path="/rows",
        paging=plain.paging,
        mappings=(RecordMapping(model, to),),
        id_of=lambda row: str(row["id"]),
    )


def test_one_bad_part_costs_that_part() -> None:
    def to_candidate(source: Source) -> Candidate:
        mails = source.row.get("mails") or []
        return Candidate(
            remote_id=source.row["id"],
            first_name=source.row.get("name"),
            emails=[Contact(value=mail.get("value"), type=mail.get("type")) for mail in mails],
            is_internal=source.row.get("internal"),
            salary_expectation=Pay(amount=source.row.get("pay")),
        )

    bad = row(
        id="1", name="Jane", internal="yes", pay={"a": 1},
        mails=[{"value": "a@example.com"}, {"value": 5}, {"value": "b@example.com", "type": ["x"]}, {"value": "c"}],
    )  # fmt: skip
    (record,), (misfit,) = RENDERER.render_rows(stream(Candidate, to_candidate), [bad], {})
    assert misfit.is_served
    assert set(misfit.left_out) >= {"internal"}
    more = read_more(record)
    assert [mail["value"] for mail in more["emails"]] == ["a@example.com", "b@example.com", "c"]
    assert "is_internal" not in more
    assert more["salary_expectation"]["amount"] is None
    members = msgspec.json.decode(b"{%b}" % record.members)
    assert members["first_name"] == "Jane"
    assert members["email_addresses"] == ["a@example.com", "b@example.com", "c"]


def test_part_that_is_bad_whatever_the_row_is_left_out_and_relations_are_resolved_once() -> None:
    def to_job(source: Source) -> Job:
        team = [TeamMember(user="1", role="RECRUITER")]
        return Job(remote_id=source.row["id"], hiring_team=team, places=5, category="Sales")  # type: ignore[arg-type]

    (record,), (misfit,) = RENDERER.render_rows(stream(Job, to_job), [row(id="1")], {})
    assert misfit.left_out == ("the job's places",)
    more = read_more(record)
    assert more["hiring_team"][0]["user"] == id_of("remote_user", "1")
    assert more["category"] == "Sales"
    assert "places" not in more
    assert msgspec.json.decode(b"{%b}" % record.members)["recruiters"] == [id_of("remote_user", "1")]


def test_signature_in_it_is_no_content_and_is_read_with_it() -> None:
    def to_job(source: Source) -> Job:
        return Job(remote_id=source.row["id"], remote_url=source.row["url"], category="Sales")

    signed = replace(stream(Job, to_job), volatile=Volatile(pattern=re.compile(rb"\?sign=\w+")))
    links = [f"https://ats.example.com/jobs/1?sign={word}" for word in ("one", "other")]
    records = [RENDERER.render_rows(signed, [row(id="1", url=link)], {})[0][0] for link in links]
    assert records[0].fingerprint == records[1].fingerprint
    assert read_more(records[0])["remote_url"] == "https://ats.example.com/jobs/1"
    for record, link in zip(records, links, strict=True):
        body = b'{"id":"12345678-1234-1234-1234-123456789012","modified_at":"2026-01-31T09:30:00.000001Z",%b%b'
        stored = {
            "more": record.more, "parts": record.volatile_texts, "words": None, "first_saved_at": bytes(8),
            "raw": record.raw, "custom": None,
        }  # fmt: skip
        content = Content(is_volatile=True, in_parts=True)
        read = take_apart(body % (record.members, EMPTY_ENDING), cast(asyncpg.Record, stored), content)
        assert read.more is not None
        assert msgspec.json.decode(read.more) == {"category": "Sales", "remote_url": link}
    assert records[0].volatile_texts is not None
    assert records[1].volatile_texts is not None
    assert not is_fresh(records[0].volatile_texts, None, records[1].volatile_texts, NOW)
