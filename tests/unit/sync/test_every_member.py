"""Every member of every vendor's rows left out, null, of another type, blank or impossible: it costs that alone."""

import copy
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from testbed.effort import IS_THOROUGH
from unihire.integration.declare import Stream
from unihire.integration.inspect import FixtureInput, list_cases
from unihire.integration.registry import get_integration, list_integrations
from unihire.model import MODELS
from unihire.outbound.paging import Row
from unihire.store.feed.rendered import Rendered
from unihire.sync.quarantine import Quarantined, find_row_id
from unihire.sync.rendering import Renderer

ABSENT: Any = object()
SPOILT: list[Any] = [
    ABSENT, None, "", " ", "x", 0, 5, 1.5, True, False, [], ["x"], [5], [None], [{}], {}, {"id": "x"}, {"id": ["x"]},
    {"name": None}, "2026-02-31", "2026-02-31T00:00:00Z", "a\0",
]  # fmt: skip

PARTS = 8
"""Of the values one part is put in the place of each member, another in that of the next; `make chaos` puts all."""

RENDERER = Renderer(UUID("0b6f4c1e-8f3a-4a5e-9d34-1c2f3e4d5a6b"), 7)
NAMES = {spec.number: spec.name for spec in MODELS.values()}
CASES = [(integration.slug, case) for integration in list_integrations() for case in list_cases(integration)]

Path = tuple[Any, ...]
Found = dict[tuple[str, str], dict[str, Any]]


def list_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where every member and entry of a value is."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from list_paths(inner, (*path, key))


def spoil(given: FixtureInput, path: Path, value: Any) -> FixtureInput:
    """The row and its details with one part replaced."""
    spoilt: dict[str, Any] = msgspec.json.decode(msgspec.json.encode({"row": given.row, "details": given.details}))
    place: Any = spoilt
    for key in path[:-1]:
        place = place[key]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = copy.deepcopy(value)
    return FixtureInput(**spoilt)


def render(stream: Stream, given: FixtureInput) -> tuple[Found, list[Quarantined], Row]:
    row = Row(given.row, msgspec.json.encode(given.row))
    records, quarantined = RENDERER.render_rows(stream, [row], {find_row_id(stream, row): given.details})
    return {(NAMES[one.model], one.remote_id): read(one) for one in records}, quarantined, row


def read(record: Rendered) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(b"{" + record.members + b"}")
    msgspec.convert(fields, MODELS[NAMES[record.model]].record, strict=True)
    return fields | {"custom": record.custom and msgspec.json.decode(record.custom)}


def check_spoilt(stream: Stream, given: FixtureInput, path: Path, values: list[Any]) -> None:
    whole, noted, whole_row = render(stream, given)
    assert not noted
    is_own = any(mapping.is_whole for mapping in stream.mappings)
    lost, _, without_part = render(stream, spoil(given, path, ABSENT))
    is_identity = path == ("row", "id") or find_row_id(stream, without_part) != find_row_id(stream, whole_row)
    for value in values:
        found, quarantined, row = render(stream, spoil(given, path, value))
        where = f"{'.'.join(map(str, path))} = {value!r}: {quarantined}"
        if is_identity and is_own:
            assert bool(found) == all(one.is_served for one in quarantined) or not whole, where
            continue
        unserved = [one for one in quarantined if not one.is_served]
        assert not unserved, where
        if not quarantined:
            continue
        # Served without a part, which is named: the rest is as it was, and nothing is said that was not.
        (entry,) = quarantined
        assert entry.left_out, where
        assert entry.raw == row.raw
        for name, record in found.items():
            before, without = whole.get(name), lost.get(name)
            if before is None:
                continue  # a part of another id
            for field, now in record.items():
                allowed = [None, before[field], without and without[field]]
                if isinstance(now, list):
                    assert now in allowed or all(one in (before[field] or ()) for one in now), (where, field, now)
                elif isinstance(now, dict):
                    assert all(now[key] in (None, before[field].get(key)) for key in now), (where, field, now)
                else:
                    assert now in allowed, (where, field, now)
                if without is not None and without[field] == before[field] and now != []:
                    assert now == before[field], (where, field, now)
        if is_own and whole:
            assert next(iter(whole)) in found, where
        # The records of siblings are there as they were: those that leaving the part out leaves as they are.
        for name, without in lost.items():
            if whole.get(name) == without and path[-1] not in ("id", "office_ids"):
                assert found.get(name) == without, (where, name)


@pytest.mark.parametrize(("slug", "case"), CASES, ids=[f"{slug}/{case.stream}/{case.name}" for slug, case in CASES])
def test_a_spoilt_part_of_a_row_costs_that_part_alone(slug: str, case: Any) -> None:
    stream = get_integration(slug).get_stream(case.stream)
    paths = [path for path in list_paths({"row": case.given.row, "details": case.given.details}) if len(path) > 1]
    for place, path in enumerate(paths, len(case.name)):
        values = SPOILT if IS_THOROUGH else SPOILT[place % PARTS :: PARTS]
        check_spoilt(stream, case.given, path, values)
