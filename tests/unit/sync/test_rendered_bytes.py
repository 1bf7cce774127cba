"""What is rendered is stored and compared with what is rendered later: the same row must give the same bytes, always.

Where a release changes them on purpose, every record it renders anew counts as changed, and readers fetch all again.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from testbed.records import make_row, stream_of
from unihire.integration.declare import Join, RecordMapping, Source, Stream
from unihire.integration.inspect import list_cases
from unihire.integration.registry import get_integration
from unihire.model import MODELS, NATIVE_MODELS, Candidate
from unihire.outbound.paging import Row
from unihire.store.feed.rendered import CONTENT_BYTES, Rendered
from unihire.store.volatile import fill_content, read_parts
from unihire.sync.quarantine import find_row_id
from unihire.sync.rendering import Renderer

RENDERER = Renderer(UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b"), 7)

BYTES = {
    "activity": "cdd2bd9d35fde441",
    "application": "300cec8a09c6d9ad",
    "attachment": "6e7036e9d8c6bc30",
    "candidate": "2937b2ac25393616",
    "department": "49543929b9d36a0a",
    "eeoc": "c3ee7007596045d4",
    "job_interview_stage": "1eb07f949b80a5cc",
    "job": "7dbccd15634aa328",
    "offer": "6ed3a23f292da5bb",
    "office": "1fc454e45b102774",
    "reject_reason": "5876c9159dae2804",
    "remote_user": "1aa0782a9e862bfd",
    "scheduled_interview": "52b7ebe6795d493d",
    "scorecard": "361b17937cb2e936",
    "screening_question": "e7551900e9e73f9c",
    "tag": "427dc7f6f2d18a17",
}
"""By model, the beginning of a hash over all that is stored of a full record and of one with nothing but an id."""


OF_VENDORS = {
    "greenhouse/applications/rejected_twice": "11efb6ebc62179cd",
    "greenhouse/attachments/resume": "8cfb2a39df928b99",
    "greenhouse/candidates/everything": "64999e143f167ea7",
    "greenhouse/eeoc/answered": "d419412981003da0",
    "greenhouse/interviews/with_a_panel": "d5fb8b7da629296e",
    "greenhouse/jobs/everything": "0fc9ca3ce1c67a09",
    "greenhouse/notes/public": "dff132550014f173",
    "greenhouse/offers/accepted": "cfaf26aa6aa26b39",
    "greenhouse/scorecards/of_an_interview": "e570f74c6740d23f",
    "greenhouse/users/site_admin": "72b55ec65404922d",
    "greenhouse/job_posts/with_every_type_of_question": "f60562312c69b9a3",
    "personio/applications/rejected_twice": "c9d52ad263497081",
    "personio/candidates/applied_again": "c5c1d83ad3a00274",
    "personio/categories/custom_and_system_stages": "11a5a2ac2496d54c",
    "personio/jobs/with_team": "dd1aee5e51f301d8",
}
"""By fixture: a hash over all that is stored of the row."""


def hash_records(records: Iterable[Rendered]) -> str:
    """Over what is stored, with what is volatile of it where it belongs: its fingerprint is of what is left."""
    content = [replace(fill_record(record), fingerprint=record.fingerprint[:CONTENT_BYTES]) for record in records]
    told = [msgspec.structs.astuple(record)[:10] for record in content]  # what follows is not served by the native face
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def list_native(records: Iterable[Rendered]) -> Iterator[Rendered]:
    """The records of models on the native face, without vendors' words for fields that are not on it."""
    for record in records:
        spec = next(spec for spec in MODELS.values() if spec.number == record.model)
        if spec.is_native:
            words = msgspec.json.decode(record.words or b"{}")
            kept = {name: word for name, word in words.items() if name in {field.name for field in spec.fields}}
            yield msgspec.structs.replace(record, words=msgspec.json.encode(kept) if kept else None)


def fill_record(record: Rendered) -> Rendered:
    if record.volatile_texts is None:
        return record
    parts = read_parts(record.volatile_texts)
    members, raw = (
        fill_content(content, gaps, parts.texts)
        for content, gaps in ((record.members, parts.members), (record.raw, parts.raw))
    )
    return replace(record, members=members, raw=raw)


def encode(data: dict[str, Any]) -> Row:
    return Row(data, msgspec.json.encode(data))


@pytest.mark.parametrize("model", NATIVE_MODELS)
def test_record_of_each_model_is_rendered_as_ever(model: str) -> None:
    spec = MODELS[model]
    rows = [encode(make_row(spec, 7)), encode({"remote_id": "Zoë 8"})]
    records, misfits = RENDERER.render_rows(stream_of(spec), rows, {})
    assert not misfits
    assert hash_records(records) == BYTES[model]


def test_parts_words_custom_fields_and_keys_of_joins_are_rendered_as_ever() -> None:
    def to_candidate(source: Source) -> Candidate:
        return Candidate(remote_id=source.row["id"], tags=["a", "A", "a"], email_addresses=["Ä@example.com"])

    stream = Stream(
        name="people",
        path="/people",
        paging=stream_of(MODELS["tag"]).paging,
        id_of=lambda row: str(row["id"]),
        mappings=(
            RecordMapping(Candidate, to_candidate, words={"title": "post.name"}, custom=lambda source: {"shoe": 42}),
            RecordMapping(Candidate, to_candidate, split=lambda row: row["parts"], is_owned=True),
        ),
        joins=(Join(name="jobs", stream="jobs", on="id", key="job_id"),),
        found_by=("emails.value",),
    )
    row = {"id": "1", "job_id": 5, "post": {"name": "Chief"}, "emails": [{"value": "x"}, {"value": "y"}]}
    records, misfits = RENDERER.render_rows(stream, [encode({**row, "parts": [{"id": "1:a"}]})], {})
    assert not misfits
    assert hash_records(records) == "713637b09b6b2ffe"


@pytest.mark.parametrize("fixture", OF_VENDORS)
def test_rows_of_vendors_are_rendered_as_ever(fixture: str) -> None:
    slug, name, case = fixture.split("/")
    integration = get_integration(slug)
    given = next(one.given for one in list_cases(integration) if (one.stream, one.name) == (name, case))
    stream = integration.get_stream(name)
    details = {find_row_id(stream, encode(given.row)): given.details}
    records, misfits = RENDERER.render_rows(stream, [encode(given.row)], details)
    assert not misfits
    assert hash_records(list_native(records)) == OF_VENDORS[fixture]
