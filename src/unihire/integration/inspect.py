"""Looks a vendor's folder over: what is missing, undeclared or untrue.

A folder's fixtures say what its mapping makes of the vendor's rows. `fixtures/<stream>/<case>.json` has
`{"row": …, "details": {…}}`, and `<case>.out.json` beside it the records, `[{"model": …, "record": …}]`, relations
still as the vendor's ids and without the fields that are null. From them and from `cannot` every field of the
vocabulary is accounted for: shown to be filled, or declared to stay empty and why.
"""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec

from unihire.integration.declare import CallById, Data, IdFilter, Integration, RecordMapping, Stream, has_deleted
from unihire.integration.inspect_webhooks import FIXTURES, inspect_webhooks
from unihire.integration.registry import find_webhooks, list_integrations
from unihire.model import MODELS, Record, spec_of
from unihire.outbound.asked import fill_texts

MODULES = ("connector", "mapping", "emulator")
"""What every folder has besides its fixtures and quirks.md; each is a module, or a package of modules."""

OUT = ".out.json"


class ExpectedRecord(msgspec.Struct):
    """A record a row becomes, by the name of its model; fields that are null are left out."""

    model: str
    record: dict[str, Any]


class FixtureInput(msgspec.Struct, forbid_unknown_fields=True):
    """A row as the vendor sends it, and its details by name."""

    row: Data
    details: dict[str, list[Data]] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One fixture: a row of a stream, and what is expected of it."""

    stream: str
    name: str
    given: FixtureInput
    expected: list[ExpectedRecord]


def inspect_all() -> dict[str, list[str]]:
    """By slug of each integration: everything that is wrong with its folder, in words."""
    return {integration.slug: inspect_folder(integration) for integration in list_integrations()}


def inspect_folder(integration: Integration) -> list[str]:
    """Everything that is wrong with the folder, in words; nothing when it is in order."""
    folder = find_folder(integration)
    return [
        *(f"{name} is missing" for name in MODULES if not _has_module(folder, name)),
        *(["quirks.md is missing"] if not (folder / "quirks.md").is_file() else []),
        *_inspect_identity(integration, folder),
        *(f"stream {stream.name}: {fault}" for stream in integration.streams for fault in _inspect_stream(stream)),
        *_inspect_fixtures(integration, folder / "fixtures"),
        *_inspect_coverage(integration, folder / "fixtures"),
        *inspect_webhooks(integration, find_webhooks(integration.slug), folder / "fixtures"),
    ]


def _has_module(folder: Path, name: str) -> bool:
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def find_folder(integration: Integration) -> Path:
    package = importlib.import_module(f"unihire.integrations.{integration.slug}")
    assert package.__file__ is not None
    return Path(package.__file__).parent


def list_cases(integration: Integration) -> list[Case]:
    """The fixtures of the folder. Raises ValueError that names the file for one that cannot be read."""
    return list(_read_cases(find_folder(integration) / "fixtures"))


def map_case(integration: Integration, case: Case) -> list[ExpectedRecord]:
    """What the stream's maps make of the case's row."""
    row, details = case.given.row, case.given.details
    found: list[Record] = []
    for mapping in integration.get_stream(case.stream).mappings:
        if mapping.is_deleted is not None and mapping.is_deleted(row):
            continue
        parts = (row,) if mapping.is_whole else mapping.list_parts(row, details)
        found.extend(mapping.make(mapping.make_source(part, row, details, place)) for place, part in enumerate(parts))
    return [_expect(record) for record in found]


def _expect(record: Record) -> ExpectedRecord:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return ExpectedRecord(
        spec_of(type(record)).name, {name: value for name, value in fields.items() if value is not None}
    )


def _list_files(folder: Path) -> list[Path]:
    """The fixtures of streams."""
    return sorted(path for path in folder.glob("*/*.json") if path.parent.name != FIXTURES)


def _read_cases(folder: Path) -> Iterator[Case]:
    for path in _list_files(folder):
        if path.name.endswith(OUT):
            continue
        out = path.with_name(path.stem + OUT)
        if not out.is_file():
            continue  # reported by _inspect_fixtures
        try:
            given = msgspec.json.decode(path.read_bytes(), type=FixtureInput)
            expected = msgspec.json.decode(out.read_bytes(), type=list[ExpectedRecord])
        except msgspec.DecodeError as error:
            raise ValueError(f"{path}: {error}") from error
        yield Case(path.parent.name, path.stem, given, expected)


def _inspect_identity(integration: Integration, folder: Path) -> Iterator[str]:
    if integration.slug != folder.name:
        yield f"the slug {integration.slug} is not the folder's name"
    for name in ("website", "base_url"):
        if not getattr(integration, name).startswith("https://"):
            yield f"{name} does not begin with https://"
    if not any(credential.is_secret for credential in integration.auth.credentials):
        yield "no credential is marked secret"
    yield from _inspect_write_key(integration)
    yield from _inspect_address(integration)
    names = [stream.name for stream in integration.streams]
    yield from (f"two streams are named {name}" for name in sorted({name for name in names if names.count(name) > 1}))
    yield from _inspect_joins(integration)


_NO_PARTS = ("", ".", "..", "a.b", "a/b", "a:b", "a@b", "a#b", "a?b", "a%2Fb", "a b", "a\n", "ä", "a\\b", "{a}")
"""What no part of an address may be."""


def _inspect_address(integration: Integration) -> Iterator[str]:
    """Credentials that stand in the base address: given, no secrets, and nothing that leads elsewhere."""
    asked = {one.name: one for auth in (integration.auth, integration.partner_auth) if auth for one in auth.credentials}
    for name in (found for _, found, _, _ in Formatter().parse(integration.base_url) if found is not None):
        one = asked.get(name)
        if one is None:
            yield f"base_url has {{{name}}}, which is no credential"
        elif one.is_secret:
            yield f"base_url has {{{name}}}, which is a secret"
        elif not one.choices and (one.is_optional or one.pattern is None or not one.shape):
            yield f"base_url has {{{name}}}, which is optional, or has no pattern, or no shape in words"
        elif not one.choices and any(value and one.find_fault(value) is None for value in _NO_PARTS):
            yield f"the pattern of {name} lets through what leads to another address"


def _inspect_write_key(integration: Integration) -> Iterator[str]:
    key = integration.write_key
    if key is None:
        return
    if not any(credential.is_secret for credential in key.credentials):
        yield "no credential of its write key is marked secret"
    yield from (f"{one.name} of its write key is not optional" for one in key.credentials if not one.is_optional)
    own = {one.name for one in key.credentials}
    others = {one.name for auth in (integration.auth, integration.partner_auth) if auth for one in auth.credentials}
    yield from (f"the credential {name} is also in its write key" for name in sorted(own & others))
    shown = {name for text in key.headers.values() for _, name, _, _ in Formatter().parse(text) if name is not None}
    if shown != own:
        yield f"the headers of its write key do not show {', '.join(sorted(own))}, and nothing else"


def _inspect_joins(integration: Integration) -> Iterator[str]:
    joined = {join.stream for stream in integration.streams for join in stream.joins}
    before: set[str] = set()
    for stream in integration.streams:
        for join in stream.joins:
            if join.stream not in before and join.stream != stream.name:
                yield f"stream {stream.name}: it joins {join.stream}, which does not come before it"
        if not (stream.mappings or stream.is_stored or stream.name in joined):
            yield f"stream {stream.name}: its rows become nothing"
        before.add(stream.name)


def _inspect_stream(stream: Stream) -> Iterator[str]:
    if not stream.path.startswith("/"):
        yield f"its path {stream.path} does not begin with a slash"
    if _list_places(stream.path):
        yield f"its path {stream.path} has a place for a filter, which lookups alone have"
    if isinstance(stream.by_id, IdFilter) and stream.by_id.until is not None and stream.by_id.most != 1:
        yield "it is asked for a range of ids, which is one id a call"
    by_id = CallById(path=stream.by_id) if isinstance(stream.by_id, str) else stream.by_id
    if isinstance(by_id, CallById) and _list_places(by_id.path, by_id.body) != ["id"]:
        yield f"the call of {by_id.path} has no place for {{id}}, or several"
    for detail in stream.details:
        places = _list_places(detail.path, detail.params)
        if not places or len(set(places)) < len(places):
            yield f"the call of {detail.path} has no place for a member of the row, or one twice"
    names = [*(detail.name for detail in stream.details), *(join.name for join in stream.joins)]
    yield from (f"two details or joins are named {name}" for name in sorted({n for n in names if names.count(n) > 1}))
    is_record = any(mapping.is_whole for mapping in stream.mappings)
    is_stored = stream.is_stored or is_record
    # A list that every run reads whole has what it shows made again by the run that read that.
    if stream.joins and not is_record and stream.is_incremental:
        yield "it joins rows, but its own rows are no records that could be made again"
    if any(mapping.of is not None for mapping in stream.mappings) and not is_stored:
        yield "its records are beside its rows, which are not stored: they would stay when their row goes"
    if stream.is_stored and is_record:
        yield "its rows are stored whole, and as records too"
    if stream.found_by and not is_stored:
        yield "its rows are found by members, but not stored"
    if len(set(stream.found_by)) < len(stream.found_by) or "id" in stream.found_by:
        yield "found_by has a member twice"
    if stream.volatile is not None and (stream.is_stored or has_deleted(stream)):
        yield "its rows are volatile, and stored whole"
    if stream.is_optional and stream.mappings:
        yield "only operations read it, but its rows become records"
    yield from _inspect_parts(stream)
    for mapping in stream.mappings:
        try:
            spec_of(mapping.model)
        except KeyError:
            yield f"{mapping.model.__name__} is not in the vocabulary"
    if stream.deleted_feed is not None and (stream.by_id is None or not stream.is_incremental):
        yield "its deletions are reported by a list, but its rows are not asked for by their ids, or it is read whole"
    if sum(marker is not None for marker in (stream.changed_since, stream.sync_param, stream.moment_of)) > 1:
        yield "it has several markers of changes"
    if not stream.permission:
        yield "it does not name the permission it needs"
    if stream.changed_since is not None and not _is_query(stream.changed_since(datetime(2026, 1, 31, tzinfo=UTC))):
        yield "changed_since does not give parameters as text"


def _list_places(*asked: Any) -> list[str]:
    """The names in braces in what is asked."""
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return name

    fill_texts(asked, note)
    return found


def _inspect_parts(stream: Stream) -> Iterator[str]:
    """Joins that lead on from others, and parts that are rows of a detail or a join."""
    before: set[str] = set()
    for join in stream.joins:
        if join.via is not None and (join.via not in before or join.key is None):
            yield f"the join {join.name} leads on from {join.via}, which does not come before it, or by no key"
        before.add(join.name)
    names = {*(detail.name for detail in stream.details), *before}
    for mapping in stream.mappings:
        if mapping.of is not None and (mapping.of not in names or not mapping.is_owned):
            yield f"its parts are rows of {mapping.of}, which must be a detail or a join, and theirs alone"


def _is_query(found: object) -> bool:
    return (
        isinstance(found, Mapping)
        and bool(found)
        and all(isinstance(name, str) and isinstance(value, str | int | bool) for name, value in found.items())
    )


def _inspect_fixtures(integration: Integration, folder: Path) -> Iterator[str]:
    names = {stream.name for stream in integration.streams}
    for path in sorted(folder.glob("*")):
        if path.name not in {*names, FIXTURES}:
            yield f"fixtures/{path.name} is of no stream"
    for name in sorted(stream.name for stream in integration.streams if stream.mappings):
        if not any((folder / name).glob(f"*{OUT}")):
            yield f"stream {name}: it has no fixture"
    for path in _list_files(folder):
        other = path.name.removesuffix(OUT) + ".json" if path.name.endswith(OUT) else path.stem + OUT
        if not path.with_name(other).is_file():
            yield f"fixtures/{path.parent.name}/{path.name} has no {other} beside it"
    for case in _read_cases(folder):
        if case.stream not in names:
            continue
        try:
            if map_case(integration, case) != case.expected:
                yield f"fixtures/{case.stream}/{case.name}.json becomes something else than its {OUT[1:]} says"
        except Exception as error:  # noqa: BLE001 - whatever a mapping raises is reported
            yield f"fixtures/{case.stream}/{case.name}.json will not map: {type(error).__name__}: {error}"


@dataclass(slots=True)
class _Account:
    """What the fixtures show of one model."""

    is_given: bool = False
    filled: set[str] = field(default_factory=set)


def _inspect_coverage(integration: Integration, folder: Path) -> Iterator[str]:
    """Every model and field is filled by a fixture, or declared in `cannot` with a reason; never both."""
    accounts = {name: _Account() for name in MODELS}
    for stream in integration.streams:
        for mapping in stream.mappings:
            if mapping.model in {spec.record for spec in MODELS.values()}:
                yield from _inspect_words(mapping)
                accounts[spec_of(mapping.model).name].is_given = True
    for case in _read_cases(folder):
        for expected in case.expected:
            if expected.model not in accounts:
                yield f"fixtures/{case.stream}/{case.name}{OUT} has {expected.model}, which is no model"
                continue
            accounts[expected.model].filled |= {
                name for name, value in expected.record.items() if value not in ([], "")
            }
    cannot = dict(integration.cannot)
    for name, spec in MODELS.items():
        reason = cannot.pop(name, None)
        account = accounts[name]
        if not account.is_given and reason is None:
            yield f"cannot does not say why there is no {spec.noun}"
        if account.is_given and reason is not None:
            yield f"cannot says there is no {spec.noun}, but a stream gives it"
        if reason is not None:
            yield from _inspect_reason(name, reason)
        for field_ in (*spec.fields, *spec.more):
            place = f"{name}.{field_.name}"
            reason = cannot.pop(place, None)
            if reason is not None:
                yield from _inspect_reason(place, reason)
            is_filled = field_.name in account.filled
            if is_filled and reason is not None:
                yield f"cannot says {place} stays empty, but a fixture fills it"
            if account.is_given and not is_filled and reason is None:
                yield f"no fixture fills {place}, and cannot does not say why"
            if not account.is_given and reason is not None:
                yield f"cannot names {place}, and the whole {spec.noun} too"
            if is_filled and field_.to is not None and not accounts[field_.to].is_given:
                yield f"{place} points to records no stream gives"
    yield from (f"cannot names {place}, which is not in the vocabulary" for place in cannot)


def _inspect_words(mapping: RecordMapping) -> Iterator[str]:
    spec = spec_of(mapping.model)
    known = {field_.name for field_ in (*spec.fields, *spec.more) if field_.words}
    for name in mapping.words:
        if name not in known:
            yield f"words names {spec.name}.{name}, which has no words of its own"


def _inspect_reason(place: str, reason: str) -> Iterator[str]:
    if len(reason) < 10 or not reason.endswith("."):
        yield f"the reason for {place} is no sentence"
