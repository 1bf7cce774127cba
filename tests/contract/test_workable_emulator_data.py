"""The Workable emulator's made-up data: what rows have, how they fit together, filters, and a million candidates."""

import time
from typing import Any

import pytest

from testbed.workable_line import RefusedCall, Row, WorkableLine, list_ids, open_workable
from unihire.kit.clock import parse_moment, to_text


def split(text: str) -> list[str]:
    return text.split()


BRIEF = split(
    "id name firstname lastname headline account job stage stage_kind disqualified anonymized disqualification_reason "
    "hired_at moved_to_offer_at sourced profile_url address phone email domain outlet common_source "
    "common_source_category created_at updated_at"
)
DETAIL = split(
    "image_url disqualified_at withdrew outbound_mailbox uploader_id cover_letter summary education_entries "
    "experience_entries skills answers resume_url tags location originating_candidate_id"
)
JOB = split(
    "id title full_title shortcode code state confidential department department_hierarchy url application_url "
    "shortlink workplace_type location locations created_at updated_at salary keywords"
)
JOB_DETAIL = split(
    "full_description description requirements benefits employment_type industry function experience education"
)
MEMBER = split("id name headline email role type hris_role roles active collaboration_rules hris_member_scope")
EVENT = split("id title description type starts_at ends_at cancelled job members candidate")
STATES = {"draft", "published", "closed", "archived"}
STAGE_KINDS = {
    "sourced",
    "applied",
    "shortlisted",
    "phone-screen",
    "assessment",
    "interview",
    "offer",
    "hired",
    "other",
}


@pytest.fixture(scope="module")
def served() -> WorkableLine:
    return open_workable(size=150, seed=4)


@pytest.fixture
def line(served: WorkableLine) -> WorkableLine:
    served.reset()
    return served


@pytest.fixture(scope="module")
def candidates(served: WorkableLine) -> list[Row]:
    return [served.candidate(row["id"]) for row in served.walk("/candidates")]


def test_same_seed_gives_the_same_rows(served: WorkableLine) -> None:
    again, other = open_workable(size=150, seed=4), open_workable(size=150, seed=5)
    assert again.walk("/candidates") == served.walk("/candidates")
    assert other.walk("/candidates") != served.walk("/candidates")


def test_rows_of_lists_have_less_than_those_by_id(line: WorkableLine, candidates: list[Row]) -> None:
    for brief, detail in zip(line.walk("/candidates"), candidates, strict=True):
        assert set(brief) - {"resume_metadata"} == set(BRIEF)
        assert set(detail) - {"social_profiles"} == {*BRIEF, *DETAIL}
        assert {name: detail[name] for name in BRIEF} == {name: brief[name] for name in BRIEF}
        assert (detail["resume_url"] is not None) is ("resume_metadata" in brief)
    for brief in line.walk("/jobs"):
        assert set(brief) == {*JOB, "sample"}
        assert set(line.get(f"/jobs/{brief['shortcode']}")) == {*JOB, *JOB_DETAIL}
        assert "location_str" in brief["location"]
    asked = line.get("/jobs", limit=1, include_fields="description,benefits,nothing")["jobs"][0]
    assert set(asked) == {*JOB, "sample", "description", "benefits"}
    assert all(set(row) == set(MEMBER) for row in line.walk("/members", status="all"))
    assert all(set(row) - {"conference"} == set(EVENT) for row in line.walk("/events"))
    assert set(line.get("/stages")["stages"][0]) == {"id", "identifier", "slug", "name", "kind", "position"}
    assert set(line.get("/departments")[0]) == {"id", "name", "parent_id", "sample"}
    assert set(line.get("/disqualification_reasons")[0]) == {"id", "description", "candidate_withdrew", "position"}


def test_candidate_stands_at_a_stage_of_its_job(line: WorkableLine, candidates: list[Row]) -> None:
    stages = {job["shortcode"]: line.get(f"/jobs/{job['shortcode']}/stages")["stages"] for job in line.walk("/jobs")}
    for row in candidates:
        own = stages[row["job"]["shortcode"]]
        assert (row["stage"], row["stage_kind"]) in [(stage["name"], stage["kind"]) for stage in own]
        assert [stage["position"] for stage in own] == list(range(1, len(own) + 1))
        assert {stage["kind"] for stage in own} <= STAGE_KINDS
        assert all(int(stage["identifier"], 16) == stage["id"] for stage in own)
        assert (row["hired_at"] is not None) is (row["stage_kind"] == "hired")
        assert row["moved_to_offer_at"] is not None or row["stage_kind"] not in ("offer", "hired")
    assert {"sourced", "applied", "offer", "hired"} <= {row["stage_kind"] for row in candidates}


def test_who_is_disqualified_has_a_moment_and_a_reason_of_the_list(line: WorkableLine, candidates: list[Row]) -> None:
    reasons = {row["description"]: row["candidate_withdrew"] for row in line.get("/disqualification_reasons")}
    lost = [row for row in candidates if row["disqualified"]]
    assert lost
    assert {row["withdrew"] for row in lost} == {True, False}
    for row in candidates:
        assert (row["disqualified_at"] is not None) is row["disqualified"]
        if row["disqualification_reason"] is not None:
            assert reasons[row["disqualification_reason"]] is row["withdrew"]


def test_somebody_who_applied_twice_is_two_candidates(candidates: list[Row]) -> None:
    emails = [row["email"] for row in candidates if row["email"] is not None]
    assert len(set(emails)) < len(emails)
    pairs = [(row["email"], row["job"]["shortcode"]) for row in candidates if row["email"] is not None]
    assert len(set(pairs)) > len(set(emails))


def test_anonymized_candidates_have_no_name_and_no_address() -> None:
    rows = open_workable(size=600, seed=4).walk("/candidates", limit=100)
    anonymous = [row for row in rows if row["anonymized"]]
    assert anonymous
    assert all((row["name"], row["email"], row["phone"]) == ("", None, None) for row in anonymous)


def test_timeline_says_how_a_candidate_came_where_it_is(line: WorkableLine, candidates: list[Row]) -> None:
    actions = set()
    for row in candidates:
        rows = line.walk(f"/candidates/{row['id']}/activities", limit=4)
        assert list_ids(rows) == sorted(list_ids(rows))
        moments = [entry["created_at"] for entry in rows]
        assert moments == sorted(moments)
        assert row["created_at"][:19] <= moments[0][:19]
        assert moments[-1][:19] <= row["updated_at"][:19]
        moves = [entry for entry in rows if entry["target_stage"] is not None]
        assert all(entry["action"] == entry["target_stage"]["slug"] for entry in moves)
        assert (moves[-1]["target_stage"]["name"] if moves else row["stage"]) == row["stage"]
        assert ("disqualified" in [entry["action"] for entry in rows]) is row["disqualified"]
        actions |= {entry["action"] for entry in rows}
        for entry in rows:
            assert ("rating" in entry) is (entry["action"] == "rating")
            if "rating" in entry:
                scale = {"thumbs": 3, "stars": 5, "numbers": 10}[entry["rating"]["scale"]]
                assert 0 <= entry["rating"]["grade"] < scale
    assert {"applied", "sourced", "comment", "rating", "message", "event", "disqualified", "hired"} <= actions


def test_timeline_of_a_job_has_those_of_its_candidates(line: WorkableLine) -> None:
    job = line.get("/jobs", limit=1)["jobs"][0]["shortcode"]
    own = list_ids(line.walk(f"/jobs/{job}/candidates"))
    rows = line.walk(f"/jobs/{job}/activities", limit=7)
    assert rows[0]["action"] == "opened"
    assert "candidate" not in rows[0]
    assert {row["candidate"]["id"] for row in rows[1:]} == set(own)
    assert sum(len(line.walk(f"/candidates/{one}/activities")) for one in own) == len(rows) - 1
    assert all(set(row["rating"]) == {"score"} for row in rows if "rating" in row)
    assert all("target_stage" not in row and "action_stage" not in row for row in rows)


def test_offers_are_where_the_stage_says_so(line: WorkableLine, candidates: list[Row]) -> None:
    states: dict[str, set[str]] = {}
    for row in candidates:
        offer = line.get(f"/candidates/{row['id']}/offer")
        assert offer["candidate"] == {"id": row["id"], "name": row["name"], "location": row["location"]["location_str"]}
        if "state" not in offer:
            assert set(offer) == {"candidate"}
            assert row["stage_kind"] not in ("offer", "hired")
            continue
        states.setdefault(row["stage_kind"], set()).add(offer["state"])
        slugs = [one["document_variable"]["slug"] for one in offer["document_variables"]]
        assert slugs == ["salary", "start_date"]
    assert states["hired"] == {"accepted"}
    assert "accepted" not in states["offer"]


def test_events_are_of_candidates_and_their_jobs(line: WorkableLine, candidates: list[Row]) -> None:
    jobs = {row["id"]: row["job"] for row in candidates}
    members = {row["id"]: row["name"] for row in line.walk("/members", status="all")}
    shown, whole = line.walk("/events"), line.walk("/events", include_cancelled="true")
    assert len(shown) < len(whole)
    for row in whole:
        assert row["job"] == jobs[row["candidate"]["id"]]
        assert all(members[one["id"]] == one["name"] for one in row["members"])
        assert row["starts_at"] < row["ends_at"]
    assert line.get(f"/events/{whole[0]['id']}") == whole[0]
    one = whole[5]
    assert one["id"] in list_ids(line.walk("/events", candidate_id=one["candidate"]["id"], include_cancelled="true"))
    for query in (
        {"type": "call"}, {"shortcode": one["job"]["shortcode"]}, {"member_id": one["members"][0]["id"]},
        {"start_date": one["starts_at"]}, {"end_date": one["starts_at"]},
    ):  # fmt: skip
        found = line.walk("/events", **query, include_cancelled="true")
        assert 0 < len(found) < len(whole), query
    for row in whole[::15]:
        first, last = row["starts_at"], row["ends_at"]
        assert line.walk("/events", start_date=first, include_cancelled="true") == [
            one for one in whole if one["starts_at"] >= first
        ]
        assert line.walk("/events", end_date=last, include_cancelled="true") == [
            one for one in whole if one["starts_at"] <= last
        ]
    with pytest.raises(RefusedCall, match="403"):
        line.get("/events", context="all")
    assert line.with_token(line.tokens["user_token"]).get("/events", context="all")


def test_answers_are_to_questions_of_the_job(line: WorkableLine, candidates: list[Row]) -> None:
    questions: dict[str, dict[str, Row]] = {}
    for job in line.walk("/jobs"):
        own = line.get(f"/jobs/{job['shortcode']}/questions")["questions"]
        assert line.get(f"/jobs/{job['shortcode']}/application_form")["questions"] == own
        questions[job["shortcode"]] = {row["id"]: row for row in own}
    assert any(not own for own in questions.values())
    answered = 0
    for row in candidates:
        for entry in row["answers"]:
            question = questions[row["job"]["shortcode"]][entry["question"]["id"]]
            assert entry["question"]["body"] == question["body"]
            answered += 1
            if "choices" in entry["answer"]:
                assert all(choice in question["choices"] for choice in entry["answer"]["choices"])
    assert answered


def test_jobs_have_a_team_that_can_act_on_them(line: WorkableLine) -> None:
    states = set()
    departments = {row["id"]: row["name"] for row in line.get("/departments")}
    for job in line.walk("/jobs"):
        states.add(job["state"])
        team = line.get(f"/jobs/{job['shortcode']}/members")["members"]
        assert "admin" in {member["collaboration_role"] for member in team}
        assert set(team[0]) == {"id", "name", "headline", "email", "role", "type", "collaboration_role"}
        assert [departments[node["id"]] for node in job["department_hierarchy"]] == [job["department"]] * bool(
            job["department"]
        )
    assert {"draft", "published"} <= states <= STATES
    assert line.walk("/jobs", state="draft")
    with pytest.raises(RefusedCall, match="422"):
        line.get("/jobs", state="open")


# Filters


def test_what_changed_is_listed_under_updated_after(line: WorkableLine) -> None:
    line.control("POST", "clock", {"advance_seconds": 3600})
    since = to_text(line.app.clock.now())
    line.control("POST", "clock", {"advance_seconds": 3600})
    for stream, path in (("candidates", "/candidates"), ("jobs", "/jobs"), ("requisitions", "/requisitions")):
        before = line.walk(path)
        line.control("PATCH", f"rows/{stream}", {"count": 3})
        changed = [row for row in line.walk(path) if row not in before]
        assert len(changed) == 3
        for text in (since, str(int(parse_moment(since).timestamp()))):
            assert line.walk(path, updated_after=text) == changed
        assert line.walk(path, created_after=since) == []
    for text in ("soon", "2026-02-30", "99999999999999"):
        with pytest.raises(RefusedCall, match="422"):
            line.get("/candidates", updated_after=text)


def test_moments_in_filters_are_left_out_themselves(line: WorkableLine) -> None:
    rows = line.walk("/candidates")
    for name, member in (("created_after", "created_at"), ("updated_after", "updated_at")):
        for row in rows[::20]:
            wanted = [one for one in rows if one[member] > row[member]]
            assert line.walk("/candidates", **{name: row[member]}, limit=11) == wanted
            assert line.walk("/candidates", **{name: row[member].replace("-", "").replace(":", "")}) == wanted


def test_candidates_are_found_by_address_stage_and_job(line: WorkableLine) -> None:
    rows = line.walk("/candidates")
    twice = max(
        (row["email"] for row in rows if row["email"]), key=lambda one: sum(row["email"] == one for row in rows)
    )
    found = [row for row in rows if row["email"] == twice]
    assert len(found) > 1
    assert line.walk("/candidates", email=twice.upper(), limit=1) == found
    line.change("candidates", found[0]["id"], email="other@example.com")
    assert list_ids(line.walk("/candidates", email=twice)) == list_ids(found[1:])
    assert list_ids(line.walk("/candidates", email="other@example.com")) == list_ids(found[:1])
    assert line.walk("/candidates", email="nobody@example.com") == []
    applied = [row["id"] for row in rows if row["stage"] == "Applied"]
    assert list_ids(line.walk("/candidates", stage="applied", limit=2)) == applied
    job = rows[0]["job"]["shortcode"]
    assert list_ids(line.walk(f"/jobs/{job}/candidates", state="applied")) == [
        row["id"] for row in rows if row["stage"] == "Applied" and row["job"]["shortcode"] == job
    ]


def test_members_are_active_unless_asked_otherwise(line: WorkableLine) -> None:
    every, active = line.walk("/members", status="all"), line.walk("/members")
    assert [row for row in every if row["active"]] == active
    assert [row for row in every if not row["active"]] == line.walk("/members", status="inactive") != []
    assert line.walk("/members", email=active[3]["email"]) == [active[3]]
    assert {row["role"] for row in line.walk("/members", role="reviewer")} == {"reviewer"}
    job = line.get("/jobs", limit=1)["jobs"][0]["shortcode"]
    team = list_ids(line.get(f"/jobs/{job}/members")["members"])
    assert set(list_ids(line.walk("/members", shortcode=job, status="all"))) == set(team)


# The control plane


def test_row_is_changed_deleted_and_made_by_its_id(line: WorkableLine) -> None:
    rows = line.walk("/candidates")
    events = line.walk("/events", include_cancelled="true")
    one = next(row for row in rows if any(event["candidate"]["id"] == row["id"] for event in events))
    own, job = [event["id"] for event in events if event["candidate"]["id"] == one["id"]], one["job"]["shortcode"]
    assert line.row("candidates", one["id"])["job_shortcode"] == job
    assert line.row("jobs", job)["id"] == line.get(f"/jobs/{job}")["id"]
    line.change("candidates", one["id"], stage_slug="hired", headline="Changed")
    assert (line.candidate(one["id"])["stage"], line.candidate(one["id"])["headline"]) == ("Hired", "Changed")
    stage = line.get("/stages")["stages"][0]
    line.change("stages", stage["id"], name="Renamed")
    assert line.get("/stages")["stages"][0] == {**stage, "name": "Renamed"}
    made = line.control("POST", "rows/candidates", {"name": "Made Up", "job_shortcode": job, "stage_slug": "applied"})
    assert line.walk("/candidates")[-1]["id"] == made["id"]
    assert line.walk(f"/jobs/{job}/candidates")[-1]["stage_kind"] == "applied"
    line.control("DELETE", f"rows/candidates/{one['id']}")
    for path in ("", "/activities", "/files", "/offer"):
        assert line.send("GET", f"/candidates/{one['id']}{path}").status == 404
    assert one["id"] not in list_ids(line.walk("/candidates"))
    assert own
    assert not set(list_ids(line.walk("/events", include_cancelled="true"))).intersection(own)
    assert line.send("GET", f"/events/{own[0]}").status == 404
    line.control("DELETE", f"rows/jobs/{job}")
    assert line.send("GET", f"/jobs/{job}").status == 404
    assert "job" not in line.walk("/candidates")[-1]


# Many


def page_of(line: WorkableLine, number: int) -> Row:
    """A candidate with an address, this one or one of those that follow."""
    rows = line.get("/candidates", since_id=f"{0x27000000 + number:x}", limit=20)["candidates"]
    found: Row = next(row for row in rows if row["email"])
    return found


def test_a_million_candidates_start_at_once_and_any_page_comes_fast() -> None:
    started = time.process_time()
    line = open_workable(size=1_000_000, seed=2)
    job = line.get("/jobs", limit=1)["jobs"][0]["shortcode"]
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/candidates", {"since_id": f"{0x27000000 + 900_000:x}", "limit": 100}),
        ("/candidates", {"updated_after": "2026-06-29T00:00:00Z", "limit": 100}),
        ("/candidates", {"created_after": "2026-06-30T15:00:00Z"}),
        ("/events", {"start_date": "2026-07-01T00:00:00Z"}),
        ("/candidates", {"email": page_of(line, 900_000)["email"]}),
        ("/candidates", {"shortcode": job}),
        ("/events", {"limit": 100}),
        (f"/jobs/{job}/activities", {"since_id": "90000100"}),
    )
    for path, query in calls:
        began = time.process_time()
        page = line.get(path, **query)
        (member,) = set(page) - {"paging"}
        assert page[member], path
        assert time.process_time() - began < 2, (path, query)
    assert line.candidate(f"{0x27000000 + 1_000_000:x}")
    assert time.process_time() - started < 10
