"""Rendering: rows to answers, each record once, and rows that will not map set aside."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from testbed.records import stream_of
from unihire.errors import RecordError
from unihire.integration.declare import Maps, Source, Stream
from unihire.model import MODELS, Department, Job, Record
from unihire.outbound.paging import Row
from unihire.sync.rendering import REMEMBERED, Renderer, find_row_id, model_numbers

CONNECTOR = UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b")
RENDERER = Renderer(CONNECTOR, 1)


def row(**fields: Any) -> Row:
    return Row(fields, msgspec.json.encode(fields))


def render(stream: Stream, *rows: Row) -> tuple[list[dict[str, Any]], list[str]]:
    """The members of each record, and the ids of the rows set aside."""
    records, misfits = RENDERER.render_rows(stream, list(rows), {})
    return [msgspec.json.decode(b"{" + record.members + b"}") for record in records], [one.row_id for one in misfits]


def to(make: Any) -> Stream:
    """A stream of jobs made so."""
    stream = stream_of(MODELS["job"])
    return Stream(name="jobs", path="/jobs", paging=stream.paging, maps=(Maps(Job, make),), id_of=stream.id_of)


def test_relations_become_our_ids_and_null_stays_null() -> None:
    (job,), _ = render(stream_of(MODELS["job"]), row(remote_id="1", departments=["a", "b"], offices=[], name="N"))
    assert job["departments"] == [str(uuid5(CONNECTOR, f"department:{id}")) for id in "ab"]
    assert job["offices"] == []
    assert job["recruiters"] is None
    assert job["name"] == "N"


def test_ids_and_keys_stay_true_however_many_there_are_to_remember() -> None:
    stream = stream_of(MODELS["application"])
    rows = [row(remote_id=str(n), job=str(n % (2 * REMEMBERED)), source=f"s{n % 3}") for n in range(5 * REMEMBERED)]
    together, _ = RENDERER.render_rows(stream, rows, {})
    for one, rendered in zip(rows, together, strict=True):
        assert str(uuid5(CONNECTOR, f"job:{one.data['job']}")).encode() in rendered.members
        if int(one.data["remote_id"]) % 100 == 0:
            assert Renderer(CONNECTOR, 1).render_rows(stream, [one], {}) == ([rendered], [])


def test_fingerprint_follows_content_and_raw_data() -> None:
    stream = stream_of(MODELS["job"])

    def fingerprint(one: Row) -> bytes:
        ((record,), _) = RENDERER.render_rows(stream, [one], {})
        return record.fingerprint

    plain = row(remote_id="1", name="N")
    assert fingerprint(plain) == fingerprint(Row(dict(plain.data), plain.raw))
    assert fingerprint(plain) != fingerprint(Row(plain.data, plain.raw + b" "))
    assert fingerprint(plain) != fingerprint(Row({**plain.data, "name": "M"}, plain.raw))


def test_record_told_by_several_rows_is_rendered_once_as_the_first_tells_it() -> None:
    def departments(data: dict[str, Any]) -> list[dict[str, Any]]:
        return [data["department"]]

    def to_department(source: Source) -> Department:
        return Department(remote_id=source.row["id"], name=source.row["name"])

    base = stream_of(MODELS["department"])
    stream = Stream(
        name="jobs", path="/jobs", paging=base.paging, id_of=lambda data: data["id"],
        maps=(Maps(Department, to_department, each=departments),),
    )  # fmt: skip
    rows = [row(id=id, department={"id": "d", "name": name}) for id, name in [("1", "new"), ("2", "old")]]
    found, aside = render(stream, *rows)
    assert [(one["remote_id"], one["name"]) for one in found] == [("d", "new")]
    assert aside == []
    assert model_numbers(stream) == [5]
    assert model_numbers(stream, rows_only=True) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda source: Job(remote_id=source.row["absent"]),
        lambda source: Job(remote_id=None),
        lambda source: Job(remote_id=""),
        lambda source: Job(remote_id=5),
        lambda source: Job(remote_id="1", name=5),
        lambda source: Job(remote_id="1", confidential="yes"),
        lambda source: Job(remote_id="1", departments=[5]),
        lambda source: Job(remote_id="1", departments=5),
        lambda source: Job(remote_id="1", departments=[None]),
        lambda source: Job(remote_id="1", job_posting_urls=["https://example.com"]),
        lambda source: Job(remote_id="1", name="\ud800"),
        lambda source: source.row["a"]["b"].lower(),
        lambda source: next(iter(())),
        lambda source: int("x"),
        lambda source: None.x,
    ],
)
def test_row_that_gives_no_sound_record_is_set_aside_alone(make: Any) -> None:
    def sometimes(source: Source) -> Record:
        return make(source) if source.row["remote_id"] == "bad" else Job(remote_id=source.row["remote_id"])

    found, aside = render(to(sometimes), row(remote_id="good"), row(remote_id="bad", a={"b": 1}), row(remote_id="fine"))
    assert [job["remote_id"] for job in found] == ["good", "fine"]
    assert aside == ["bad"]


def test_record_error_of_a_mapping_is_the_reason() -> None:
    def refuse(source: Source) -> Job:
        raise RecordError("a job without a name")

    _, misfits = RENDERER.render_rows(to(refuse), [row(remote_id="1")], {})
    assert misfits[0].reason == "RecordError: a job without a name"


@pytest.mark.parametrize("data", [{}, {"id": None}, {"id": 5}, {"id": ""}, {"id": ["x"]}])
def test_row_without_a_usable_id_gets_a_stand_in_that_is_its_own(data: dict[str, Any]) -> None:
    base = stream_of(MODELS["job"])
    stream = Stream(name="x", path="/x", paging=base.paging, maps=base.maps, id_of=lambda row: row["id"])
    first, second = row(**data), row(**data, other=1)
    assert find_row_id(stream, first).startswith("?")
    assert find_row_id(stream, first) == find_row_id(stream, first) != find_row_id(stream, second)
