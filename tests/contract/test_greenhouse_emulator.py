"""The Greenhouse emulator answers lists as the vendor's documents say: pages, filters, refusals, limits."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from testbed.harvest import Row, connect_harvest, find_next, read_cursor, serve_harvest, walk
from unihire.integrations.greenhouse.emulator.resources import RESOURCES
from unihire.sandbox.runner import RunningSandbox

SIZE = 400
LISTED = [name for name in RESOURCES if name != "webhooks"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with serve_harvest(size=SIZE, seed=7) as running:
        yield running


@pytest.fixture(scope="module")
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with connect_harvest(sandbox) as connected:
        yield connected


def refuse(client: httpx.Client, resource: str, **query: Any) -> list[Any]:
    """The errors of the 422 that this request gets."""
    answer = client.get(f"/{resource}", params=query)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert set(body) == {"message", "errors"}
    assert body["message"] == "Unprocessable Content"
    errors: list[Any] = body["errors"]
    return errors


# Pages


@pytest.mark.parametrize("resource", LISTED)
def test_walk_of_a_list_is_whole_and_newest_id_first(
    sandbox: RunningSandbox, client: httpx.Client, resource: str
) -> None:
    rows = walk(client, resource, **({"show_service_accounts": "true"} if resource == "users" else {}))
    if resource == "rejection_reasons":
        rows = walk(client, resource, include_defaults="true")
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == sandbox.app.emulator.streams[resource].count()["rows"]


def test_page_has_a_hundred_rows_unless_told_otherwise(client: httpx.Client) -> None:
    assert len(client.get("/candidates").json()) == 100
    assert len(client.get("/candidates", params={"per_page": 3}).json()) == 3
    assert len(client.get("/applications", params={"per_page": 500}).json()) == 500


def test_cursor_carries_query_page_size_first_id_and_page(client: httpx.Client) -> None:
    first = client.get("/jobs", params={"per_page": 2, "status": "open"})
    url = find_next(first)
    assert url is not None
    cursor = read_cursor(url)
    second = client.get(url)
    assert cursor["query"] == {"per_page": 2, "status": "open"}
    assert (cursor["per_page"], cursor["page"]) == (2, 2)
    assert cursor["id"] == second.json()[0]["id"]
    assert int(cursor["original_request_id"], 16) >= 0
    third = read_cursor(str(find_next(second)))
    assert third["page"] == 3
    assert third["original_request_id"] == cursor["original_request_id"]


def test_last_page_has_no_link(client: httpx.Client) -> None:
    assert "link" not in client.get("/departments").headers
    exact = client.get("/departments", params={"per_page": len(client.get("/departments").json())})
    assert "link" not in exact.headers


def test_walk_sees_neither_gaps_nor_repeats_when_rows_are_added_and_deleted(sandbox: RunningSandbox) -> None:
    with connect_harvest(sandbox) as client:
        tags = sandbox.app.emulator.streams["candidate_tags"]
        before = [row["id"] for row in walk(client, "candidate_tags")]
        page = client.get("/candidate_tags", params={"per_page": 3})
        tags.create({"name": "new while walking"})
        tags.delete(before[4])
        seen = [row["id"] for row in page.json()]
        while url := find_next(page):
            page = client.get(url)
            seen.extend(row["id"] for row in page.json())
        assert seen == [one for one in before if one != before[4]]
        tags.reset()


def test_cursor_beside_anything_else_is_refused(client: httpx.Client) -> None:
    cursor = httpx.URL(str(find_next(client.get("/jobs", params={"per_page": 2})))).params["cursor"]
    assert client.get("/jobs", params={"cursor": cursor}).status_code == 200
    said = "When passing a cursor, do not include other query params."
    assert refuse(client, "jobs", cursor=cursor, per_page=2) == [said]


@pytest.mark.parametrize("cursor", ["", "x", "e30=", "eyJxdWVyeSI6e319"])
def test_cursor_of_our_own_making_is_refused(client: httpx.Client, cursor: str) -> None:
    assert len(refuse(client, "jobs", cursor=cursor)) == 1


def test_page_size_outside_its_bounds_is_refused(client: httpx.Client) -> None:
    assert refuse(client, "jobs", per_page=600) == [{"per_page": "`600` number is greater than: 500"}]
    assert refuse(client, "jobs", per_page=0) == [{"per_page": "`0` number is less than: 1"}]
    assert list(refuse(client, "jobs", per_page="many")[0]) == ["per_page"]


# Choosing


def test_ids_find_up_to_fifty_rows(client: httpx.Client) -> None:
    ids = [row["id"] for row in walk(client, "applications")]
    asked = ids[10:60]
    assert [row["id"] for row in walk(client, "applications", ids=",".join(map(str, asked)))] == asked
    assert refuse(client, "applications", ids=",".join(map(str, ids[:51])))
    assert refuse(client, "applications", ids="1,x")
    assert client.get("/applications", params={"ids": 1}).json() == []
    assert client.get("/applications?ids[]={}&ids[]={}".format(*ids[:2])).json() != []


def test_there_is_no_path_for_one_row(client: httpx.Client) -> None:
    number = client.get("/jobs").json()[0]["id"]
    answer = client.get(f"/jobs/{number}")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})


def test_fields_pick_columns(client: httpx.Client) -> None:
    rows = walk(client, "applications", fields="id,status")
    assert {tuple(row) for row in rows} == {("id", "status")}
    assert refuse(client, "applications", fields="id,nonsense")


def fit(row: Row, name: str, text: str) -> bool:
    value = row[name] if name in row else row[name.removesuffix("s")]
    if isinstance(value, list):
        return any(str(one["id"] if isinstance(one, dict) else one) in text.split(",") for one in value)
    if isinstance(value, bool):
        return str(value).lower() == text
    return str(value) in text.split(",")


FIELD_OF = {
    ("jobs", "office_id"): "office_ids",
    ("users", "interviewer_tag_ids"): "interviewer_tags",
    ("users", "employee_ids"): "employee_id",
}
APART = {
    "current_only",
    "show_service_accounts",
    "include_defaults",
    "external_office_id",
    "external_department_id",
} | {
    "custom_field_option_id",
    "custom_field_key",
    "tag",
    "email",
}


def list_plain_filters() -> Iterator[tuple[str, str]]:
    for name, declared in RESOURCES.items():
        for word in declared.filters.split():
            filter_ = word.partition(":")[0].partition("=")[0]
            if filter_ not in APART and not word.endswith((":moment", ":date")):
                yield name, filter_


@pytest.mark.parametrize(("name", "filter_"), list(list_plain_filters()))
def test_filter_finds_exactly_the_rows_that_fit(
    all_rows: dict[str, list[Row]], client: httpx.Client, name: str, filter_: str
) -> None:
    rows = all_rows[name]
    field = FIELD_OF.get((name, filter_), filter_)
    values = [row.get(field, row.get(field.removesuffix("s"))) for row in rows]
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    texts = sorted(
        {
            str(one["id"] if isinstance(one, dict) else one).replace("True", "true").replace("False", "false")
            for one in flat
            if one is not None
        }
    )
    picked = [texts[len(texts) // 2]] if texts else ["1"]
    if filter_.endswith("_ids"):
        picked.append(",".join(texts[:50]) or "2")
    for text in picked:
        if (name, filter_, text) == ("applications", "status", "in_process"):
            text = "converted"
        expected = [row["id"] for row in rows if fit(row, field, text)]
        if (name, filter_) == ("approval_flows", "job_ids"):
            wanted = {row["id"] for row in rows if row["approval_type"] != "offer_candidate"}
            expected = [one for one in expected if one in wanted]
        assert [row["id"] for row in walk(client, name, per_page=97, **{filter_: text})] == expected


@pytest.fixture(scope="module")
def all_rows(client: httpx.Client) -> dict[str, list[Row]]:
    return {name: walk(client, name) if name != "webhooks" else [] for name in RESOURCES}


def test_filters_with_meanings_of_their_own(all_rows: dict[str, list[Row]], client: httpx.Client) -> None:
    def find(name: str, **query: Any) -> list[int]:
        return [row["id"] for row in walk(client, name, **query)]

    applications, candidates, users = (all_rows[name] for name in ("applications", "candidates", "users"))
    active = [row["id"] for row in applications if row["status"] == "in_process"]
    assert find("applications", status="active") == active != []
    assert refuse(client, "applications", status="in_process")
    one = candidates[3]
    assert find("candidates", email=one["email_addresses"][0]["value"].upper()) == [one["id"]]
    two = next(row for row in candidates if len(row["email_addresses"]) > 1)
    assert find("candidates", email=two["email_addresses"][1]["value"]) == [two["id"]]
    assert find("candidates", tag="2026-grad") == [row["id"] for row in candidates if "2026-grad" in row["tags"]] != []
    offers = all_rows["offers"]
    latest = {row["application_id"]: row["id"] for row in reversed(offers)}
    assert sorted(find("offers", current_only="true")) == sorted(latest.values())
    assert len(latest) < len(offers)
    assert len(find("users", show_service_accounts="true")) == len(users) + 1
    assert len(find("rejection_reasons", include_defaults="true")) == len(all_rows["rejection_reasons"]) + 2
    schools = find("custom_field_options", custom_field_key="school_name")
    assert schools
    assert set(schools) < {row["id"] for row in all_rows["custom_field_options"]}
    office = next(row for row in all_rows["offices"] if row["external_id"] == "office-3")
    assert find("users", external_office_id="office-3") == [
        row["id"] for row in users if office["id"] in row["office_ids"]
    ]
    assert find("job_hiring_managers", job_ids="1") == []


@pytest.mark.parametrize(
    ("name", "field_type", "key", "holder"),
    [
        ("candidates", "candidate", "languages", "custom_fields"),
        ("applications", "application", "work_permit", "custom_fields"),
        ("users", "user_attribute", "site", "custom_fields"),
        ("rejection_details", "rejection_question", "other_job", "question_custom_fields"),
    ],
)
def test_rows_are_found_by_the_option_of_a_custom_field(
    client: httpx.Client, name: str, field_type: str, key: str, holder: str
) -> None:
    (field,) = walk(client, "custom_fields", field_type=field_type, name_key=key)
    option = walk(client, "custom_field_options", custom_field_ids=field["id"])[0]
    found = walk(client, name, custom_field_option_id=option["id"])
    assert found
    for row in found:
        value = row[holder][key]["value"]
        assert option["name"] in (value if isinstance(value, list) else [value])


# Times


@pytest.mark.parametrize("name", ["candidates", "applications", "application_stages", "interviews", "jobs", "users"])
@pytest.mark.parametrize("field", ["created_at", "updated_at"])
def test_time_filters_in_both_spellings_find_exactly_the_rows_that_fit(
    all_rows: dict[str, list[Row]], client: httpx.Client, name: str, field: str
) -> None:
    rows = all_rows[name]
    moment = sorted(row[field] for row in rows)[len(rows) * 3 // 4]
    later = sorted(row[field] for row in rows)[len(rows) * 7 // 8]
    cases = {
        f"gte|{moment}": [row["id"] for row in rows if row[field] >= moment],
        f"gt|{moment}": [row["id"] for row in rows if row[field] > moment],
        f"lte|{moment}": [row["id"] for row in rows if row[field] <= moment],
        f"lt|{moment}": [row["id"] for row in rows if row[field] < moment],
        f"gte|{moment}|lt|{later}": [row["id"] for row in rows if moment <= row[field] < later],
    }
    for text, expected in cases.items():
        assert [row["id"] for row in walk(client, name, per_page=60, **{field: text})] == expected
    spelt = {f"{field}[gte]": moment, f"{field}[lt]": later}
    assert [row["id"] for row in walk(client, name, per_page=60, **spelt)] == cases[f"gte|{moment}|lt|{later}"]


@pytest.mark.parametrize("name", [name for name in LISTED if RESOURCES[name].has_times and name != "bulk_requests"])
def test_no_list_loses_rows_in_a_window_of_time(
    all_rows: dict[str, list[Row]], client: httpx.Client, name: str
) -> None:
    rows = all_rows[name]
    for field in ("created_at", "updated_at"):
        moments = sorted(row[field] for row in rows)
        late, early = moments[len(rows) * 4 // 5], moments[len(rows) // 5]
        found = [row["id"] for row in walk(client, name, **{field: f"gte|{late}"})]
        assert found == [row["id"] for row in rows if row[field] >= late]
        found = [row["id"] for row in walk(client, name, **{field: f"lte|{early}"})]
        assert found == [row["id"] for row in rows if row[field] <= early]


def test_offsets_and_unescaped_plus_signs_mean_the_same_moment(client: httpx.Client) -> None:
    utc = walk(client, "applications", updated_at="gte|2026-01-01T00:00:00Z")
    assert walk(client, "applications", updated_at="gte|2026-01-01T01:00:00+01:00") == utc
    bare = client.get("/applications?per_page=500&updated_at=gte|2026-01-01T01:00:00+01:00")
    assert bare.json() == utc[:500]


@pytest.mark.parametrize("name", ["sent_on", "starts_on"])
def test_date_filters_take_dates(all_rows: dict[str, list[Row]], client: httpx.Client, name: str) -> None:
    rows = all_rows["offers"]
    day = sorted(row[name] for row in rows if row[name])[len(rows) // 3]
    found = walk(client, "offers", **{name: f"gte|{day}"})
    assert [row["id"] for row in found] == [row["id"] for row in rows if row[name] and row[name] >= day]
    assert refuse(client, "offers", **{name: "gte|2026-13-01"})


@pytest.mark.parametrize(
    "text", ["gte|2026-01-01", "2026-01-01T00:00:00Z", "from|2026-01-01T00:00:00Z", "gte|", "gte|2026-02-30T00:00:00Z"]
)
def test_time_filters_refuse_what_is_no_comparison_with_a_moment(client: httpx.Client, text: str) -> None:
    assert list(refuse(client, "applications", updated_at=text)[0]) == ["updated_at"]


def test_created_and_updated_are_not_asked_together(client: httpx.Client) -> None:
    moment = "gte|2026-01-01T00:00:00Z"
    assert refuse(client, "applications", created_at=moment, updated_at=moment)


def test_what_has_no_times_has_no_time_filter() -> None:
    with (
        serve_harvest(size=100, options={"unknown_parameters": "refuse"}) as sandbox,
        connect_harvest(sandbox) as client,
    ):
        assert refuse(client, "demographic_questions", updated_at="gte|2026-01-01T00:00:00Z")
        assert refuse(client, "jobs", colour="red") == [{"colour": "is not a parameter of this list"}]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("applications", {"prospect": "yes"}),
        ("approvers", {"status": "late"}),
        ("jobs", {"department_id": "x"}),
        ("applications", {"job_ids": ",".join(["1"] * 51)}),
    ],
)
def test_values_of_the_wrong_kind_are_refused(client: httpx.Client, name: str, query: Row) -> None:
    assert list(refuse(client, name, **query)[0]) == list(query)


# Refusals and limits


def test_unknown_paths_are_not_found_even_without_a_token(sandbox: RunningSandbox) -> None:
    answer = httpx.get(f"{sandbox.ready.base_url}/v3/nonsense")
    assert (answer.status_code, answer.json()) == (404, {"message": "Resource not found"})
    assert httpx.get(f"{sandbox.ready.base_url}/v1/candidates").status_code == 404


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}])
def test_missing_or_bad_token_is_unauthorized(sandbox: RunningSandbox, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{sandbox.ready.base_url}/v3/jobs", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized"
    assert answer.json()["errors"][0].startswith("Token could not be decoded.")


def test_missing_scope_is_forbidden_and_named() -> None:
    options = {"without_scopes": "offers:list, notes:create"}
    with serve_harvest(size=100, options=options) as sandbox, connect_harvest(sandbox) as client:
        answer = client.get("/offers")
        assert answer.status_code == 403
        assert answer.json() == {
            "message": "Forbidden",
            "errors": ["Missing required permission: harvest:offers:list"],
        }
        assert client.get("/notes").status_code == 200
    with serve_harvest(size=100) as sandbox, connect_harvest(sandbox, scope="harvest:jobs:list") as client:
        assert client.get("/jobs").status_code == 200
        assert client.get("/offers").status_code == 403


def test_lists_need_a_site_admin(sandbox: RunningSandbox, client: httpx.Client) -> None:
    users = walk(client, "users")
    for is_admin, status in ((True, 200), (False, 403)):
        user = next(row["id"] for row in users if row["site_admin"] is is_admin)
        with connect_harvest(sandbox, sub=str(user)) as connected:
            assert connected.get("/jobs").status_code == status


def test_window_of_thirty_seconds_is_enforced_and_told() -> None:
    options = {"rate_limit": "5"}
    with serve_harvest(size=100, options=options) as sandbox, connect_harvest(sandbox) as client:
        clock = sandbox.app.clock
        clock.set(datetime(2027, 1, 1, 12, 0, 1, tzinfo=UTC))
        with connect_harvest(sandbox) as client:
            answers = [client.get("/jobs") for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429]
            assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
            refused = answers[-1]
            assert refused.headers["x-ratelimit-limit"] == "5"
            end = datetime(2027, 1, 1, 12, 0, 30, tzinfo=UTC).timestamp()
            assert int(refused.headers["x-ratelimit-reset"]) == end
            assert 20 < int(refused.headers["retry-after"]) <= 29
            clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
            assert client.get("/jobs").status_code == 200
            assert client.get("/nonsense").headers["x-ratelimit-remaining"] == "3"


def test_limit_is_a_hundred_and_fifty_unless_told_otherwise() -> None:
    with serve_harvest(size=100, options={"rate_limit": "150"}) as sandbox, connect_harvest(sandbox) as client:
        assert client.get("/jobs").headers["x-ratelimit-limit"] == "150"


# Links and files


def test_links_begin_with_the_host_of_the_request_or_the_setting(client: httpx.Client) -> None:
    row = client.get("/attachments").json()[0]
    assert row["url"].startswith(str(client.base_url).removesuffix("/v3/") + "/files/")
    file = httpx.get(row["url"])
    assert (file.status_code, file.headers["content-type"]) == (200, "application/pdf")
    assert file.content.startswith(b"%PDF")
    options = {"public_url": "https://ats.example.com/"}
    with serve_harvest(size=100, options=options) as other, connect_harvest(other) as connected:
        page = connected.get("/attachments", params={"per_page": 1})
        assert page.json()[0]["url"].startswith("https://ats.example.com/files/")
        assert str(find_next(page)).startswith("https://ats.example.com/v3/attachments?cursor=")


# Faults and size


def test_faults_strike_as_the_vendor_would() -> None:
    with serve_harvest(size=100) as sandbox, connect_harvest(sandbox) as client:
        control = sandbox.ready.control_url

        def set_fault(word: str, **settings: Any) -> None:
            httpx.put(f"{control}faults", json=[{"word": word, **settings}]).raise_for_status()

        set_fault("429", next=1)
        answer = client.get("/jobs")
        assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests"})
        assert answer.headers["retry-after"]
        set_fault("500", next=1)
        assert client.get("/jobs").status_code == 500
        set_fault("self-next", next=2)
        url = find_next(client.get("/departments"))
        assert url is not None
        assert find_next(client.get(url)) is not None
        set_fault("empty-page", next=1)
        url = find_next(client.get("/departments"))
        assert url is not None
        assert client.get(url).json() == []
        set_fault("update-row", next=1)
        changed = client.get("/departments").json()
        assert sum(row["name"].startswith("Changed") for row in changed) == 1
        set_fault("delete-row", next=1)
        assert len(client.get("/departments").json()) == len(changed) - 1
        set_fault("expired-token", next=1)
        assert client.get("/jobs").status_code == 401


def test_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    pages = []
    for seed in (3, 3, 4):
        with serve_harvest(size=150, seed=seed) as sandbox, connect_harvest(sandbox) as client:
            pages.append([client.get(f"/{name}", params={"per_page": 50}).content for name in LISTED])
    without_links = [[page.replace(b"http", b"") for page in pages[index]] for index in range(3)]
    plain = [LISTED.index(name) for name in LISTED if name not in ("attachments", "job_posts")]
    assert [without_links[0][place] for place in plain] == [without_links[1][place] for place in plain]
    assert without_links[0] != without_links[2]


def test_a_million_candidates_start_at_once_and_stay_small() -> None:
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serve_harvest(size=1_000_000) as sandbox, connect_harvest(sandbox) as client:
        page = client.get("/applications", params={"per_page": 500})
        for _ in range(3):
            page = client.get(str(find_next(page)))
        assert len(page.json()) == 500
        oldest = client.get("/candidates", params={"created_at": "lt|2022-07-01T12:00:00Z"}).json()
        assert oldest[-1]["id"] == min(row["id"] for row in oldest)
        recent = client.get("/interviews", params={"updated_at": "gte|2026-06-30T00:00:00Z", "per_page": 500})
        assert len(recent.json()) == 500
        some = client.get("/applications", params={"candidate_ids": oldest[0]["id"]}).json()
        assert {row["candidate_id"] for row in some} == {oldest[0]["id"]}
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert used < 60_000 * (1024 if sys.platform == "darwin" else 1)
    assert time.perf_counter() - began < 10


def test_extra_fields_off_takes_from_each_list_what_its_schema_lacks_and_nothing_else() -> None:
    with serve_harvest(size=100, options={"extra_fields": "off"}) as sandbox, connect_harvest(sandbox) as client:
        lacking = find_schema_differences(client)
        assert lacking == {}
        refuse(client, "applications", fields="job_interview_stage_id")
        stages = client.get("/job_interviews", params={"fields": "job_interview_stage_id"}).json()
        assert all(row["job_interview_stage_id"] for row in stages)
    with serve_harvest(size=100) as sandbox, connect_harvest(sandbox) as client:
        assert find_schema_differences(client) == {"applications": {"job_interview_stage_id"}}


def find_schema_differences(client: httpx.Client) -> dict[str, set[str]]:
    """Stream → the fields that its rows have and the schema lacks, or the other way round."""
    schemas = json.loads((Path(__file__).parent / "test_greenhouse_emulator_schema.json").read_text(encoding="utf-8"))
    found = {}
    for stream, fields in schemas.items():
        rows = client.get(f"/{stream}").raise_for_status().json() if stream != "webhooks" else []
        names = {name for row in rows for name in row}
        documented = {name.partition(".")[0].partition("[")[0] for name in fields}
        if rows and names != documented:
            found[stream] = names ^ documented
    return found


def test_odd_row_fits_no_filter_and_breaks_none(client: httpx.Client, sandbox: RunningSandbox) -> None:
    one, other = client.get("/candidates", params={"per_page": 2}).json()
    control = sandbox.ready.control_url
    try:
        for value in (None, [None], [{"value": None}], 7, ["a@x"], [{"type": "work"}]):
            address = [{"value": "only.here@example.com", "type": "work"}]
            for row, given in ((one, value), (other, address)):
                answer = httpx.patch(f"{control}rows/candidates/{row['id']}", json={"email_addresses": given})
                answer.raise_for_status()
            found = client.get("/candidates", params={"email": "only.here@example.com"}).raise_for_status().json()
            assert [row["id"] for row in found] == [other["id"]]
            sent = client.get("/candidates", params={"ids": one["id"]}).raise_for_status().json()
            assert sent[0]["email_addresses"] == value
    finally:
        httpx.post(f"{control}reset").raise_for_status()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0488-07-30T14:11:11Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("stream", ["users", "candidates", "applications", "jobs"])
def test_window_from_or_to_any_year_is_answered(sandbox: RunningSandbox, stream: str, moment: str) -> None:
    with connect_harvest(sandbox) as client:  # a reset has ended the tokens of others
        whole = len(walk(client, stream))
        for by in ("gte", "lt"):
            found = len(walk(client, stream, updated_at=f"{by}|{moment}"))
            is_all = (by == "gte") == (moment < "9")
            assert found == (whole if is_all else 0), by
        refused = client.get(f"/{stream}", params={"updated_at": "gte|0001-01-01T00:00:00+14:00"})
    assert refused.status_code == 422
