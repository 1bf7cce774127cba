"""The inspector finds what is wrong, and says it so that it can be mended."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unihire.integration import inspect
from unihire.integration.declare import IdFilter, Integration, RecordMapping, Stream, Volatile
from unihire.integration.inspect import find_folder, inspect_folder
from unihire.integration.inspect_webhooks import inspect_webhooks
from unihire.integration.registry import find_webhooks, get_integration
from unihire.model import MODELS, Offer, Record
from unihire.outbound.auth import ClientCredentials

SOUND = get_integration("personio")
PARTS = SOUND.get_stream("categories")
"""A stream whose rows are no records: their parts are."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a sound folder, to be damaged."""
    copy = tmp_path / SOUND.slug
    shutil.copytree(find_folder(SOUND), copy)
    monkeypatch.setattr(inspect, "find_folder", lambda integration: copy)
    return copy


def with_stream(stream: Stream) -> Integration:
    return replace(SOUND, streams=tuple(stream if one.name == stream.name else one for one in SOUND.streams))


def without_reason(place: str) -> Integration:
    return replace(SOUND, cannot={name: reason for name, reason in SOUND.cannot.items() if name != place})


def test_sound_folder_has_no_fault(folder: Path) -> None:
    assert inspect_folder(SOUND) == []


@pytest.mark.parametrize("name", inspect.MODULES)
def test_missing_module_is_found_and_a_package_is_one(folder: Path, name: str) -> None:
    module, package = folder / f"{name}.py", folder / name
    if module.is_file():
        module.unlink()
    else:
        shutil.rmtree(package)
    assert inspect_folder(SOUND) == [f"{name} is missing"]
    package.mkdir()
    assert inspect_folder(SOUND) == [f"{name} is missing"]
    (package / "__init__.py").touch()
    assert inspect_folder(SOUND) == []


def test_missing_quirks_are_found(folder: Path) -> None:
    (folder / "quirks.md").unlink()
    assert inspect_folder(SOUND) == ["quirks.md is missing"]


def test_missing_reason_is_found_for_a_model_and_for_a_field() -> None:
    models = [place for place in SOUND.cannot if "." not in place]
    fields = [place for place in SOUND.cannot if "." in place]
    assert "job_posting" in models
    assert "candidate.places" in fields  # one of those that richer faces alone show
    for place in models:
        assert inspect_folder(without_reason(place)) == [f"cannot does not say why there is no {MODELS[place].noun}"]
    for place in fields:
        assert inspect_folder(without_reason(place)) == [f"no fixture fills {place}, and cannot does not say why"]


def test_reason_that_is_untrue_needless_or_no_sentence_is_found() -> None:
    def told(place: str, reason: str) -> list[str]:
        return inspect_folder(replace(SOUND, cannot={**SOUND.cannot, place: reason}))

    stage = "job_interview_stage"
    assert told(f"{stage}.name", "There is none.") == [f"cannot says {stage}.name stays empty, but a fixture fills it"]
    assert told(stage, "There is none.") == ["cannot says there is no job interview stage, but a stream gives it"]
    assert told("offer.status", "There are none.") == ["cannot names offer.status, and the whole offer too"]
    assert told("offer", "none") == ["the reason for offer is no sentence"]
    assert told("employee", "There is none.") == ["cannot names employee, which is not in the vocabulary"]
    assert told("job.salary", "There is none.") == ["cannot names job.salary, which is not in the vocabulary"]


def test_fixture_that_is_alone_untrue_or_of_no_stream_is_found(folder: Path) -> None:
    stream = PARTS.name
    case = next(path for path in (folder / "fixtures" / stream).glob("*.json") if "out" not in path.name)
    (folder / "fixtures" / "elsewhere").mkdir()
    (case.parent / "alone.json").write_text("{}")
    (case.parent / "nobody.out.json").write_text("[]")
    given = json.loads(case.read_text())
    given["row"] = {**given["row"], "id": "another", "stages": []}
    case.write_text(json.dumps(given))
    faults = inspect_folder(SOUND)
    assert "fixtures/elsewhere is of no stream" in faults
    assert f"fixtures/{stream}/alone.json has no alone.out.json beside it" in faults
    assert f"fixtures/{stream}/nobody.out.json has no nobody.json beside it" in faults
    assert f"fixtures/{stream}/{case.name} becomes something else than its out.json says" in faults


def test_stream_without_a_fixture_is_found(folder: Path) -> None:
    stream = SOUND.streams[0].name
    shutil.rmtree(folder / "fixtures" / stream)
    assert f"stream {stream}: it has no fixture" in inspect_folder(SOUND)


def test_fixture_that_cannot_be_read_is_named(folder: Path) -> None:
    case = next((folder / "fixtures" / SOUND.streams[0].name).glob("*.out.json"))
    case.write_text("[{]")
    with pytest.raises(ValueError, match=case.name.removesuffix(".out.json")):
        inspect_folder(SOUND)


def test_stream_that_is_put_together_badly_is_found() -> None:
    class Stranger(Record):
        """Not in the vocabulary."""

    stream = PARTS
    mapping = stream.mappings[0]
    for bad, fault in [
        (replace(stream, path="things"), "its path things does not begin with a slash"),
        (replace(stream, by_id="/things"), "the call of /things has no place for {id}, or several"),
        (
            replace(stream, mappings=(*stream.mappings, RecordMapping(Stranger, mapping.map))),
            "Stranger is not in the vocabulary",
        ),
        (replace(stream, permission=None), "it does not name the permission it needs"),
        (replace(stream, joins=(), changed_since=lambda moment: {}), "changed_since does not give parameters as text"),
        (
            replace(stream, changed_since=lambda moment: {"since": "2026"}),
            "it joins rows, but its own rows are no records that could be made again",
        ),
    ]:
        assert inspect_folder(with_stream(bad))[0] == f"stream {stream.name}: {fault}"
    assert f"stream {stream.name}: its rows become nothing" in inspect_folder(with_stream(replace(stream, mappings=())))
    twice = replace(SOUND, streams=(*SOUND.streams, stream))
    assert f"two streams are named {stream.name}" in inspect_folder(twice)
    offers = replace(stream, mappings=(*stream.mappings, RecordMapping(Offer, mapping.map, split=lambda row: ())))
    assert "cannot says there is no offer, but a stream gives it" in inspect_folder(with_stream(offers))


@pytest.mark.parametrize(
    ("path", "params", "is_sound"),
    [
        ("/jobs/{id}", {}, True),
        ("/jobs/{job.id}/people/{id}", {}, True),
        ("/job.info", {"ids": ["{posts.0}"]}, True),
        ("/job.info", {"ids": "all"}, False),
        ("/jobs/{id}", {"id": "{id}"}, False),
    ],
)
def test_detail_that_is_asked_for_without_a_member_of_its_row_is_found(
    path: str, params: dict[str, Any], is_sound: bool
) -> None:
    stream = SOUND.get_stream("applications")
    (detail,) = stream.details
    bad = with_stream(replace(stream, details=(replace(detail, path=path, params=params),)))
    fault = f"stream applications: the call of {path} has no place for a member of the row, or one twice"
    assert inspect_folder(bad) == ([] if is_sound else [fault])


def test_parts_within_a_detail_are_sound_and_theirs_alone() -> None:
    stream = SOUND.get_stream("applications")
    own, parts, *others = stream.mappings
    assert parts.of is not None
    within = replace(parts, split=lambda row: [row])
    assert inspect_folder(with_stream(replace(stream, mappings=(own, within, *others)))) == []
    shared = with_stream(replace(stream, mappings=(own, replace(within, is_owned=False), *others)))
    fault = f"stream applications: its parts are rows of {parts.of}, which must be a detail or a join, and theirs alone"
    assert inspect_folder(shared) == [fault]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"is_stored": True}, "its rows are stored whole, and as records too"),
        ({"found_by": ("id",)}, "found_by has a member twice"),
        ({"found_by": ("name", "name")}, "found_by has a member twice"),
        ({"found_by": ("name",), "mappings": ()}, "its rows are found by members, but not stored"),
        (
            {"is_stored": True, "volatile": Volatile(pattern=re.compile(b"x"))},
            "its rows are volatile, and stored whole",
        ),
        ({"is_optional": True}, "only operations read it, but its rows become records"),
    ],
)
def test_stream_that_is_stored_badly_is_found(change: dict[str, Any], fault: str) -> None:
    streams = tuple(replace(one, **change) if one.name == "candidates" else one for one in SOUND.streams)
    assert f"stream candidates: {fault}" in inspect_folder(replace(SOUND, streams=streams))


def test_records_beside_rows_that_nothing_remembers_are_found() -> None:
    stream = next(one for one in SOUND.streams if one.name == "applications")
    beside = tuple(mapping for mapping in stream.mappings if mapping.of is not None)
    reason = "its records are beside its rows, which are not stored: they would stay when their row goes"
    fault = f"stream applications: {reason}"
    for is_stored in (False, True):
        changed = replace(stream, mappings=beside, is_stored=is_stored)
        streams = tuple(changed if one is stream else one for one in SOUND.streams)
        assert (fault in inspect_folder(replace(SOUND, streams=streams))) is not is_stored


def test_identity_that_does_not_hold_is_found(folder: Path) -> None:
    open_credentials = tuple(replace(credential, is_secret=False) for credential in SOUND.auth.credentials)
    bad = replace(
        SOUND,
        slug="another",
        base_url="http://plain.example",
        auth=ClientCredentials(token_path="/token", credentials=open_credentials),
    )
    assert inspect_folder(bad) == [
        "the slug another is not the folder's name",
        "base_url does not begin with https://",
        "no credential is marked secret",
    ]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"is_secret": False}, "no credential of its write key is marked secret"),
        ({"is_optional": False}, "recruiting_api_key of its write key is not optional"),
        ({"name": "client_id"}, "the credential client_id is also in its write key"),
        ({"name": "other"}, "the headers of its write key do not show company_id, other, and nothing else"),
    ],
)
def test_write_key_that_does_not_hold_is_found(change: dict[str, Any], fault: str) -> None:
    key = SOUND.write_key
    assert key is not None
    first, *others = key.credentials
    bad = replace(SOUND, write_key=replace(key, credentials=(replace(first, **change), *others)))
    assert fault in inspect_folder(bad)


HOOKED = get_integration("greenhouse")


@pytest.fixture
def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the fixtures of a folder with webhooks, to be damaged."""
    copy = tmp_path / HOOKED.slug
    shutil.copytree(find_folder(HOOKED), copy, ignore=shutil.ignore_patterns("emulator", "__pycache__"))
    return copy / "fixtures"


def look_over(fixtures: Path, integration: Integration = HOOKED, **changed: Any) -> list[str]:
    webhooks = find_webhooks(HOOKED.slug)
    assert webhooks is not None
    return list(inspect_webhooks(integration, replace(webhooks, **changed), fixtures))


def test_sound_webhooks_have_no_fault(hooked: Path) -> None:
    assert look_over(hooked) == []
    assert list(inspect_webhooks(SOUND, None, hooked)) == ["there are fixtures of webhooks, and no webhooks.py"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"events": {}}, "webhooks: no event is declared"),
        ({"steps": ()}, "webhooks: the steps for the customer are no sentences"),
        ({"steps": ("Save",)}, "webhooks: the steps for the customer are no sentences"),
        ({"verify": None}, "webhooks: what verifies deliveries and the secret are declared together, or neither is"),
        ({"accepted": 500}, "webhooks: 500 accepts nothing"),
        ({"events": {"unknown": "Unknown"}}, "webhooks: no fixture shows the event unknown"),
    ],
)
def test_odd_declaration_of_webhooks_is_found(hooked: Path, changed: dict[str, Any], fault: str) -> None:
    assert fault in look_over(hooked, **changed)


def test_odd_fixture_of_webhooks_is_found(hooked: Path) -> None:
    folder = hooked / "webhooks"
    (folder / "job_deleted.out.json").write_text("[]")
    (folder / "job_created.out.json").unlink()
    (folder / "job_updated.json").write_text('{"body": {"action": "job_updated", "payload": {}}}')
    shutil.copy(folder / "job_approved.json", folder / "office_deleted.json")
    shutil.copy(folder / "job_approved.out.json", folder / "office_deleted.out.json")
    shutil.copy(folder / "job_approved.json", folder / "unheard_of.json")
    assert look_over(hooked) == [
        "webhooks: the fixture unheard_of is of an event that is not declared",
        "webhooks: job_created: it has no job_created.out.json beside it",
        "webhooks: job_deleted: it touches something else than job_deleted.out.json says",
        "webhooks: job_updated: it cannot be read: KeyError: 'job'",
        "webhooks: office_deleted: it is read as job_approved",
        "webhooks: unheard_of: it has no unheard_of.out.json beside it",
    ]


def test_list_with_a_place_for_a_filter_is_found(folder: Path) -> None:
    stream = replace(PARTS, path="/{kind}/categories")
    faults = inspect_folder(with_stream(stream))
    assert "stream categories: its path /{kind}/categories has a place for a filter, which lookups alone have" in faults


def test_range_of_several_ids_is_found(folder: Path) -> None:
    stream = replace(PARTS, by_id=IdFilter(param="first", until="last"))
    faults = inspect_folder(with_stream(stream))
    assert "stream categories: it is asked for a range of ids, which is one id a call" in faults


def test_touch_of_what_cannot_be_asked_for_is_found(hooked: Path) -> None:
    offers, jobs = HOOKED.get_stream("offers"), HOOKED.get_stream("jobs")
    changed = {"offers": replace(offers, by_id=IdFilter()), "jobs": replace(jobs, by_id=None)}
    streams = tuple(changed.get(one.name, one) for one in HOOKED.streams if one.name != "interviews")
    faults = set(look_over(hooked, replace(HOOKED, streams=streams)))
    assert (
        "webhooks: offer_created: it touches offers by application_id, by which its rows cannot be asked for" in faults
    )
    assert "webhooks: job_deleted: it touches jobs, whose rows cannot be asked for by id" in faults
    assert "webhooks: interview_deleted: it touches interviews, which is no stream" in faults
