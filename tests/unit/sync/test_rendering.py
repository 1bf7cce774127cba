"""Rendering: rows to answers, each record once, and what does not map of a row noted."""

from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from testbed.records import stream_of
from unihire.errors import RecordError
from unihire.integration.declare import RecordMapping, Source, Stream
from unihire.model import MODELS, Department, Job, Record
from unihire.outbound.paging import Row
from unihire.sync.encoding import REMEMBERED
from unihire.sync.quarantine import find_row_id
from unihire.sync.rendering import Renderer, model_numbers

CONNECTOR = UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b")
RENDERER = Renderer(CONNECTOR, 1)


def row(**fields: Any) -> Row:
    return Row(fields, msgspec.json.encode(fields))


def render(stream: Stream, *rows: Row) -> tuple[list[dict[str, Any]], list[str]]:
    """The members of each record, and the ids of the rows that became nothing."""
    records, quarantined = RENDERER.render_rows(stream, list(rows), {})
    unserved = [one.row_id for one in quarantined if not one.is_served]
    return [msgspec.json.decode(b"{" + record.members + b"}") for record in records], unserved


def to(make: Any) -> Stream:
    """A stream of jobs made so."""
    stream = stream_of(MODELS["job"])
    return Stream(
        name="jobs", path="/jobs", paging=stream.paging, mappings=(RecordMapping(Job, make),), id_of=stream.id_of
    )


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


def test_part_of_several_rows_is_rendered_once_for_each_of_them() -> None:
    def departments(data: dict[str, Any]) -> list[dict[str, Any]]:
        return [data["department"]]

    def to_department(source: Source) -> Department:
        return Department(remote_id=source.row["id"], name=source.row["name"])

    base = stream_of(MODELS["department"])
    stream = Stream(
        name="jobs", path="/jobs", paging=base.paging, id_of=lambda data: data["id"],
        mappings=(RecordMapping(Department, to_department, split=departments),),
    )  # fmt: skip
    rows = [row(id=id, department={"id": "d", "name": name}) for id, name in [("1", "new"), ("2", "old"), ("3", "new")]]
    found, aside = render(stream, *rows)
    assert [(one["remote_id"], one["name"]) for one in found] == [("d", "new"), ("d", "old"), ("d", "new")]
    assert aside == []
    assert model_numbers(stream) == [5]
    assert model_numbers(stream, rows_only=True) == []


def test_part_within_a_detail_that_does_not_map_is_left_out_and_named_by_its_place_there() -> None:
    def to_department(source: Source) -> Department:
        return Department(remote_id=source.row["id"], name=source.row["name"].strip(), parent=source.within["id"])

    base = stream_of(MODELS["department"])
    stream = Stream(
        name="jobs", path="/jobs", paging=base.paging, id_of=lambda data: data["id"],
        mappings=(RecordMapping(Department, to_department, of="info", split=lambda one: one["parts"], is_owned=True),),
    )  # fmt: skip
    first, second = {"id": "a", "name": "A"}, {"id": "c", "name": "C"}
    info: list[dict[str, Any]] = [{"parts": [first]}, {"parts": [{"id": "b"}, second]}]
    found, (noted,) = RENDERER.render_rows(stream, [row(id="1")], {"1": {"info": info}})
    assert [one.remote_id for one in found] == ["a", "c"]
    assert noted.left_out == ("joined:info[1].parts[0]",)


@pytest.mark.parametrize("is_alone", [True, False])
def test_part_that_reads_nothing_around_it_is_mapped_once_however_many_rows_repeat_it(is_alone: bool) -> None:
    mapped: list[Source] = []

    def to_department(source: Source) -> Department:
        mapped.append(source)
        return Department(remote_id=source.row["id"], name=source.row["name"])

    base = stream_of(MODELS["department"])
    maps = RecordMapping(Department, to_department, split=lambda data: data["departments"], is_alone=is_alone)
    stream = Stream(name="jobs", path="/jobs", paging=base.paging, mappings=(maps,), id_of=base.id_of)
    parts = [{"id": str(n % (REMEMBERED + 2)), "name": "x" * 2000 if n == 1 else "N"} for n in range(2 * REMEMBERED)]
    rows = [row(remote_id="1", departments=parts), row(remote_id="2", departments=parts[:3])]
    found, refused = RENDERER.render_rows(stream, rows, {})
    alone = [RENDERER.render_rows(stream, [one], {})[0] for one in rows]
    assert found == [record for records in alone for record in records]
    assert refused == []
    assert {record.row_id for record in found} == {"1", "2"}
    if is_alone:
        assert all((source.within, source.place, source.details) == (source.row, 0, {}) for source in mapped)
        assert len(mapped) < len(rows[0].data["departments"]) + REMEMBERED + 20
    else:
        assert mapped[1].within == rows[0].data
        assert mapped[1].place == 1
        assert len(mapped) == 2 * sum(len(one.data["departments"]) for one in rows)


@pytest.mark.parametrize(
    "make",
    [
        lambda source: Job(remote_id=source.row["absent"]),
        lambda source: Job(remote_id=None),
        lambda source: Job(remote_id=""),
        lambda source: Job(remote_id=5),
        lambda source: Job(remote_id=" "),
        lambda source: Job(remote_id="a\0"),
        lambda source: Job(remote_id="\ud800"),
        lambda source: Job(remote_id="x" * 501),
        lambda source: source.row["a"]["b"].lower(),
        lambda source: next(iter(())),
        lambda source: int("x"),
        lambda source: None.x,
    ],
)
def test_row_that_gives_no_record_is_quarantined_alone(make: Any) -> None:
    def sometimes(source: Source) -> Record:
        return make(source) if source.row["remote_id"] == "bad" else Job(remote_id=source.row["remote_id"])

    found, aside = render(to(sometimes), row(remote_id="good"), row(remote_id="bad", a={"b": 1}), row(remote_id="fine"))
    assert [job["remote_id"] for job in found] == ["good", "fine"]
    assert aside == ["bad"]


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        ({"name": 5}, {"name": None}),
        ({"confidential": "yes"}, {"confidential": None}),
        ({"departments": 5}, {"departments": None}),
        ({"departments": {"a": 1}}, {"departments": None}),
        ({"departments": [5]}, {"departments": []}),
        ({"departments": [None, "d"]}, {"departments": [str(uuid5(CONNECTOR, "department:d"))]}),
        ({"job_posting_urls": ["https://example.com"]}, {"job_posting_urls": []}),
        ({"name": "\ud800"}, {"name": None}),
        ({"name": 5, "code": 7, "status": "OPEN"}, {"name": None, "code": None, "status": "OPEN"}),
    ],
)
def test_field_of_another_type_than_the_vocabularys_is_null_whatever_the_row_says(
    fields: dict[str, Any], served: dict[str, Any]
) -> None:
    given = row(remote_id="1", other=[1, 2])
    records, (entry,) = RENDERER.render_rows(to(lambda source: Job(remote_id="1", **fields)), [given], {})
    (job,) = [msgspec.json.decode(b"{" + record.members + b"}") for record in records]
    assert {name: job[name] for name in served} == served
    assert entry.is_served
    assert all(path.startswith("the job's ") for path in entry.left_out)
    assert entry.raw == records[0].raw == given.raw


def test_record_error_of_a_mapping_is_the_reason() -> None:
    def refuse(source: Source) -> Job:
        raise RecordError("a job without a name")

    _, quarantined = RENDERER.render_rows(to(refuse), [row(remote_id="1")], {})
    assert quarantined[0].reason == "RecordError: a job without a name"


@pytest.mark.parametrize("data", [{}, {"id": None}, {"id": 5}, {"id": ""}, {"id": ["x"]}])
def test_row_without_a_usable_id_gets_a_stand_in_that_is_its_own(data: dict[str, Any]) -> None:
    base = stream_of(MODELS["job"])
    stream = Stream(name="x", path="/x", paging=base.paging, mappings=base.mappings, id_of=lambda row: row["id"])
    first, second = row(**data), row(**data, other=1)
    assert find_row_id(stream, first).startswith("?")
    assert find_row_id(stream, first) == find_row_id(stream, first) != find_row_id(stream, second)
