"""Every documented filter on every model, alone and together."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from testbed.effort import pick
from testbed.records import PLURALS, bury, find_ids, id_in, make_row, save
from testbed.tenants import Tenant, read_all
from unihire.dialects.bindbee.face import NATIVE
from unihire.dialects.common.filters import FilterParam
from unihire.model import FieldSpec, FilterMatch, ModelSpec

ALL = pytest.mark.parametrize("plural", pick(list(PLURALS), 6))
FILTERS = [(spec.plural, param.name) for spec, params in NATIVE.filters.items() for param in params]
EACH = pytest.mark.parametrize(("plural", "param"), FILTERS)


async def find(api: httpx.AsyncClient, plural: str, **params: Any) -> list[str]:
    """The vendor's ids of what a list gives, read in small pages, in the list's order."""
    return find_ids(await read_all(api, plural, page_size=2, **params))


async def fill(tenant: Tenant, spec: ModelSpec, count: int = 5) -> list[dict[str, Any]]:
    rows = [make_asked(spec, number) for number in range(count)]
    await save(tenant, spec.name, *rows)
    return rows


def make_asked(spec: ModelSpec, number: int) -> dict[str, Any]:
    """As `make_row`, with no blanks where a filter knows none: clients write one as a plus, and there that is one."""
    row = make_row(spec, number)
    for param in NATIVE.filters[spec]:
        if param.grammar.has_no_blanks:
            row[param.field.name] = _join_words(row[param.field.name])
    return row


def _join_words(value: Any) -> Any:
    return [_join_words(one) for one in value] if isinstance(value, list) else value.replace(" ", "+")


def param_of(plural: str, name: str) -> FilterParam:
    return next(param for param in NATIVE.filters[PLURALS[plural]] if param.name == name)


def field_of(plural: str, name: str) -> tuple[ModelSpec, FieldSpec]:
    return PLURALS[plural], param_of(plural, name).field


def ask_for(tenant: Tenant, field: FieldSpec, row: Mapping[str, Any]) -> str:
    """The filter's value that fits this row."""
    value = row[field.name]
    one: str = value[0] if isinstance(value, list) else value
    return id_in(tenant, field.to, one) if field.to else one


def fits(field: FieldSpec, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a row has the first value of another, as an honest reading of the contract would have it."""
    value, asked = row[field.name], wanted[field.name]
    asked = asked[0] if isinstance(asked, list) else asked
    return asked in value if isinstance(value, list) else asked == value


@EACH
async def test_filter_gives_the_records_that_have_the_value_and_no_other(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, param: str
) -> None:
    spec, field = field_of(plural, param)
    rows = await fill(tenant, spec)
    for wanted in rows:
        expected = [row["remote_id"] for row in rows if fits(field, row, wanted)]
        assert await find(api, plural, **{param: ask_for(tenant, field, wanted)}) == expected
    if not param_of(plural, param).grammar.is_closed:
        assert await find(api, plural, **{param: "nothing like it"}) == []
        assert await find(api, plural, **{param: ""}) == []


@EACH
async def test_filter_compares_letter_case_where_documented_only(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, param: str
) -> None:
    spec, field = field_of(plural, param)
    rows = await fill(tenant, spec, 2)
    swapped = ask_for(tenant, field, rows[0]).swapcase()
    if param_of(plural, param).grammar.is_closed:
        assert (await api.get(f"/api/ats/v1/{plural}", params={param: swapped})).status_code == 422
    else:
        ignores_case = field.filter in (FilterMatch.FOLDED, FilterMatch.ID)
        assert bool(await find(api, plural, **{param: swapped})) == ignores_case


@pytest.mark.parametrize(
    ("plural", "param"), [(plural, param) for plural, param in FILTERS if field_of(plural, param)[1].to]
)
async def test_id_filter_takes_a_comma_list_and_gives_what_fits_any(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, param: str
) -> None:
    spec, field = field_of(plural, param)
    rows = await fill(tenant, spec)
    asked = ",".join([ask_for(tenant, field, rows[3]), "not-an-id", ask_for(tenant, field, rows[1])])
    expected = [row["remote_id"] for row in rows if fits(field, row, rows[3]) or fits(field, row, rows[1])]
    assert await find(api, plural, **{param: asked}) == expected
    assert await find(api, plural, **{param: f"{asked},{asked}"}) == expected
    long = ",".join(f"{number:08}-0000-5000-8000-000000000000" for number in range(60)) + f",{asked}"
    assert await find(api, plural, **{param: long}) == expected
    assert await find(api, plural, **{param: long}, ids=id_in(tenant, spec.name, "1")) == ["1"]


@ALL
async def test_filter_for_the_vendors_id_is_there_where_documented(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    await fill(tenant, spec)
    if NATIVE.has_remote_id_filter(spec):
        assert await find(api, plural, remote_id="3") == ["3"]
        assert await find(api, plural, remote_id="99") == []
    else:
        assert (await api.get(f"/api/ats/v1/{plural}", params={"remote_id": "3"})).status_code == 422


@ALL
async def test_filters_together_give_what_fits_all_of_them(api: httpx.AsyncClient, tenant: Tenant, plural: str) -> None:
    spec = PLURALS[plural]
    rows = await fill(tenant, spec)
    params = {param.name: ask_for(tenant, param.field, rows[3]) for param in NATIVE.filters[spec]}
    expected = [row["remote_id"] for row in rows if all(fits(field, row, rows[3]) for field in spec.filters)]
    assert await find(api, plural, **params) == expected
    ids = ",".join(id_in(tenant, spec.name, number) for number in ("3", "4", "77"))
    assert await find(api, plural, **params, ids=ids) == [found for found in expected if found in ("3", "4")]
    first = next(iter(NATIVE.filters[spec]), None)
    if first is not None and not first.grammar.is_closed:
        assert await find(api, plural, **{**params, first.name: "nothing"}) == []


@ALL
async def test_ids_give_these_records_in_the_order_of_the_list(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    await fill(tenant, spec)
    ours = [id_in(tenant, spec.name, number) for number in ("4", "1", "3")]
    assert await find(api, plural, ids=",".join(ours)) == ["1", "3", "4"]
    assert await find(api, plural, ids=", ".join([ours[0].upper(), "what?", ours[0]])) == ["4"]
    if NATIVE.has_remote_id_filter(spec):
        assert await find(api, plural, ids=ours[1], remote_id="4") == []
    assert await find(api, plural, ids="what?") == []


@pytest.mark.parametrize("page_size", [1, 7, 27, 29, 30, 50])
async def test_ids_are_in_the_order_of_the_list_whether_they_fit_on_a_page_or_not(
    api: httpx.AsyncClient, tenant: Tenant, page_size: int
) -> None:
    async def save_as(title: str, numbers: range) -> None:
        await save(tenant, "candidate", *({"remote_id": str(number), "title": title} for number in numbers))

    await save_as("first", range(300))
    await save_as("second", range(300))
    await tenant.pool.execute("VACUUM ANALYZE record")
    await save_as("third", range(100))  # these lie where the first ones lay, before all others
    asked = [str(number) for number in [*range(100, 300, 10), *range(0, 100, 10)]]
    ids = ",".join(id_in(tenant, "candidate", number) for number in asked)
    assert find_ids(await read_all(api, "candidates", page_size=page_size, ids=ids)) == asked
    page = (await api.get("/api/ats/v1/candidates", params={"ids": ids, "page_size": page_size})).json()
    assert (len(page["items"]), page["cursor"] is None) == (min(30, page_size), page_size >= 30)


async def test_two_filters_with_several_values_each_are_joined_by_and(api: httpx.AsyncClient, tenant: Tenant) -> None:
    rows = [
        {"remote_id": f"{job}-{who}", "job": job, "candidate": who, "source": "Ads"} for job in "abc" for who in "xyz"
    ]
    await save(tenant, "application", *rows)
    jobs = ",".join(id_in(tenant, "job", job) for job in "ab")
    people = ",".join(id_in(tenant, "candidate", who) for who in "yz")
    expected = ["a-y", "a-z", "b-y", "b-z"]
    assert await find(api, "applications", job=jobs, candidate=people) == expected
    long = ",".join([*(f"{number:08}-0000-5000-8000-000000000000" for number in range(60)), people])
    assert await find(api, "applications", job=jobs, candidate=long) == expected
    assert await find(api, "applications", job=long, candidate=people) == []
    assert await find(api, "applications", job=jobs, candidate=people, source="Ads") == expected
    assert await find(api, "applications", job=jobs, candidate=people, source="ads") == []
    one = id_in(tenant, "application", "a-z")
    assert await find(api, "applications", job=jobs, candidate=people, ids=one) == ["a-z"]


@pytest.mark.parametrize(
    "asked", [range(12), range(6), [*range(11, -1, -1)], [0, 1, 2, 90, 91, 92], [3, *range(90, 99)]]
)
@pytest.mark.parametrize("page_size", [1, 3, 20])
async def test_list_of_many_values_gives_every_record_once_in_full_pages_however_frequent_each_is(
    api: httpx.AsyncClient, tenant: Tenant, asked: Sequence[int], page_size: int
) -> None:
    """Some values in nearly every record, some in a few at either end of the list, some in none."""
    rows = [{"remote_id": str(number), "offices": name_offices(number)} for number in range(130)]
    await save(tenant, "job", *rows)
    expected = [str(row["remote_id"]) for row in rows if {f"o{value}" for value in asked} & set(row["offices"])]
    offices = ",".join(id_in(tenant, "office", f"o{value}") for value in asked)
    found, params = [], {"offices": offices, "page_size": page_size}
    for _ in range(1_000):  # no walk that goes round is waited for
        page = (await api.get("/api/ats/v1/jobs", params=params)).json()
        found += find_ids(page["items"])
        if page["cursor"] is None:
            break
        assert len(page["items"]) == page_size
        params["cursor"] = page["cursor"]
    assert found == expected


def name_offices(number: int) -> list[str]:
    frequent = [f"o{value}" for value in (0, 5, 11) if number % (value + 2)]
    early = [f"o{value}" for value in range(1, 4) if number < 40 and number % value == 0]
    late = [f"o{value}" for value in range(6, 9) if number > 90 and number % value == 0]
    return [*frequent, *early, *late, *(["o4", "o10"] if number in (17, 18, 129) else [])]


async def test_email_addresses_may_be_repeated_and_letter_case_does_not_count(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(
        tenant,
        "candidate",
        {"remote_id": "1", "email_addresses": ["Ada@Example.com", "ada@home.example"]},
        {"remote_id": "2", "email_addresses": ["STRASSE@example.com"]},
        {"remote_id": "3", "email_addresses": []},
    )
    assert await find(api, "candidates", email_addresses="ADA@example.COM") == ["1"]
    assert await find(api, "candidates", email_addresses=["straße@example.com", "ada@home.example"]) == ["1", "2"]
    assert await find(api, "candidates", email_addresses=["ada@home.example", "ada@example.com"]) == ["1"]
    assert await find(api, "candidates", email_addresses="ada@example.com,straße@example.com") == []


async def test_value_told_twice_in_different_case_does_not_list_the_record_twice(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "email_addresses": ["Ada@example.com", "ada@EXAMPLE.com"]})
    assert await find(api, "candidates", email_addresses="ada@example.com") == ["1"]


async def test_company_is_one_text_with_commas_or_a_comma_list(api: httpx.AsyncClient, tenant: Tenant) -> None:
    names = {"1": "Example, Inc.", "2": "example", "3": "Other", "4": None}
    await save(tenant, "candidate", *({"remote_id": number, "company": name} for number, name in names.items()))
    assert await find(api, "candidates", company="EXAMPLE, inc.") == ["1", "2"]
    assert await find(api, "candidates", company="other,example") == ["2", "3"]
    assert await find(api, "candidates", company="Exam") == []


async def test_value_in_any_script_is_found(api: httpx.AsyncClient, tenant: Tenant) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "first_name": "José 雪"})
    assert await find(api, "candidates", first_name="JOSÉ 雪") == ["1"]


async def test_changed_record_is_found_by_its_new_values_only_and_a_deleted_one_by_none(
    api: httpx.AsyncClient, tenant: Tenant
) -> None:
    await save(tenant, "candidate", {"remote_id": "1", "first_name": "Ann", "tags": ["a", "b"]})
    await save(tenant, "candidate", {"remote_id": "1", "first_name": "Ann", "tags": ["b", "c"]})
    assert [await find(api, "candidates", tag=tag) for tag in "abc"] == [[], ["1"], ["1"]]
    await bury(tenant, "candidate", "1")
    assert [await find(api, "candidates", tag=tag) for tag in "abc"] == [[], [], []]
    id = id_in(tenant, "candidate", "1")
    assert await find(api, "candidates", ids=id) == []
    assert await find(api, "candidates", first_name="Ann", ids=id) == []
    assert await find(api, "candidates", remote_id="1") == []


@ALL
async def test_modified_after_is_strict_and_exact_to_the_microsecond(
    api: httpx.AsyncClient, tenant: Tenant, plural: str
) -> None:
    spec = PLURALS[plural]
    moment = datetime(2126, 3, 1, 12, 0, 0, 999_998, tzinfo=UTC)
    await save(tenant, spec.name, *(make_row(spec, number) for number in range(3)), at=moment)
    stamps = [item["modified_at"] for item in await read_all(api, plural)]
    assert stamps == ["2126-03-01T12:00:00.999998Z", "2126-03-01T12:00:00.999999Z", "2126-03-01T12:00:01.000000Z"]
    for place, stamp in enumerate(stamps):
        assert len(await find(api, plural, modified_after=stamp)) == 2 - place


@pytest.mark.parametrize(
    "same",
    [
        "2126-03-01T12:00:00",
        "2126-03-01T12:00:00Z",
        "2126-03-01T12:00:00.000Z",
        "2126-03-01T12:00:00+00:00",
        "2126-03-01T13:00:00+01:00",
        "2126-03-01T13:00:00 01:00",
        "2126-03-01T08:30:00-03:30",
        "2126-03-01 12:00:00",
        "21260301T120000Z",
    ],
)
async def test_modified_after_reads_any_iso_form_and_no_offset_as_utc(
    api: httpx.AsyncClient, tenant: Tenant, same: str
) -> None:
    moment = datetime(2126, 3, 1, 12, tzinfo=UTC)
    await save(tenant, "tag", {"remote_id": "at"}, at=moment)
    await save(tenant, "tag", {"remote_id": "just after"}, at=moment + timedelta(microseconds=1))
    assert await find(api, "tags", modified_after=same) == ["just after"]
    assert await find(api, "tags", modified_after="2126-03-01") == ["at", "just after"]


@pytest.mark.parametrize(("plural", "param"), pick(FILTERS, 8))
async def test_filter_keeps_its_order_and_its_place_over_pages(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, param: str
) -> None:
    spec, field = field_of(plural, param)
    rows = [{**make_asked(spec, number), field.name: make_asked(spec, 3)[field.name]} for number in range(7)]
    await save(tenant, spec.name, *rows)
    stamps = [item["modified_at"] for item in await read_all(api, plural)]
    asked = {param: ask_for(tenant, field, rows[0])}
    assert await find(api, plural, **asked) == [str(number) for number in range(7)]
    assert await find(api, plural, **asked, modified_after=stamps[3]) == ["4", "5", "6"]


TEXTS = [
    (plural, param)
    for plural, param in FILTERS
    if not (field_of(plural, param)[1].to or field_of(plural, param)[1].words)
]
SPELLINGS = ("José", "Jose\u0301", "\u00a0José", "Jose\u0301\t", " José \n", "\u3000José\u200b")


def make_spelled(spec: ModelSpec, field: FieldSpec, number: int, spelling: str) -> dict[str, Any]:
    row = make_row(spec, number)
    row[field.name] = [spelling] if field.type == "array" else spelling
    return row


@pytest.mark.parametrize(("plural", "param"), pick(TEXTS, 5))
async def test_text_is_found_in_either_form_and_with_blanks_around_it(
    api: httpx.AsyncClient, tenant: Tenant, plural: str, param: str
) -> None:
    spec, field = field_of(plural, param)
    rows = [make_spelled(spec, field, number, spelling) for number, spelling in enumerate(SPELLINGS)]
    await save(
        tenant, spec.name, *rows, make_spelled(spec, field, 8, "Jose"), make_spelled(spec, field, 9, "\u00a0 \t")
    )
    every = [row["remote_id"] for row in rows]
    for spelling in SPELLINGS:
        assert await find(api, plural, **{param: spelling}) == every
    also = {"remote_id": "3"} if NATIVE.has_remote_id_filter(spec) else {}
    assert await find(api, plural, **{param: "Jos\u00e9 "}, **also) == (
        ["3"] if NATIVE.has_remote_id_filter(spec) else every
    )
    for nothing in ("", " ", "\u3000\u00a0", "\u200b"):
        assert await find(api, plural, **{param: nothing}) == []
    items = await read_all(api, plural)
    shown = [item[field.name] for item in items]  # the texts themselves stay as the vendor wrote them
    assert [one[0] if isinstance(one, list) else one for one in shown[: len(SPELLINGS)]] == list(SPELLINGS)


async def test_several_values_are_compared_in_one_form_too(api: httpx.AsyncClient, tenant: Tenant) -> None:
    spec = PLURALS["candidates"]
    addresses = [[" jane@example.com\u00a0", "JANE@example.com"], ["jose\u0301@example.com"], ["x@example.com"], ["\t"]]
    companies = ["Café Berlin", "Cafe\u0301 Berlin\u00a0", "\u3000A, B", "\u00a0"]
    rows = [
        {**make_row(spec, number), "email_addresses": held, "company": company}
        for number, (held, company) in enumerate(zip(addresses, companies, strict=True))
    ]
    await save(tenant, "candidate", *rows)
    asked = ["%E3%80%80JOSÉ@example.com", "Jane@example.com%20", "%20", "nobody"]
    query = "&".join(f"email_addresses={value}" for value in asked)
    answer = await api.get(f"/api/ats/v1/candidates?{query}")
    assert find_ids(answer.json()["items"]) == ["0", "1"]
    for text, expected in {"cafe\u0301 berlin ,,nothing": ["0", "1"], " A, B": ["2"], " , ,": []}.items():
        assert await find(api, "candidates", company=text) == expected
    assert await find(api, "candidates", company="Cafe\u0301 Berlin,A", email_addresses="jos\u00e9@example.com\t") == [
        "1"
    ]
