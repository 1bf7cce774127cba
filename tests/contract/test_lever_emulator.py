"""The Lever emulator: keys, tokens, limits, lists and their order, filters, single rows, deletions."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import msgspec
import pytest

from testbed.lever_line import LeverLine, LeverRefusal, list_ids, open_lever, sign_lever
from unihire.integration.emulate import Credentials, Request
from unihire.sandbox.faults import PAGING
from unihire.sandbox.runner import build_sandbox

NOTHING = "00000000-0000-4000-8000-000000000000"
LISTS = (
    "/opportunities", "/archive_reasons", "/stages", "/tags", "/sources", "/users", "/postings", "/requisitions",
    "/feedback_templates", "/form_templates",
)  # fmt: skip
CHILDREN = (
    "applications", "notes", "feedback", "interviews", "panels", "offers", "referrals", "forms", "files",
    "file_actions", "resumes",
)  # fmt: skip
WITHOUT_SINGLES = ("offers", "file_actions")
ALL = {"confidentiality": "all"}


@pytest.fixture(scope="module")
def served() -> LeverLine:
    return open_lever()


@pytest.fixture
def line(served: LeverLine) -> LeverLine:
    served.reset()
    return served


# Keys and tokens


def test_key_is_missing_wrong_or_switched_off(line: LeverLine) -> None:
    for authorization in ("Bearer x", "Basic !!", sign_lever("wrong"), sign_lever(""), "x"):
        answer = LeverLine(line.app, authorization).send("GET", "/stages")
        assert answer.status == 401
        assert msgspec.json.decode(answer.body) == {
            "code": "UnauthorizedError",
            "message": "The request requires authentication.",
        }
    line.control("PATCH", "rows/api_keys/1", {"isEnabled": False})
    assert line.send("GET", "/stages").status == 401


def test_key_of_ones_own_is_the_client_secret() -> None:
    app = build_sandbox("lever", size=100, credentials=Credentials("mine", "my key"))
    assert LeverLine(app).with_key("my key").get("/stages")


def test_missing_permission_is_a_403(line: LeverLine) -> None:
    line.control("POST", "rows/api_keys", {"key": "narrow", "permissions": ["stages:read:admin"]})
    narrow = line.with_key("narrow")
    assert narrow.get("/stages")
    with pytest.raises(LeverRefusal, match="403"):
        narrow.get("/users")
    with pytest.raises(LeverRefusal, match="403"):
        line.with_key(line.keys["read_only_key"]).act("PUT", f"/opportunities/{NOTHING}/stage", {"stage": "offer"})
    with pytest.raises(LeverRefusal, match="403"):
        open_lever(without_permissions="stages:read:admin").get("/stages")


def test_app_gets_a_code_then_a_token_of_an_hour_and_a_refresh_token_that_works_once(line: LeverLine) -> None:
    own, emulator = line.app.emulator.credentials, line.app.emulator
    query = {
        "client_id": own.client_id, "redirect_uri": "https://app.example.com/back", "response_type": "code",
        "state": "s", "audience": "https://api.lever.co/v1/", "scope": "stages:read:admin offline_access",
    }  # fmt: skip

    def authorize(**others: str) -> dict[str, list[str]]:
        answer = emulator.answer(
            Request("GET", "/authorize", list((query | others).items()), {}, b"", "http://sandbox")
        )
        assert answer.status == 302
        return parse_qs(urlsplit(dict(answer.headers)["location"]).query)

    def exchange(**form: str) -> tuple[int, Any]:
        body = urlencode({"client_id": own.client_id, "client_secret": own.client_secret, **form}).encode()
        answer = emulator.answer(Request("POST", "/oauth/token", (), {}, body, "http://sandbox"))
        return answer.status, msgspec.json.decode(answer.body)

    assert authorize(audience="another")["error"] == ["access_denied"]
    for wrong in ({"client_id": "x"}, {"redirect_uri": "https://app.example.com/\r\nx: y"}):
        asked = Request("GET", "/authorize", list((query | wrong).items()), {}, b"", "http://sandbox")
        assert emulator.answer(asked).status == 400
    found = authorize()
    assert found["state"] == ["s"]
    code = {"grant_type": "authorization_code", "code": found["code"][0], "redirect_uri": query["redirect_uri"]}
    assert exchange(**code, client_secret="wrong")[0] == 401
    status, token = exchange(**code)
    assert (status, token["expires_in"], token["token_type"]) == (200, 3600, "Bearer")
    assert exchange(**code)[0] == 403
    app = LeverLine(line.app, f"Bearer {token['access_token']}")
    assert app.get("/stages")
    with pytest.raises(LeverRefusal, match="403"):
        app.get("/users")
    line.app.clock.advance(timedelta(seconds=3601))
    with pytest.raises(LeverRefusal, match="401"):
        app.get("/stages")
    refresh = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    status, again = exchange(**refresh)
    assert status == 200
    assert LeverLine(line.app, f"Bearer {again['access_token']}").get("/stages")
    assert exchange(**refresh)[0] == 403
    emulator.expire_tokens()
    with pytest.raises(LeverRefusal, match="401"):
        LeverLine(line.app, f"Bearer {again['access_token']}").get("/stages")


def test_calls_are_limited_by_a_bucket_of_each_key_without_headers() -> None:
    line = open_lever(rate_limit="10", burst="20")
    statuses = [line.send("GET", "/stages").status for _ in range(40)]
    assert statuses[:20] == [200] * 20
    assert statuses.count(429) > 10
    answer = next(one for one in (line.send("GET", "/stages") for _ in range(40)) if one.status == 429)
    assert {name for name, _ in answer.headers} == {"server"}
    assert line.with_key(line.keys["read_only_key"]).send("GET", "/stages").status == 200
    line.app.clock.advance(timedelta(seconds=1))
    assert [line.send("GET", "/stages").status for _ in range(10)] == [200] * 10


# Lists


@pytest.mark.parametrize("path", LISTS)
def test_pages_of_any_size_give_every_row_once(line: LeverLine, path: str) -> None:
    query = ALL if path in ("/opportunities", "/postings", "/requisitions") else {}
    large, small = line.walk(path, **query), line.walk(path, limit=3, **query)
    assert large == small
    names = [str(row.get("id", row.get("text"))) for row in large]
    assert len(set(names)) == len(names) > 0


def test_every_candidate_of_the_company_is_the_contact_of_an_opportunity(line: LeverLine) -> None:
    rows = line.walk("/opportunities", **ALL)
    assert len({row["contact"] for row in rows}) == line.control("GET", "streams")["contacts"]["rows"] == 100
    assert all(len(row["applications"]) <= 1 for row in rows)
    assert any(not row["applications"] for row in rows)


def test_opportunities_come_by_stage_and_then_the_last_that_advanced_first(line: LeverLine) -> None:
    stages = list_ids(line.get("/stages"))
    moved = line.walk("/opportunities", **ALL)[-1]["id"]
    line.act("PUT", f"/opportunities/{moved}/stage", {"stage": stages[0]})
    rows = line.walk("/opportunities", limit=7, **ALL)
    places = [(stages.index(row["stage"]), -row["lastAdvancedAt"]) for row in rows]
    assert places == sorted(places)
    assert rows[0]["id"] == moved
    assert len(set(list_ids(rows))) == len(rows)


def test_token_names_the_next_row_and_may_be_encoded_again(line: LeverLine) -> None:
    rows = line.walk("/opportunities", **ALL)
    token = line.ask_whole("GET", "/opportunities", limit=5, **ALL)["next"]
    place = msgspec.json.decode(unquote(token))
    assert place[1:] == [rows[5]["lastAdvancedAt"], rows[5]["id"]]
    for text in (token, unquote(token), urlencode({"": token})[1:]):
        assert line.get("/opportunities", limit=5, offset=text, **ALL) == rows[5:10]


@pytest.mark.parametrize("path", ["/opportunities", "/users"])
def test_wrong_token_or_limit_is_refused(line: LeverLine, path: str) -> None:
    for offset in ("x", "[1]", "[1,2", "%5B1%5D", '{"a":1}', "[" * 3000):
        with pytest.raises(LeverRefusal, match="400 BadRequestError: Invalid offset token"):
            line.get(path, offset=offset)
    for limit in ("0", "101", "x", "-1", "1.5"):
        with pytest.raises(LeverRefusal, match="at /limit"):
            line.get(path, limit=limit)


def test_token_of_no_row_is_a_page_like_any_other(line: LeverLine) -> None:
    id_ = line.get("/opportunities")[0]["id"]
    for path in ("/opportunities", "/users", "/stages", "/eeo/responses/pii", f"/opportunities/{id_}/notes"):
        for token in (
            f'[1{"0" * 300},0,"{id_}"]',
            f'[-1,-1,"{id_}"]',
            '[0.5,null,"x"]',
            '[null,[],""]',
            '[5,1e300,"x"]',
        ):
            assert line.send("GET", path, query={"offset": token}).status == 200, token


def test_a_slash_at_the_end_and_the_old_name_of_opportunities_are_taken(line: LeverLine) -> None:
    row = line.get("/opportunities/")[0]
    assert line.get(f"/candidates/{row['id']}") == line.get(f"/opportunities/{row['id']}/") == row
    assert line.app.emulator.find_stream("/opportunities") == "opportunities"
    assert line.app.emulator.find_stream("/v1/users") == "users"
    assert line.app.emulator.find_stream("/v1/nothing") is None


def test_unknown_paths_and_unanswered_ones_are_404(line: LeverLine) -> None:
    for method, path, text in (
        ("GET", "/nothing", "does not exist"),
        ("POST", "/stages", "does not exist"),
        ("GET", "/audit_events", "none of our models"),
        ("GET", f"/surveys/diversity/{NOTHING}", "none of our models"),
        ("GET", f"/postings/{NOTHING}/users", "not documented"),
        ("GET", f"/stages/{NOTHING}", f"stages {NOTHING} was not found"),
        ("GET", f"/opportunities/{NOTHING}/notes", f"opportunities {NOTHING} was not found"),
    ):
        with pytest.raises(LeverRefusal, match=f"404 ResourceNotFound: .*{text}"):
            line.ask_whole(method, path)


def test_single_rows_are_as_their_lists_have_them(line: LeverLine) -> None:
    for path in LISTS:
        for row in line.get(path)[:3]:
            if "id" in row:
                assert line.get(f"{path}/{row['id']}") == row
    for row in line.get("/requisition_fields"):
        assert line.get(f"/requisition_fields/{row['id']}") == row


def test_what_belongs_to_an_opportunity_is_listed_and_found_there_alone(line: LeverLine) -> None:
    met = dict.fromkeys(CHILDREN, 0)
    rows = line.walk("/opportunities", **ALL)
    for row, other in pairwise(rows[::3]):
        for kind in CHILDREN:
            for child in line.get(f"/opportunities/{row['id']}/{kind}"):
                met[kind] += 1
                if kind not in WITHOUT_SINGLES and met[kind] < 5:
                    assert line.get(f"/opportunities/{row['id']}/{kind}/{child['id']}") == child
                    assert line.send("GET", f"/opportunities/{other['id']}/{kind}/{child['id']}").status == 404
        contact = line.get(f"/contacts/{row['contact']}")
        assert (contact["name"], contact["emails"], contact["location"]["name"]) == (
            row["name"], row["emails"], row["location"],
        )  # fmt: skip
    assert min(met.values()) > 0, met


def test_feedback_is_of_several_kinds_and_may_be_deleted(line: LeverLine) -> None:
    rows = [row for _, row in line.app.emulator.streams["feedback"].walk_latest()]  # type: ignore[attr-defined]
    assert {row["type"] for row in rows} == {"interview", "assignment", "share"}
    assert any(row["deletedAt"] for row in rows)
    assert all((row["interview"] is None) == (row["type"] != "interview") for row in rows)


def test_interviews_panels_and_feedback_name_each_other(line: LeverLine) -> None:
    for row in line.walk("/opportunities", **ALL)[::5]:
        of = f"/opportunities/{row['id']}"
        interviews, feedback = line.get(f"{of}/interviews"), line.get(f"{of}/feedback")
        for panel in line.get(f"{of}/panels"):
            own = [one for one in interviews if one["panel"] == panel["id"]]
            assert list_ids(panel["interviews"]) == list_ids(own)
            assert panel["start"] == min(one["date"] for one in own)
            assert panel["end"] == max(one["date"] + one["duration"] * 60_000 for one in own)
        for interview in interviews:
            forms = [one["id"] for one in feedback if one["interview"] == interview["id"]]
            assert interview["feedbackForms"] == forms
            user = line.get(f"/users/{interview['interviewers'][0]['id']}")
            assert interview["interviewers"][0]["email"] == user["email"]


def test_made_up_rows_agree_with_each_other(line: LeverLine) -> None:
    reasons = {row["id"]: row["type"] for row in line.get("/archive_reasons")}
    hires: dict[str, int] = {}
    for row in line.walk("/opportunities", **ALL):
        path = f"/opportunities/{row['id']}"
        assert row["stageChanges"][-1]["toStageId"] == row["stage"]
        assert row["stageChanges"][-1]["updatedAt"] == row["lastAdvancedAt"] <= row["lastInteractionAt"]
        assert row["createdAt"] <= row["lastAdvancedAt"]
        interviews = {one["id"]: one for one in line.get(f"{path}/interviews")}
        for form in line.get(f"{path}/feedback"):
            if form["interview"] is not None:
                assert form["user"] in [one["id"] for one in interviews[form["interview"]]["interviewers"]]
        is_hired = row["archived"] is not None and reasons[row["archived"]["reason"]] == "hired"
        if is_hired:
            assert [one["status"] for one in line.get(f"{path}/offers")] == ["signed"]
        for application in line.get(f"{path}/applications"):
            assert application["archived"] == row["archived"]
            assert (application["requisitionForHire"] is not None) == is_hired
            if is_hired:
                id_ = application["requisitionForHire"]["id"]
                hires[id_] = hires.get(id_, 0) + 1
    requisitions = line.walk("/requisitions", **ALL)
    assert {row["id"]: row["headcountHired"] for row in requisitions if row["headcountHired"]} == hires != {}


def test_rows_go_by_the_seed(line: LeverLine) -> None:
    rows = line.walk("/opportunities", **ALL)
    assert open_lever(seed=4).walk("/opportunities", **ALL) == rows
    assert open_lever(seed=5).walk("/opportunities", **ALL) != rows


def test_expand_puts_rows_in_place_of_ids(line: LeverLine) -> None:
    row = next(
        row for row in line.get("/opportunities", posting_id="") + line.walk("/opportunities") if row["applications"]
    )
    many = line.get(
        f"/opportunities/{row['id']}", **{"expand[]": ["applications", "contact", "stage"], "expand": "owner"}
    )
    assert many["applications"][0]["opportunityId"] == row["id"]
    assert many["contact"] == line.get(f"/contacts/{row['contact']}")
    assert many["stage"] == {"id": row["stage"], "text": many["stage"]["text"]}
    assert many["owner"]["id"] == row["owner"]
    application = line.get(f"/opportunities/{row['id']}/applications", expand="posting")[0]
    assert application["posting"]["id"] == many["applications"][0]["posting"]
    assert application["candidateId"] == row["id"]


def test_include_names_what_comes_and_adds_content_where_documents_say_so(line: LeverLine) -> None:
    template = line.get("/form_templates", include="text")[0]
    assert set(template) == {"id", "text"}
    assert "content" in line.get("/postings")[0]
    documented = open_lever(include="documented")
    assert "content" not in documented.get("/postings")[0]
    assert "content" in documented.get("/postings", include="content")[0]
    assert "followers" not in documented.get("/opportunities")[0]


# Filters


def test_what_is_confidential_is_asked_for_and_seen_by_some_keys_alone(line: LeverLine) -> None:
    plain = line.with_key(line.keys["plain_key"])
    for path in ("/opportunities", "/postings", "/requisitions"):
        seen = line.walk(path)
        hidden = line.walk(path, confidentiality="confidential")
        assert hidden
        assert {row["confidentiality"] for row in seen} == {"non-confidential"}
        assert len(line.walk(path, **ALL)) == len(seen) + len(hidden)
        assert list_ids(plain.walk(path, **ALL)) == list_ids(seen)
        with pytest.raises(LeverRefusal, match="403"):
            plain.get(f"{path}/{hidden[0]['id']}")


def test_filters_by_update_leave_out_rows_without_one(line: LeverLine) -> None:
    rows = line.walk("/opportunities", **ALL)
    without = [row for row in rows if row["updatedAt"] is None]
    assert 0 < len(without) < len(rows)
    found = line.walk("/opportunities", updated_at_start=0, limit=20, **ALL)
    assert list_ids(found) == [row["id"] for row in rows if row["updatedAt"] is not None]
    middle = sorted(row["updatedAt"] for row in found)[len(found) // 2]
    later = line.walk("/opportunities", updated_at_start=middle, **ALL)
    earlier = line.walk("/opportunities", updated_at_end=middle, **ALL)
    assert {row["updatedAt"] >= middle for row in later} == {True}
    assert len(later) + len(earlier) == len(found) + 1


@pytest.mark.parametrize("name", ["created_at", "advanced_at", "archived_at"])
def test_times_of_opportunities_are_filtered_by_both_ends(line: LeverLine, name: str) -> None:
    member = {"created_at": "createdAt", "advanced_at": "lastAdvancedAt"}.get(name, "archivedAt")
    rows = [row for row in line.walk("/opportunities", **ALL) if name != "archived_at" or row["archived"]]
    times = sorted((row["archived"] if name == "archived_at" else row)[member] for row in rows)
    least, most = times[3], times[-4]
    found = line.walk("/opportunities", limit=9, **{f"{name}_start": least, f"{name}_end": most}, **ALL)
    assert len(found) == sum(least <= at <= most for at in times)


def test_opportunities_are_filtered_by_what_they_have(line: LeverLine) -> None:
    rows = line.walk("/opportunities", **ALL)
    applications = {row["id"]: line.get(f"/opportunities/{row['id']}/applications") for row in rows}
    posting = next(found[0]["posting"] for found in applications.values() if found)
    one = next(row for row in rows if row["tags"] and row["sources"] and row["emails"])
    reason = next(row["archived"]["reason"] for row in rows if row["archived"])

    def is_for_posting(row: dict[str, Any]) -> bool:
        return any(own["posting"] == posting for own in applications[row["id"]])

    checks: dict[str, tuple[Any, Any]] = {
        "tag": (one["tags"][0], lambda row: one["tags"][0] in row["tags"]),
        "source": (one["sources"][0], lambda row: one["sources"][0] in row["sources"]),
        "origin": (["agency", "referred"], lambda row: row["origin"] in ("agency", "referred")),
        "stage_id": (one["stage"], lambda row: row["stage"] == one["stage"]),
        "contact_id": (one["contact"], lambda row: row["contact"] == one["contact"]),
        "email": (one["emails"][0].upper(), lambda row: one["emails"][0] in row["emails"]),
        "archived": ("True", lambda row: row["archived"] is not None),
        "archive_reason_id": (reason, lambda row: row["archived"] is not None and row["archived"]["reason"] == reason),
        "location": ("Madrid", lambda row: row.get("opportunityLocation") == "Madrid"),
        "posting_id": (posting, lambda row: row["archived"] is None and is_for_posting(row)),
        "archived_posting_id": (posting, lambda row: row["archived"] is not None and is_for_posting(row)),
    }  # fmt: skip
    for name, (value, accepts) in checks.items():
        found = line.walk("/opportunities", limit=4, **{name: value}, **ALL)
        assert list_ids(found) == [row["id"] for row in rows if accepts(row)], name
    assert list_ids(line.walk("/opportunities", snoozed="true", **ALL)) == [
        row["id"] for row in rows if (row["snoozedUntil"] or 0) > line.app.clock.now().timestamp() * 1000
    ]
    for wrong in ({"archived": "maybe"}, {"updated_at_start": "x"}, {"confidentiality": "x"}):
        with pytest.raises(LeverRefusal, match="400"):
            line.get("/opportunities", **wrong)


def test_postings_hide_what_is_on_the_internal_site_alone_and_take_one_filter_beside_updates(line: LeverLine) -> None:
    channels = ["public", "internal"]
    whole = line.walk("/postings", distributionChannel=channels, **ALL)
    assert len(whole) == line.control("GET", "streams")["postings"]["rows"]
    shown = line.walk("/postings", **ALL)
    for row in whole:
        is_hidden = row["state"] == "published" and "public" not in row["distributionChannels"]
        assert (row in shown) is not is_hidden
    line.change("postings", whole[0]["id"], state="published", distributionChannels=["internal"])
    assert whole[0]["id"] not in list_ids(line.walk("/postings", **ALL))
    assert list_ids(line.walk("/postings", updated_at_start=whole[0]["updatedAt"] + 1, **ALL))[0] == whole[0]["id"]
    with pytest.raises(LeverRefusal, match="at /state"):
        line.get("/postings", updated_at_start=0, state="published")
    for name in ("team", "department", "commitment"):
        value = next(row["categories"][name] for row in whole if row["categories"][name])
        found = line.walk("/postings", distributionChannel=channels, **{name: value}, **ALL)
        assert found
        assert {row["categories"][name] for row in found} == {value}


def test_users_who_left_are_asked_for(line: LeverLine) -> None:
    present, everyone = line.walk("/users"), line.walk("/users", includeDeactivated="True")
    assert len(everyone) > len(present)
    assert {row["deactivatedAt"] for row in present} == {None}
    assert list_ids(line.get("/users", email=present[0]["email"])) == [present[0]["id"]]
    roles = {row["accessRole"] for row in line.get("/users", **{"accessRole[]": ["admin", "interviewer"]})}
    assert roles <= {"admin", "interviewer"}


def test_only_one_reason_is_of_a_hire(line: LeverLine) -> None:
    assert len(line.get("/archive_reasons", type="hired")) == 1
    reasons = line.get("/archive_reasons", type="non-hired")
    assert {row["status"] for row in reasons} == {"active", "inactive"}
    whole = line.get("/disposition_stages")
    assert [row["type"] for row in whole["archiveReasons"]].count("hired") == 1
    assert list_ids(whole["stages"]) == list_ids(line.get("/stages"))


def test_answers_for_statistics_are_of_the_last_week_unless_asked(line: LeverLine) -> None:
    assert line.get("/eeo/responses/pii") == []
    rows = line.walk("/eeo/responses/pii", created_at_start=0, limit=7)
    assert len(set(list_ids(rows))) == len(rows) == line.control("GET", "streams")["eeo_responses"]["rows"]
    application = line.get(f"/opportunities/{rows[0]['opportunityId']}/applications")[0]
    assert (rows[0]["id"], rows[0]["posting"]) == (application["id"], application["posting"])
    nameless = line.walk("/eeo/responses", fromDate=0)
    assert len(nameless) == len(rows)
    assert "contact" not in nameless[0]
    assert "eeoResponses" in open_lever(eeo_form="wrapped").get("/eeo/responses", fromDate=0)
    assert any("gender" not in row for row in rows)


# Deletions


def test_deletions_are_listed_in_windows_of_thirty_days(line: LeverLine) -> None:
    row = next(row for row in line.walk("/opportunities", **ALL) if row["applications"])
    posting = line.get("/postings")[0]["id"]
    start = int(line.app.clock.now().timestamp() * 1000)
    line.control("DELETE", f"rows/opportunities/{row['id']}")
    line.control("DELETE", f"rows/postings/{posting}")
    month = 30 * 86_400_000
    window = {"deleted_at_start": start, "deleted_at_end": start + month}
    deleted = line.get("/opportunities/deleted", **window)
    assert list_ids(deleted) == [row["id"]]
    assert deleted[0]["deletedAt"] >= start
    assert deleted[0]["contact"] == row["contact"]
    assert line.get("/applications/deleted", **window)[0]["opportunityId"] == row["id"]
    assert list_ids(line.get("/postings/deleted", **window)) == [posting]
    assert set(line.get("/postings/deleted")[0]) == {"id", "deletedAt"}
    at = deleted[0]["deletedAt"]
    assert line.get("/opportunities/deleted", deleted_at_start=at, deleted_at_end=at + 1)
    assert not line.get("/opportunities/deleted", deleted_at_start=at - 5, deleted_at_end=at)
    for wrong in (
        {"deleted_at_start": start},
        {"deleted_at_end": start},
        {**window, "deleted_at_end": start + month + 1},
        {**window, "deleted_at_end": start - 1},
    ):
        with pytest.raises(LeverRefusal, match="400"):
            line.get("/opportunities/deleted", **wrong)
    with pytest.raises(LeverRefusal, match="400"):
        line.get("/applications/deleted")
    assert line.send("GET", f"/opportunities/{row['id']}").status == 404
    assert line.send("GET", f"/opportunities/{row['id']}/notes").status == 404
    assert row["id"] not in list_ids(line.walk("/opportunities", **ALL))


def test_with_a_contact_its_opportunities_are_deleted(line: LeverLine) -> None:
    row = line.get("/opportunities")[0]
    own = list_ids(line.get("/opportunities", contact_id=row["contact"], **ALL))
    line.control("DELETE", f"rows/contacts/{row['contact']}")
    assert sorted(list_ids(line.get("/opportunities/deleted"))) == sorted(own)
    line.control("DELETE", "rows/opportunities", {"count": 3})
    assert len(line.get("/opportunities/deleted")) == len(own) + 3


def test_rows_made_changed_and_deleted_over_the_control_plane_are_listed_so(line: LeverLine) -> None:
    made = line.control("POST", "rows/contacts", {"name": "Ada Example", "emails": ["ada@example.com"]})
    own = line.control("POST", "rows/opportunities", {"contact": made["id"], "stage": "lead-responded"})
    found = line.get("/opportunities", email="ada@example.com")
    assert list_ids(found) == [own["id"]]
    assert found[0]["name"] == "Ada Example"
    line.change("contacts", made["id"], name="Ada Changed")
    assert own["id"] in [row["id"] for row in line.walk("/opportunities") if row["name"] == "Ada Changed"]
    line.change("opportunities", own["id"], opportunityLocation="Lyon")
    moved = line.control("GET", f"rows/opportunities/{own['id']}")["updatedAt"]
    line.app.clock.advance(timedelta(hours=1))
    line.change("opportunities", own["id"], opportunityLocation="Berlin")
    assert line.get(f"/opportunities/{own['id']}")["updatedAt"] == moved
    line.change("opportunities", own["id"], owner=None)
    assert line.get(f"/opportunities/{own['id']}")["updatedAt"] > moved


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_pages_of_large_companies_are_made_at_once(size: int) -> None:
    line = open_lever(size=size)
    page = line.ask_whole("GET", "/opportunities", limit=20, **ALL)
    again = line.ask_whole("GET", "/opportunities", limit=20, offset=page["next"], **ALL)
    assert set(list_ids(page["data"])).isdisjoint(list_ids(again["data"]))
    email = next(row["emails"][0] for row in page["data"] if row["emails"])
    assert line.get("/opportunities", email=email, **ALL)
    assert line.get("/opportunities", stage_id="offer", limit=5)[0]["stage"] == "offer"
    assert line.get(f"/opportunities/{page['data'][0]['id']}/notes") is not None


@pytest.mark.parametrize("word", PAGING)
@pytest.mark.parametrize("path", ["/opportunities", "/users"])
def test_paging_that_goes_wrong_is_made_where_it_was_asked_for(line: LeverLine, path: str, word: str) -> None:
    rows = list_ids(line.walk(path))
    line.control("PUT", "faults", [{"word": word, "next": 1}])
    pages: list[dict[str, Any]] = []
    query = {"limit": "7"}
    while len(pages) < 60:
        page = line.ask_whole("GET", path, **query)
        pages.append(page)
        if not page["hasNext"]:
            break
        query["offset"] = page["next"]
    assert line.control("GET", "faults")["fired"] == {word: 1}
    found = [row["id"] for page in pages for row in page["data"]]
    assert len(set(rows) - set(found)) == (word == "skip-row")
    assert (len(found) > len(set(found))) == (word in ("self-next", "repeat-rows", "repeat-row"))
    assert any(not page["data"] for page in pages) == (word in ("empty-page", "hollow-page"))
    assert any(str(page.get("next")).startswith("https://") for page in pages) == (word == "stranger-next")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_refusals_have_the_status_they_were_asked_for(line: LeverLine, status: int) -> None:
    for path in ("/v1/opportunities", "/", "/nothing"):
        answer = line.app.emulator.refuse(status, Request("GET", path, (), {}, b"", "http://sandbox"))
        assert answer.status == status
        assert set(msgspec.json.decode(answer.body)) == {"code", "message"}


def test_reset_puts_everything_back(line: LeverLine) -> None:
    before = line.walk("/opportunities", **ALL)
    line.control("PATCH", "rows/opportunities", {"share": 0.5})
    line.control("DELETE", "rows/opportunities", {"share": 0.2})
    assert line.walk("/opportunities", **ALL) != before
    line.reset()
    assert line.walk("/opportunities", **ALL) == before
    assert line.get("/opportunities/deleted") == []
    for moved in (before[-1], before[-2]):
        line.reset()
        line.change("opportunities", moved["id"], stage="lead-new")
        assert line.get("/opportunities", **ALL)[0]["id"] == moved["id"]
