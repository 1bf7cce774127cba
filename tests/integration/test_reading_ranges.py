"""Lists narrowed to ranges of the vendor's moments, in the order of one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import httpx
import pytest

from testbed.crowd import fill_connector
from testbed.databases import Databases
from testbed.records import bury, find_ids, id_in, save
from testbed.tenants import Tenant, read_pages
from unihire.model import MODELS, ModelSpec
from unihire.store import Connection, ranges
from unihire.store.bodies import Content
from unihire.store.database import open_database
from unihire.store.list_queries import RecordSelection
from unihire.store.migrate import migrate
from unihire.store.ranges import AFTER_ALL, BEFORE_ALL, REST_OF_FEED, Range, RangeSource, write_bound
from unihire.store.record_keys import FilterKeys

BEFORE_RANGES = 35

START = datetime(2026, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def write(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def make_rows(count: int = 40) -> list[Row]:
    """Candidates whose moments are in no order, some the same, some a part of a second apart, some without."""
    rows = []
    for number in range(count):
        created = START + timedelta(minutes=number * 17 % count // 3, microseconds=250_000 * (number % 3))
        updated = created + timedelta(minutes=number * 7 % 11)
        rows.append(
            {
                "remote_id": str(number),
                "first_name": "Ann" if number % 2 else "Bob",
                "company": f"C{number % 5}",
                "remote_created_at": None if number % 13 == 5 else write(created),
                "remote_updated_at": None if number % 11 == 7 else write(updated),
            }
        )
    return rows


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


def expect(rows: Sequence[Row], order: str, **bounds: datetime | None) -> list[str]:
    """The vendor's ids of what fits, in the order of a moment and, of the same, of the feed."""
    found = list(rows)
    for name, bound in bounds.items():
        if bound is not None:
            field = name.rpartition("_")[0] + "_at"
            found = [row for row in found if row[field] is not None]
            is_after = name.endswith("after")
            found = [row for row in found if (parse(row[field]) > bound if is_after else parse(row[field]) < bound)]
    return [row["remote_id"] for row in sorted(found, key=lambda row: parse(row[order]))]


async def find(client: httpx.AsyncClient, page_size: int = 3, **params: Any) -> list[str]:
    params = {name: write(value) if isinstance(value, datetime) else value for name, value in params.items()}
    return find_ids(await read_pages(client, "/api/v1/candidates", page_size=page_size, **params))


@pytest.fixture(params=["as it is", "gathered", "walked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How much counts as few, so that small lists are read in each way that large ones are."""
    steps, few = {"as it is": (ranges.STEPS, ranges.FEW), "gathered": (2, 1000), "walked": (2, 1)}[request.param]
    monkeypatch.setattr(ranges, "STEPS", steps)
    monkeypatch.setattr(ranges, "FEW", few)
    return str(request.param)


@pytest.mark.parametrize("kind", ["created", "updated"])
async def test_range_gives_what_lies_strictly_within_in_the_order_of_the_moment(
    api: httpx.AsyncClient, tenant: Tenant, kind: str
) -> None:
    rows = make_rows()
    await save(tenant, "candidate", *rows)
    field = f"remote_{kind}_at"
    bounds = [None, *(parse(rows[number][field]) for number in (0, 3, 9, 26)), START + timedelta(days=1)]
    bounds += [bound + timedelta(microseconds=1) for bound in bounds if bound]
    for after, before in product(bounds, bounds):
        if after or before:
            asked = {f"remote_{kind}_after": after, f"remote_{kind}_before": before}
            expected = expect(rows, field, **asked)
            assert await find(api, 100, **{name: value for name, value in asked.items() if value}) == expected
    for page_size in (1, 2, 7, 39):
        assert await find(api, page_size, **{f"remote_{kind}_after": START}) == expect(
            rows, field, **{f"remote_{kind}_after": START}
        )


@pytest.mark.usefixtures("way")
async def test_ranges_filters_ids_and_modified_after_narrow_together(api: httpx.AsyncClient, tenant: Tenant) -> None:
    rows = make_rows()
    await save(tenant, "candidate", *rows)
    since = (await read_pages(api, "/api/v1/candidates", page_size=12))[11]["modified_at"]
    middle = START + timedelta(minutes=6)
    created, updated = {"remote_created_after": START}, {"remote_updated_before": middle}
    late = {row["remote_id"] for row in rows[12:]}
    companies = ("C1", "C3")
    ids = {"4", "6", "20", "31", "32"}
    narrowings: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {row["remote_id"] for row in rows}),
        ({"first_name": "Ann"}, {row["remote_id"] for row in rows if row["first_name"] == "Ann"}),
        ({"company": ",".join(companies)}, {row["remote_id"] for row in rows if row["company"] in companies}),
        ({"company": "C2", "first_name": "Bob"}, {n["remote_id"] for n in rows[2::5] if n["first_name"] == "Bob"}),
        ({"company": "nobody"}, set()),
        ({"modified_after": since}, late),
        ({"modified_after": since, "first_name": "Ann"}, {n for n in late if int(n) % 2}),
        ({"ids": ",".join(id_in(tenant, "candidate", number) for number in sorted(ids))}, ids),
        ({"remote_id": "8"}, {"8"}),
    ]
    for bounds, order in (
        (created, "remote_created_at"),
        (updated, "remote_updated_at"),
        (created | updated, "remote_updated_at"),
    ):
        for narrowed, fitting in narrowings:
            expected = [number for number in expect(rows, order, **bounds) if number in fitting]
            for page_size in (1, 4, 50):
                assert await find(api, page_size, **bounds, **narrowed) == expected, (bounds, narrowed)


async def test_what_finds_fewest_records_is_what_they_are_gathered_from(tenant: Tenant) -> None:
    """Of 20 records with a name, 8 with a company, 3 of another moment, and those that changed last."""
    await save(tenant, "candidate", *make_rows())
    spec, number = MODELS["candidate"], tenant.connector.number
    fields = {field.name: field for field in spec.filters}
    by_name = [FilterKeys(number, spec.number, fields["first_name"]).key("Ann")]
    by_company = [FilterKeys(number, spec.number, fields["company"]).key("C1")]
    seqs = [row["seq"] for row in await tenant.pool.fetch("SELECT seq FROM record ORDER BY seq")]
    wide = Range("remote_updated_at", BEFORE_ALL, AFTER_ALL)
    narrow = Range("remote_created_at", write_bound(START), write_bound(START + timedelta(minutes=2)))
    within = {"remote_created_after": START, "remote_created_before": START + timedelta(minutes=2)}
    assert len(expect(make_rows(), "remote_created_at", **within)) == 3
    for keys, last, moments, expected in [
        ([by_name, by_company], None, [wide], ranges.by_keys(by_company)),
        ([by_name, by_company], None, [wide, narrow], ranges.in_range(narrow)),
        ([by_company], 12, [wide, narrow], ranges.by_keys(by_company)),
        ([], 2, [wide, narrow], RangeSource(REST_OF_FEED)),
    ]:
        after = 0 if last is None else seqs[-last - 1]
        wanted = RecordSelection(number, spec.number, after, 10, keys)
        async with tenant.pool.acquire() as connection:
            assert await ranges._find_source(connection, wanted, moments) == expected


async def test_one_range_is_walked_and_of_two_a_few_steps_are_tried_first(
    api: httpx.AsyncClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two ranges the walk of one may meet nothing of the other for long."""
    await save(tenant, "candidate", *make_rows())
    asked, compose = [], ranges.compose_range

    def spy(query: str, *given: Any) -> tuple[str, list[object]]:
        asked.append(query)
        return compose(query, *given)

    monkeypatch.setattr(ranges, "compose_range", spy)
    await find(api, 100, remote_created_after=START)
    await find(api, 100, remote_created_after=START, remote_updated_after=START)
    assert asked == [ranges.WALK_RANGE_ALONE, ranges.TRY_RANGE]


async def test_record_that_changes_behind_a_reader_is_not_missed_and_a_deleted_one_is_not_met(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    rows = make_rows()
    await save(tenant, "candidate", *rows)
    params: dict[str, Any] = {"remote_created_after": write(START), "page_size": 5}
    first = (await api.get("/api/v1/candidates", params=params)).json()
    expected = expect(rows, "remote_created_at", remote_created_after=START)
    read, left = expected[:5], expected[5:]
    assert find_ids(first["items"]) == read
    changed, gone, early = left[3], left[6], left[-1]
    await save(tenant, "candidate", {**rows[int(changed)], "title": "new"})
    await save(tenant, "candidate", {**rows[int(early)], "remote_created_at": write(START)})
    await bury(tenant, "candidate", gone)
    rest, cursor = list[str](), first["cursor"]
    while cursor:
        page = (await api.get("/api/v1/candidates", params={**params, "cursor": cursor})).json()
        rest += find_ids(page["items"])
        cursor = page["cursor"]
    assert sorted(rest, key=int) == sorted((n for n in left if n not in (gone, early)), key=int)
    await save(tenant, "candidate", rows[int(gone)])
    assert gone in await find(api, remote_created_after=START)


async def test_new_value_of_a_moment_takes_the_place_of_the_old_one(api: httpx.AsyncClient, tenant: Tenant) -> None:
    row = {"remote_id": "1", "remote_updated_at": write(START)}
    await save(tenant, "candidate", row)
    later = START + timedelta(hours=1)
    assert await find(api, remote_updated_before=later) == ["1"]
    await save(tenant, "candidate", {**row, "remote_updated_at": write(later)})
    assert await find(api, remote_updated_before=later) == []
    assert await find(api, remote_updated_after=START) == ["1"]
    await save(tenant, "candidate", {**row, "remote_updated_at": None})
    assert await find(api, remote_updated_after=START) == []


async def test_cursor_is_of_the_order_it_was_given_in(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "candidate", *make_rows())
    asked: list[dict[str, str]] = [{}, {"remote_created_after": write(START)}, {"remote_updated_after": write(START)}]
    cursors = []
    for params in asked:
        page = (await api.get("/api/v1/candidates", params={**params, "page_size": 2})).json()
        cursors.append(page["cursor"])
    for (place, params), (other, cursor) in product(enumerate(asked), enumerate(cursors)):
        answer = await api.get("/api/v1/candidates", params={**params, "cursor": cursor})
        assert answer.status_code == (200 if place == other else 422)
    answer = await api.get("/api/v1/candidates", params={**asked[1], "cursor": cursors[1][:-4] + "AAAA"})
    assert answer.status_code == 422


async def test_what_cannot_be_a_range_is_refused(api: httpx.AsyncClient, tenant: Tenant) -> None:
    for params, name in (
        ({"remote_created_after": "soon"}, "remote_created_after"),
        ({"remote_updated_before": "2026-13-01"}, "remote_updated_before"),
        ({"remote_created_after": "2026-01-01", "include_deleted": "true"}, "include_deleted"),
    ):
        answer = await api.get("/api/v1/candidates", params=params)
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", name]]
    answer = await api.get("/api/ats/v1/candidates", params={"remote_created_after": "2026-01-01"})
    assert answer.status_code == 422  # not of the native face


@pytest.mark.parametrize("spec", MODELS.values(), ids=lambda spec: spec.name)
async def test_every_list_can_be_narrowed_by_both_moments_wherever_they_are_stored(
    api: httpx.AsyncClient, tenant: Tenant, spec: ModelSpec
) -> None:
    moments = [write(START + timedelta(days=number)) for number in range(4)]
    for number, moment in enumerate(moments):
        row = {"remote_id": str(number), "remote_created_at": moment, "remote_updated_at": moments[-number - 1]}
        await save(tenant, spec.name, row)
    path = f"/api/v1/{spec.plural}"
    for params, expected in (
        ({"remote_created_after": moments[1]}, ["2", "3"]),
        ({"remote_created_before": moments[1]}, ["0"]),
        ({"remote_updated_after": moments[1]}, ["1", "0"]),
        ({"remote_updated_before": moments[2], "remote_created_before": moments[3]}, ["2"]),
    ):
        assert find_ids(await read_pages(api, path, page_size=1, **params)) == expected, params


@pytest.mark.parametrize("model", ["candidate", "application"], ids=["in the answer", "beside it"])
@pytest.mark.parametrize("name", ranges.MOMENTS)
async def test_moment_is_read_from_a_record_as_its_index_has_it(tenant: Tenant, model: str, name: str) -> None:
    rows = [{key: row[key] for key in ("remote_id", "remote_created_at", "remote_updated_at")} for row in make_rows()]
    odd = '\\"remote_created_at\\":\\"2020'
    await save(tenant, model, *rows, {"remote_id": odd, "remote_created_at": write(START), "remote_updated_at": None})
    spec, number = MODELS[model], tenant.connector.number
    stored = await tenant.pool.fetch(
        f"SELECT body, more, {ranges.MOMENTS[name]} AS moment FROM record WHERE {ranges.MOMENTS[name]} IS NOT NULL"
    )
    assert len(stored) > 30
    assert [ranges.read_moment(name, spec.number, row) for row in stored] == [row["moment"] for row in stored]
    for content in (Content(), Content(in_parts=True)):
        wanted = RecordSelection(number, spec.number, 0, 5, content=content)
        found, place = 0, None
        for _ in range(20):
            page = await ranges.list_range(tenant.pool, wanted, [Range(name, BEFORE_ALL, AFTER_ALL)], place)
            found += len(page.bodies)
            if page.last is None:
                break
            assert page.moment is not None
            place = page.moment, page.last
        assert found == len(stored)


async def test_store_of_an_earlier_version_has_the_ranges_as_soon_as_it_comes_forward(
    databases: Databases, connection: Connection, empty: str
) -> None:
    await migrate(connection, upto=BEFORE_RANGES)
    await connection.execute("INSERT INTO organisation (id, name) VALUES (gen_random_uuid(), 'Example')")
    await fill_connector(connection, 1, 60)  # one a minute, of which number 49 is deleted
    wanted = RecordSelection(1, MODELS["candidate"].number, 0, 50)
    narrowed = [ranges.Range("remote_created_at", "2026-01-01T00:45:00", "2026-01-01T00:55:00")]
    async with open_database(databases.settings(empty)) as pool:
        found = await ranges.list_range(pool, wanted, narrowed, None)
    assert len(found.bodies) == 8


def test_models_whose_answers_have_a_moment_are_those_the_index_looks_into_answers_of() -> None:
    for name, numbers in ranges.IN_BODIES.items():
        assert numbers == tuple(spec.number for spec in MODELS.values() if name in {one.name for one in spec.fields})
        assert all(name in {one.name for one in (*spec.fields, *spec.more)} for spec in MODELS.values())
