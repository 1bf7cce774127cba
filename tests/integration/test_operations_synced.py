"""Operations answered from the store: the same as the vendor would answer, without a call, or a reason why not."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest
import pytest_asyncio

from testbed.creating import Company, open_creating
from testbed.databases import Databases
from testbed.effort import IS_THOROUGH
from testbed.harvest import Row
from testbed.operating import Operating, open_operations
from testbed.small_company import SMALL
from unihire.errors import RetryLater
from unihire.integration.declare import list_values
from unihire.integration.registry import list_operations
from unihire.integrations.greenhouse.filters import EVERYWHERE, FILTERS, match_filters
from unihire.kit.seal import Sealer
from unihire.platform.clients import Clients
from unihire.platform.inputs import BadInput
from unihire.platform.operations import Operations, Outcome
from unihire.store import Pool

Json = dict[str, Any]

NOWHERE = 1
"""An id the vendor gives nobody."""

PER_PAGE = {"list_job_stages": "per_page", "list_sources": "per_page"}
"""What the size of a page is called, where it is not `results_per_page`."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operating(databases: Databases, sealer: Sealer) -> AsyncIterator[Operating]:
    async with open_operations(databases, sealer, size=84, seed=7) as opened:
        report = await opened.tenant.sync()
        assert (report.status, report.errors) == ("done", {})
        yield opened


async def call_synced(operating: Operating, name: str, **input: Any) -> Outcome:
    """The outcome of an operation that must not reach the vendor."""
    (await operating.control.delete("requests")).raise_for_status()
    outcome = await operating.operations.call(operating.connector, name, {**input, "source": "synced"})
    assert (await operating.control.get("requests")).json()["total"] == 0
    return outcome


async def check(operating: Operating, name: str, **input: Any) -> Any:
    """What the store answers, which must be what the vendor answers."""
    outcome = await call_synced(operating, name, **input)
    assert outcome.is_success, outcome.output
    assert outcome.output == await operating.call(name, **input), (name, input)
    return outcome.output


def list_inputs(operating: Operating, name: str) -> Iterator[Json]:
    """Inputs of an operation that has no pages: rows it can be asked for, and one there is not."""
    read = operating.read
    members: dict[str, tuple[str, Callable[[], list[Row]]]] = {
        "get_candidate": ("candidate_id", lambda: read("candidates")),
        "get_application": ("application_id", lambda: read("applications")),
        "get_job": ("job_id", lambda: read("jobs")),
        "get_offer": ("offer_id", lambda: read("offers")),
        "get_user": ("user_id", lambda: read("users", show_service_accounts="true")),
        "get_current_offer_by_application": ("application_id", lambda: read("applications")[::3]),
        "list_offers_by_application": ("application_id", lambda: read("applications")[::3]),
        "list_job_stages_for_job": ("job_id", lambda: read("jobs")),
        "list_job_stages_for_job_ddl": ("job_id", lambda: read("jobs")),
        "list_job_custom_field_options_ddl": ("custom_field", lambda: read("custom_fields")),
    }
    if name in members:
        member, rows = members[name]
        yield from ({member: id} for id in [*(row["id"] for row in rows()[:: 1 if IS_THOROUGH else 3]), NOWHERE])
    elif name == "list_custom_fields":
        kinds = ("job", "candidate", "application", "offer", "opening", "rejection_question", "user_attribute")
        yield from ({"field_type": kind, "include_inactive": flag} for kind in kinds for flag in (True, False))
    else:
        yield {}


WHOLE = [
    name
    for name, operation in list_operations("greenhouse").items()
    if not operation.is_write and "page" not in operation.input.__struct_fields__
]
PAGED = [
    name
    for name, operation in list_operations("greenhouse").items()
    if "page" in operation.input.__struct_fields__ and name != "list_offers_by_application"
]


@pytest.mark.parametrize("name", [*WHOLE, "list_offers_by_application"])
async def test_store_answers_as_the_vendor_for_every_row_there_is(operating: Operating, name: str) -> None:
    answers = [await check(operating, name, **input) for input in list_inputs(operating, name)]
    assert any(any(member for member in answer.values() if member is not True) for answer in answers)


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("size", [7, 500])
async def test_store_answers_as_the_vendor_on_every_page(operating: Operating, name: str, size: int) -> None:
    met: list[Any] = []
    for page in itertools.count(1):
        answer = await check(operating, name, page=page, **{PER_PAGE.get(name, "results_per_page"): size})
        rows = answer.get("results", answer.get("offices"))
        if not rows:
            break
        assert len(rows) <= size
        met += (row["id"] for row in rows)
    assert len(met) == len(set(met)) > 0


async def test_pages_far_down_are_those_the_vendor_has_there(operating: Operating) -> None:
    rows = operating.read("applications")
    for page in (len(rows) - 1, len(rows), 17, len(rows) + 1, 10**6):
        answer = (await call_synced(operating, "list_applications", page=page, results_per_page=1)).output
        assert [row["id"] for row in answer["results"]] == [row["id"] for row in rows[page - 1 : page]]


async def test_live_page_far_down_is_asked_for_by_the_ids_the_store_has(operating: Operating) -> None:
    """Those up to three pages behind one whose beginning is known are walked to."""
    wanted = [row["id"] for row in operating.read("candidates")]
    for page, calls in ((4, 4), (9, 1), (8, 4), (6, 1), (len(wanted) // 6, 1)):
        answer = await operating.call("list_candidates", page=page, results_per_page=6)
        assert [row["id"] for row in answer["results"]] == wanted[(page - 1) * 6 : page * 6]
        assert operating.calls["candidates"] == calls, page
    assert (await operating.call("list_candidates", page=1000, results_per_page=6))["results"] == []


# Filters

MOMENTS = ("created_after", "created_before", "updated_after", "updated_before", "last_activity_after")
MOMENTS_OF_OFFERS = ("resolved_after", "resolved_before")
DAYS = ("sent_after", "sent_before", "starts_after", "starts_before")


def list_filters(operating: Operating, name: str) -> Iterator[Json]:
    """Each filter of a list alone, with values that rows have, and some together."""
    fields = list_operations("greenhouse")[name].input.__struct_fields__
    read = operating.read
    moments = sorted(row["updated_at"] for row in read("candidates"))[10::30]
    yield from ({each: moment} for each in (*MOMENTS, *MOMENTS_OF_OFFERS) if each in fields for moment in moments)
    yield from ({each: moment[:10]} for each in DAYS if each in fields for moment in moments)
    if "updated_after" in fields:
        yield from ({"created_before": late, "updated_after": early} for early, late in itertools.pairwise(moments))
        yield {"created_after": moments[0], "updated_after": moments[1]}
    jobs = read("jobs")
    match name:
        case "list_candidates":
            people = read("candidates")
            yield from ({"email": row["email_addresses"][0]["value"]} for row in people[::20] if row["email_addresses"])
            yield {"email": "nobody@example.com"}
            yield {"candidate_ids": [str(row["id"]) for row in people[5:50]]}
            yield from ({"job_id": row["id"]} for row in jobs)
            yield {"job_id": jobs[3]["id"], "candidate_ids": [str(row["id"]) for row in people[:50]]}
            yield from ({"job_id": row["id"], "created_after": moments[1]} for row in jobs[::4])
        case "list_applications":
            yield from ({"status": word} for word in ("active", "hired", "rejected", "converted"))
            yield from ({"job_id": row["id"]} for row in jobs)
            yield from ({"job_id": row["id"], "status": "active", "created_after": moments[0]} for row in jobs)
        case "list_jobs":
            yield from ({"status": word} for word in ("open", "closed", "draft"))
            yield from ({"requisition_id": row["requisition_id"]} for row in jobs[::4] if row["requisition_id"])
            openings = [row["opening_id"] for row in read("openings") if row["opening_id"]]
            yield from ({"opening_id": id} for id in openings[::5])
            yield from ({"department_id": row["id"]} for row in read("departments"))
            yield from ({"office_id": row["id"]} for row in read("offices"))
            for stream, member in (("departments", "external_department_id"), ("offices", "external_office_id")):
                yield from ({member: row["external_id"]} for row in read(stream) if row["external_id"])
            yield from ({"custom_field_option_id": row["id"]} for row in read("custom_field_options")[::5])
        case "list_offers":
            yield from ({"status": word} for word in ("created", "unresolved", "accepted", "rejected", "deprecated"))
        case "list_users":
            users = read("users", show_service_accounts="true")
            yield from ({"email": row["email"]} for row in read("user_emails"))
            yield from ({"employee_id": row["employee_id"]} for row in users if row["employee_id"])
            yield {"user_attributes": True}
        case "list_departments" | "list_offices":
            yield {"render_as": "tree"}
            rows = read(name.removeprefix("list_"))
            yield from ({"external_id": row["external_id"]} for row in rows if row["external_id"])


@pytest.mark.parametrize("name", [name for name in PAGED if name != "list_sources"])
async def test_store_filters_as_the_vendor(operating: Operating, name: str) -> None:
    found = set()
    for input in list_filters(operating, name):
        for page in (1, 2, 3) if IS_THOROUGH else (1, 3):
            answer = await check(operating, name, **input, page=page, **{PER_PAGE.get(name, "results_per_page"): 9})
            found.add(len(answer.get("results", answer.get("offices"))))
    assert len(found) > 1


async def test_page_of_what_v3_cannot_be_asked_for_is_found_on_pages_read_one_after_the_other(
    operating: Operating, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By creation and update at once: pages of what v3 is told are read from the newest on, each behind the last."""
    monkeypatch.setattr("unihire.integrations.greenhouse.harvest_v1.operations.lists.LONGEST_PAGE", 20)
    span = {"created_after": "2000-01-01T00:00:00Z", "updated_before": "2100-01-01T00:00:00Z"}
    wanted = [row["id"] for row in operating.read("candidates")]
    for page in (1, 3, 6):
        answer = (await call_synced(operating, "list_candidates", **span, page=page, results_per_page=20)).output
        assert [row["id"] for row in answer["results"]] == wanted[(page - 1) * 20 : page * 20]


@pytest.mark.parametrize("stream", FILTERS)
def test_filter_of_a_list_lets_the_rows_through_that_the_vendor_shows(operating: Operating, stream: str) -> None:
    """Every filter that is known, with values of rows there are."""
    every = operating.read(stream, **({"show_service_accounts": "true"} if stream == "users" else {}))
    also = {"show_service_accounts": "true"} if stream == "users" else {}
    for param in (*EVERYWHERE, *FILTERS[stream]):
        asked = list_values_of(stream, param, every)
        for value in asked:
            match = match_filters(stream, {param: value})
            shown = [row["id"] for row in operating.read(stream, **{param: value}, **also)]
            assert [row["id"] for row in every if match.accepts(row)] == shown, (param, value)


def list_values_of(stream: str, param: str, rows: list[Row]) -> list[str]:
    """Values a filter can be asked for: some that rows have, several at once where it takes several."""
    if param.endswith("_at"):
        moments = sorted(row[param] for row in rows if row[param])[:: max(1, len(rows) // 3)]
        both = [f"gte|{moments[0]}|lt|{moments[-1]}"] if moments else []
        return [f"{by}|{moment}" for moment in moments for by in ("gte", "gt", "lte", "lt")] + both
    if param.endswith("_on"):
        days = sorted(row[param] for row in rows if row[param])[:: max(1, len(rows) // 3)]
        return [f"{by}|{day}" for day in days for by in ("gte", "gt", "lte", "lt")]
    found = list(dict.fromkeys(each for row in rows for each in match_values(stream, param, row)))
    if param.endswith("ids"):
        return [*found[:2], ",".join(found[2:6])] if len(found) > 2 else found
    return found[:4]


def match_values(stream: str, param: str, row: Row) -> list[str]:
    (member,) = match_filters(stream, {param: ""}).values
    words = {"in_process": "active"} if (stream, param) == ("applications", "status") else {}
    return [words.get(value, value) for value in list_values(row, member)]


def test_filter_that_is_not_known_is_told_by_name() -> None:
    for stream, param in (("offers", "current_only"), ("applications", "custom_field_option_id"), ("sources", "name")):
        with pytest.raises(KeyError, match=param):
            match_filters(stream, {"ids": "1", param: "true"})


# Few queries


class CountingPool:
    """A pool that counts what it is asked for."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.queries = 0

    def __getattr__(self, name: str) -> Any:
        self.queries += 1
        return getattr(self._pool, name)


@pytest.mark.parametrize(
    ("name", "most"),
    [("list_candidates", 7), ("list_applications", 6), ("list_jobs", 6), ("list_offers", 4), ("list_users", 4)],
)
async def test_page_of_a_hundred_takes_few_queries(operating: Operating, name: str, most: int) -> None:
    pool = CountingPool(operating.tenant.pool)
    nobody = cast(Clients, None)
    outcome = await Operations(cast(Pool, pool), nobody).call(
        operating.connector, name, {"results_per_page": 100, "source": "synced"}
    )
    assert outcome.is_success
    assert pool.queries <= most


# What is not in the store


async def test_list_that_was_never_read_is_named_and_never_empty(databases: Databases, sealer: Sealer) -> None:
    lacking = {"without_scopes": "close_reasons:list"}
    async with open_operations(databases, sealer, size=SMALL, options=lacking) as opened:
        outcome = await call_synced(opened, "list_sources")
        assert (outcome.is_success, outcome.output["code"]) == (False, "not_synced")
        assert outcome.output["message"] == "the list sources is not in the store: no sync has come to its end"
        report = await opened.tenant.sync()
        assert report.status == "done"  # only operations read what is missing
        assert list(report.errors) == ["close_reasons"]
        assert (await call_synced(opened, "list_sources")).is_success
        closed = next(row["job_id"] for row in opened.read("openings") if row["close_reason_id"])
        outcome = await call_synced(opened, "get_job", job_id=closed)
        assert outcome.output == {
            "response": {},
            "expects": {"statusCode": ["2xx"]},
            "code": "not_synced",
            "message": "the list close_reasons is not in the store: the credentials lack harvest:close_reasons:list "
            "(Manage scopes of the credentials, in Configure > Dev Center > API Credential Management)",
        }
        needless = next(
            row["id"]
            for row in opened.read("jobs")
            if not any(one["close_reason_id"] for one in opened.read("openings", job_ids=row["id"]))
        )
        assert (await call_synced(opened, "get_job", job_id=needless)).is_success


async def test_list_whose_first_read_was_cut_short_is_not_answered_from(databases: Databases, sealer: Sealer) -> None:
    async with open_operations(databases, sealer, size=SMALL) as opened:
        await opened.control.put("faults", json=[{"word": "500", "path": "/v3/applications"}])
        with pytest.raises(RetryLater):
            await opened.tenant.sync()
        assert (await call_synced(opened, "list_sources")).is_success
        outcome = await call_synced(opened, "list_applications")
        assert outcome.output["message"] == "the list applications is not in the store: no sync has come to its end"
        await opened.control.put("faults", json=[])
        assert (await opened.tenant.sync()).is_resumed
        assert await check(opened, "list_applications") != {"results": []}


async def test_what_changed_and_went_is_so_here_after_the_next_sync(databases: Databases, sealer: Sealer) -> None:
    async with open_operations(databases, sealer, size=SMALL) as opened:
        await opened.tenant.sync()
        education, option, person = (
            opened.read(stream)[0] for stream in ("candidate_educations", "custom_field_options", "candidates")
        )
        other = next(row["id"] for row in opened.read("candidates") if row["id"] != education["candidate_id"])
        for place, change in (
            (f"candidate_educations/{education['id']}", {"candidate_id": other}),
            (f"custom_field_options/{option['id']}", {"name": "Renamed"}),
            (f"candidates/{person['id']}", {"email_addresses": [{"value": "moved@example.com", "type": "work"}]}),
        ):
            (await opened.control.patch(f"rows/{place}", json=change)).raise_for_status()
        gone = opened.read("candidate_employments")[0]
        (await opened.control.delete(f"rows/candidate_employments/{gone['id']}")).raise_for_status()
        await opened.tenant.sync(full=True)
        for id in (education["candidate_id"], other, gone["candidate_id"]):
            await check(opened, "get_candidate", candidate_id=id)
        assert (await check(opened, "list_candidates", email="moved@example.com"))["results"][0]["id"] == person["id"]
        old = person["email_addresses"][0]["value"]
        assert person["id"] not in [row["id"] for row in (await check(opened, "list_candidates", email=old))["results"]]
        await check(opened, "list_job_custom_field_options_ddl", custom_field=option["custom_field_id"])


async def test_what_was_created_is_here_at_once(databases: Databases, sealer: Sealer) -> None:
    async with open_creating(databases, sealer, size=SMALL, seed=3) as creating:
        await creating.tenant.sync()
        company = Company(creating)
        person = await creating.make("create_candidate", company.make_full_candidate("Lovelace"))
        number = person["id"]
        more = {"candidate_id": number, "user_id": company.acting, "job_id": company.jobs[2]["id"]}
        await creating.make("create_candidate_application", more)
        live = await creating.make("get_candidate", {"candidate_id": number})
        creating.line.calls.clear()
        stored = await creating.make("get_candidate", {"candidate_id": number, "source": "synced"})
        assert stored == live
        assert len(stored["body"]["applications"]) == 3
        assert creating.line.calls == []


async def test_operation_that_writes_knows_no_source(operating: Operating) -> None:
    with pytest.raises(BadInput, match=r"extraneous key \[source\]"):
        await operating.operations.call(operating.connector, "create_prospect", {"source": "synced"})
